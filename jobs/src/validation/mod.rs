//! Finds every mistake of a job folder before any data is read: its SQL is planned over empty tables.

mod job_validation;
mod planner_error;
mod sql_position;

#[cfg(test)]
mod tests;
