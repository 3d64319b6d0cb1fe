//! The parts that several tests share: small machines, the recorded cases, and the runs of those.

pub mod corpus;
pub mod recorded_run;
pub mod small;
