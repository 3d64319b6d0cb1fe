//! Keys and references of whole datasets, compared by hashes of their values.
pub(crate) mod hash_set;
pub(crate) mod key_entries;
pub(crate) mod late_rejections;
pub(crate) mod reference_targets;
pub(crate) mod row_hash;
