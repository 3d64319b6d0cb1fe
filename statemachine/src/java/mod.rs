//! The behavior of Java that AWS's interpreter shows: map order, random numbers, printed values.

pub(crate) mod hash_map_order;
pub(crate) mod print_value;
pub(crate) mod random;
