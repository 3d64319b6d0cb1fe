//! Delimited text: cut into blocks and records, and decoded by contract.
pub(crate) mod block_cutter;
pub(crate) mod block_decoder;
pub(crate) mod column_decoder;
pub(crate) mod number_parser;
pub(crate) mod object;
pub(crate) mod record_grammar;
pub(crate) mod record_splitter;
pub(crate) mod time_parser;
