//! Deploys Drivetrain to a cluster: release package, EMR bootstrap action, resource stack, deploy and destroy commands.
//!
//! The crate is empty so far. It will use `statemachine`, because it deploys the state machine, but neither `jobs` nor
//! `runner`.
