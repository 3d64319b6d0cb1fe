//! Delimited text, cut into blocks and records and decoded by contract.
//!
//! The decoder is our own. DataFusion's reader matches columns by position, and one bad value fails its whole query
//! without naming the file or the line. This one takes the types from the contract, reports the location of each bad
//! row, and gives the same rows however an object is cut into blocks.
pub(crate) mod block_cutter;
pub(crate) mod block_decoder;
pub(crate) mod column_decoder;
pub(crate) mod number_parser;
pub(crate) mod object;
pub(crate) mod record_grammar;
pub(crate) mod record_splitter;
pub(crate) mod time_parser;
