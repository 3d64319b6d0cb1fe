//! What AWS's interpreter, which is written in Java, shows of its language.

pub(crate) mod hash_map_order;
pub(crate) mod print_value;
pub(crate) mod random;
