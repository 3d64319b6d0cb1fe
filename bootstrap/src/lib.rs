//! How Drivetrain reaches a cluster: release package, EMR bootstrap action, stack of resources, deploy, destroy.
//!
//! Nothing of it is built yet. What it will hold and may depend on is fixed: it knows the state machine (it deploys it) and
//! neither data nor jobs.
