//! Encodes a column of text or integers as Parquet.
//!
//! The parquet crate's encoder hashes and compares the bytes of each row's value. This encoder avoids both:
//! - A text of up to 12 bytes is stored in its string view, which is one integer. The dictionary uses that integer as a
//!   key, without hashing the bytes.
//! - The bounds of a dictionary-encoded page come from the dictionary entries that the page uses, not from each row.
//!
//! Over the fact table of 10 million rentals, this takes 0.8 to 1 s less processor time. The files differ only in the
//! rows at which pages end.

mod chunk;
mod column_kind;
mod dictionary;
mod encoder;
pub(crate) mod number;
mod page;
mod rle_hybrid;
pub(crate) mod text;

pub(crate) use encoder::ColumnEncoder;

#[cfg(test)]
mod tests;
