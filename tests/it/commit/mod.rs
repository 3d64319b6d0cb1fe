//! The commit protocol, and attempts to break it.
//!
//! The first modules run the protocol in this process, on stores whose calls fail as the test chooses. The last two run
//! the real binary against an S3 server in this process, which holds its requests back.
//!
//! `docs/commit-protocol.md` ends with the changes to the code that these tests catch, and with two that they do not.

// Runs without disturbances on every backend: windows, appends, foreign objects, idempotence, checkpoints.
mod undisturbed;
// Conditions that must hold before a record is put, and the order in which effects become durable.
mod staging;
// Runs that find another run's record at the number that they want for their own.
mod contention;
// Timeouts, 5xx, 409 and false answers, which leave the outcome open.
mod undecided;
// Uploads that the store has lost, and the processes that notice.
mod lost_uploads;
// Records that void another record, and publishers that come late.
mod voided_runs;
// Runs that end at the commit or the publish, because of a signal or because their task was dropped.
mod stops;
// Vacuum: the objects of attempts that it removes, and those that it keeps.
mod vacuum;
// A crash, a failure, a stop or another process at every call of a run; then the same command again.
mod crashes;
// Seeded interleavings of several processes with crashes and faults at random.
mod random;
// The real binary at 23 requests of steps 1 to 8: killed, stopped, or held back while another process does its work.
mod protocol_steps;
// Readers whose part is replaced while they read.
mod readers;
