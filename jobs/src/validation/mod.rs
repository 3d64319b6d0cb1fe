//! Validates a job folder without data, by planning all its SQL over empty tables.

mod job_validation;
mod planner_error;
mod sql_position;

#[cfg(test)]
mod tests;
