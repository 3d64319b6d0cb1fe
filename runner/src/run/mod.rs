//! One run of one job: the path of a row, from raw objects to a published table.
pub(crate) mod check;
pub(crate) mod compute;
pub(crate) mod freeze;
pub(crate) mod identify;
pub(crate) mod outputs;
pub(crate) mod preview;
pub(crate) mod read;
pub(crate) mod roots;
pub(crate) mod row_path;
pub(crate) mod settings;
