//! How Drivetrain reaches a cluster.
