//! A finished column of a row group.

use std::io::{Chain, Cursor, Read};

use bytes::Bytes;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::writer::SerializedRowGroupWriter;

/// A finished column: its bytes and its metadata.
pub(crate) struct Chunk {
    /// The dictionary page and the data pages, as the file stores them.
    pub(crate) content: ChunkBytes,
    /// Metadata and indexes, with offsets relative to `content`.
    pub(crate) close: ColumnCloseResult,
}

/// Bytes of a column, which readers see as one sequence: the dictionary page, then the data pages.
pub(crate) struct ChunkBytes {
    /// The dictionary page; empty without a dictionary.
    pub(crate) dictionary: Bytes,
    /// The data pages, concatenated.
    pub(crate) pages: Bytes,
}

impl Chunk {
    /// Appends the column to a row group.
    ///
    /// # Errors
    /// The parquet crate's error if the column is not the next one of the row group.
    pub(crate) fn append(
        self,
        row_group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    ) -> Result<()> {
        row_group.append_column(&self.content, self.close)
    }
}

impl Length for ChunkBytes {
    fn len(&self) -> u64 {
        (self.dictionary.len() + self.pages.len()) as u64
    }
}

impl ChunkReader for ChunkBytes {
    type T = Chain<Cursor<Bytes>, Cursor<Bytes>>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut dictionary = Cursor::new(self.dictionary.clone());
        let mut pages = Cursor::new(self.pages.clone());
        let in_dictionary = start.min(self.dictionary.len() as u64);
        dictionary.set_position(in_dictionary);
        pages.set_position(start - in_dictionary);
        Ok(dictionary.chain(pages))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = vec![0; length];
        self.get_read(start)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
