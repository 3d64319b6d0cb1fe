//! The encoder of one column: collects values into pages, and finishes the column chunk.

use arrow::array::Array;
use parquet::basic::{Encoding, EncodingMask, PageType, Type};
use parquet::column::page::{CompressedPage, Page as PageContent, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use crate::sink::parquet::column::chunk::{Chunk, ChunkBytes};
use crate::sink::parquet::column::column_kind::{Bounds, BoundsOrder, ColumnKind};
use crate::sink::parquet::column::dictionary::Dictionary;
use crate::sink::parquet::column::page::{PAGE_BYTES, PAGE_ROWS, Page};
use crate::sink::parquet::column::rle_hybrid;
use crate::sink::parquet::compress::Compressor;
use crate::sink::parquet::file_settings::Codec;

/// Encoder of one column of a row group.
pub(crate) struct ColumnEncoder<K: ColumnKind> {
    /// Reads, encodes and compares the values: text or numbers.
    kind: K,
    /// The column's descriptor in the file's schema.
    column: ColumnDescPtr,
    /// The codec that the column's metadata names.
    codec: Codec,
    /// Compresses pages with `codec`.
    compressor: Compressor,
    /// Distinct values so far; `None` if the column gets no dictionary.
    dictionary: Option<Dictionary<K::Key>>,
    /// `true` while the page in progress stores dictionary indices: there is a dictionary, and it is not full.
    numbers_values: bool,
    /// The page in progress.
    page: Page<K>,
    /// Finished data pages, concatenated.
    done: TrackedWrite<Vec<u8>>,
    /// Sizes and offsets of the finished pages.
    pages: Vec<PageWriteSpec>,
    /// The number of finished pages that store dictionary indices; they come first.
    pages_numbered: usize,
    /// Bounds and NULL counts per page.
    index: ColumnIndexBuilder,
    /// Rows and bytes of text per page.
    rows_and_bytes: Vec<(i64, i64)>,
    /// The number of rows in finished pages.
    rows: u64,
    /// The number of NULLs in finished pages.
    nulls: u64,
    /// Bounds of all finished pages; `None` while every value is NULL.
    bounds: Option<K::Bounds>,
    /// The order of the pages by their bounds.
    order: BoundsOrder<K::Bounds>,
}

impl<K: ColumnKind> ColumnEncoder<K> {
    /// Creates an encoder. `with_dictionary` should be `false` if nearly every row would add an entry to the
    /// dictionary.
    ///
    /// # Errors
    /// The codec's error if it cannot allocate its memory.
    pub(crate) fn new(
        kind: K,
        column: ColumnDescPtr,
        codec: Codec,
        with_dictionary: bool,
    ) -> Result<Self> {
        let physical = kind.physical();
        Ok(Self {
            kind,
            column,
            codec,
            compressor: Compressor::new(codec)?,
            dictionary: with_dictionary.then(Dictionary::new),
            numbers_values: with_dictionary,
            page: Page::new(),
            done: TrackedWrite::new(Vec::new()),
            pages: Vec::new(),
            pages_numbered: 0,
            index: ColumnIndexBuilder::new(physical),
            rows_and_bytes: Vec::new(),
            rows: 0,
            nulls: 0,
            bounds: None,
            order: BoundsOrder::new(),
        })
    }

    /// Returns the kind, which converts arrays for [`Self::write`].
    pub(crate) fn kind(&self) -> &K {
        &self.kind
    }

    /// Appends rows; finishes pages as they fill up.
    ///
    /// # Errors
    /// The parquet crate's error for a NULL in a required column, or if the codec fails.
    pub(crate) fn write(&mut self, array: &K::Array) -> Result<()> {
        if self.column.max_def_level() == 0 && array.null_count() > 0 {
            let name = self.column.name();
            return Err(ParquetError::General(format!(
                "NULL in `{name}`, a column that must not be NULL"
            )));
        }
        let mut row = 0;
        while row < array.len() {
            let rows = row..array.len().min(row + PAGE_ROWS - self.page.rows);
            let end = match &mut self.dictionary {
                Some(dictionary) if self.numbers_values => {
                    self.page.add_numbered(&self.kind, array, rows, dictionary)
                }
                _ => self.page.add_plain(&self.kind, array, rows),
            };
            self.page.add_levels(array, row..end);
            row = end;
            let is_full =
                self.numbers_values && self.dictionary.as_ref().is_some_and(Dictionary::is_full);
            if is_full || self.page.rows == PAGE_ROWS || self.page.plain.len() >= PAGE_BYTES {
                self.end_page()?;
            }
            self.numbers_values &= !is_full;
        }
        Ok(())
    }

    /// Estimates the size in the file, in bytes, of the rows written so far.
    pub(crate) fn bytes(&self) -> usize {
        let dictionary = self.dictionary.as_ref().map_or(0, |all| all.plain.len());
        self.done.bytes_written() + self.page.bytes() + dictionary
    }

    /// Returns the number of bytes that the column holds in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        let dictionary = self.dictionary.as_ref().map_or(0, Dictionary::memory_bytes);
        self.done.inner().capacity() + self.page.bytes() + dictionary
    }

    /// Encodes, compresses and appends the page in progress, then clears it.
    fn end_page(&mut self) -> Result<()> {
        let page = &mut self.page;
        let mut content = Vec::new();
        if self.column.max_def_level() > 0 {
            content.extend_from_slice(&[0; 4]);
            if page.levels.is_empty() {
                rle_hybrid::repeat(1, page.rows, 1, &mut content);
            } else {
                rle_hybrid::encode(&page.levels, 1, &mut content);
            }
            let length = u32::try_from(content.len() - 4).map_err(too_large)?;
            content[..4].copy_from_slice(&length.to_le_bytes());
        }
        let (encoding, bounds) = match &self.dictionary {
            Some(dictionary) if self.numbers_values => {
                let largest =
                    u32::try_from(dictionary.len().saturating_sub(1)).map_err(too_large)?;
                let width = rle_hybrid::width(largest);
                content.extend_from_slice(&width.to_le_bytes()[..1]);
                rle_hybrid::encode(&page.numbers, width, &mut content);
                self.pages_numbered += 1;
                (
                    Encoding::RLE_DICTIONARY,
                    page.named_bounds(&self.kind, dictionary),
                )
            }
            _ => {
                content.extend_from_slice(&page.plain);
                (Encoding::PLAIN, page.bounds.take())
            }
        };
        let (rows, nulls) = (page.rows, page.nulls);
        let counted = |number: usize| u32::try_from(number).map_err(too_large);
        let uncompressed = content.len();
        let compressed = PageContent::DataPage {
            buf: self.compressor.compress(content)?.into(),
            num_values: counted(rows)?,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let written = SerializedPageWriter::new(&mut self.done)
            .write_page(CompressedPage::new(compressed, uncompressed))?;
        self.pages.push(written);
        self.rows_and_bytes
            .push((signed(rows), self.page.text_bytes.cast_signed()));
        self.rows += rows as u64;
        self.nulls += nulls as u64;
        self.note_bounds(bounds, signed(nulls));
        self.page.clear();
        Ok(())
    }

    /// Adds a page's bounds to the page index and to the column's bounds; `None` means that the page has only NULLs.
    fn note_bounds(&mut self, bounds: Option<K::Bounds>, nulls: i64) {
        let Some(bounds) = bounds else {
            return self.index.append(true, Vec::new(), Vec::new(), nulls);
        };
        self.index
            .append(false, bounds.lower(), bounds.upper(), nulls);
        match &mut self.bounds {
            Some(all) => all.extend(&bounds),
            none => *none = Some(bounds.clone()),
        }
        self.order.add(bounds);
    }

    /// Finishes the column; returns its pages, the dictionary page first, and its metadata.
    ///
    /// # Errors
    /// Those of the codec.
    pub(crate) fn close(mut self) -> Result<Chunk> {
        if self.page.rows > 0 {
            self.end_page()?;
        }
        let dictionary = self
            .dictionary
            .take()
            .map(|dictionary| self.dictionary_page(dictionary));
        let (head, dictionary_page) = dictionary.transpose()?.unzip();
        let head = head.unwrap_or_default();
        let pages = dictionary_page.iter().chain(&self.pages);
        let (mut written, mut uncompressed, mut compressed) = (0, 0, 0);
        for page in pages {
            written += page.bytes_written;
            uncompressed += page.uncompressed_size;
            compressed += page.compressed_size;
        }
        let has_texts = self.kind.physical() == Type::BYTE_ARRAY;
        let text_bytes =
            has_texts.then(|| self.rows_and_bytes.iter().map(|(_, bytes)| bytes).sum());
        let mut metadata = ColumnChunkMetaData::builder(ColumnDescPtr::clone(&self.column))
            .set_compression_codec(self.codec.compression_codec())
            .set_encodings_mask(self.encodings(dictionary_page.is_some()))
            .set_page_encoding_stats(self.page_counts(dictionary_page.is_some()))
            .set_total_compressed_size(signed(compressed))
            .set_total_uncompressed_size(signed(uncompressed))
            .set_num_values(self.rows.cast_signed())
            .set_data_page_offset(signed(head.len()))
            .set_statistics(self.kind.statistics(self.bounds.as_ref(), self.nulls))
            .set_unencoded_byte_array_data_bytes(text_bytes);
        if dictionary_page.is_some() {
            metadata = metadata.set_dictionary_page_offset(Some(0));
        }
        let mut offsets = OffsetIndexBuilder::new();
        for (page, (rows, bytes)) in self.pages.iter().zip(&self.rows_and_bytes) {
            let offset = page.offset.cast_signed() + signed(head.len());
            let size = i32::try_from(page.compressed_size).map_err(too_large)?;
            offsets.append_offset_and_size(offset, size);
            offsets.append_row_count(*rows);
            offsets.append_unencoded_byte_array_data_bytes(has_texts.then_some(*bytes));
        }
        self.index.set_boundary_order(self.order.name());
        let close = ColumnCloseResult {
            bytes_written: written,
            rows_written: self.rows,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: Some(self.index.build()?),
            offset_index: Some(offsets.build()),
        };
        let content = ChunkBytes {
            dictionary: head.into(),
            pages: self.done.into_inner()?.into(),
        };
        Ok(Chunk { content, close })
    }

    /// Encodes and compresses the dictionary page.
    fn dictionary_page(
        &mut self,
        dictionary: Dictionary<K::Key>,
    ) -> Result<(Vec<u8>, PageWriteSpec)> {
        let values = u32::try_from(dictionary.len()).map_err(too_large)?;
        let uncompressed = dictionary.plain.len();
        let page = PageContent::DictionaryPage {
            buf: self.compressor.compress(dictionary.plain)?.into(),
            num_values: values,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        let mut out = TrackedWrite::new(Vec::new());
        let written = SerializedPageWriter::new(&mut out)
            .write_page(CompressedPage::new(page, uncompressed))?;
        Ok((out.into_inner()?, written))
    }

    /// Returns the encodings of all pages, as the column's metadata lists them.
    fn encodings(&self, has_dictionary: bool) -> EncodingMask {
        let written_out = has_dictionary || self.pages_numbered < self.pages.len();
        let encodings = [
            Some(Encoding::RLE),
            written_out.then_some(Encoding::PLAIN),
            (self.pages_numbered > 0).then_some(Encoding::RLE_DICTIONARY),
        ];
        EncodingMask::new_from_encodings(encodings.iter().flatten())
    }

    /// Returns the number of pages per page type and encoding.
    fn page_counts(&self, has_dictionary: bool) -> Vec<PageEncodingStats> {
        let plain = self.pages.len() - self.pages_numbered;
        let counts = [
            (
                PageType::DICTIONARY_PAGE,
                Encoding::PLAIN,
                usize::from(has_dictionary),
            ),
            (
                PageType::DATA_PAGE,
                Encoding::RLE_DICTIONARY,
                self.pages_numbered,
            ),
            (PageType::DATA_PAGE, Encoding::PLAIN, plain),
        ];
        let counted = counts.into_iter().filter(|(_, _, count)| *count > 0);
        counted
            .map(|(page_type, encoding, count)| PageEncodingStats {
                page_type,
                encoding,
                count: i32::try_from(count).unwrap_or(i32::MAX),
            })
            .collect()
    }
}

/// Converts a count to the signed integer that Parquet's metadata stores.
fn signed(number: usize) -> i64 {
    (number as u64).cast_signed()
}

/// Builds the error for a page whose size or number of values exceeds 32 bits.
fn too_large(error: std::num::TryFromIntError) -> ParquetError {
    ParquetError::General(format!("a Parquet page exceeds a 32-bit limit: {error}"))
}
