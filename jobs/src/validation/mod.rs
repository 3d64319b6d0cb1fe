//! Validation of a job folder without data: all SQL is planned over empty tables.

mod job_validation;
mod planner_error;
mod sql_position;

#[cfg(test)]
mod tests;
