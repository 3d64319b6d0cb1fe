//! The commit protocol, and attempts to break it.
//!
//! The first modules run the protocol in this process, on stores whose calls fail as the test chooses. The last two run the real
//! binary against an S3 server in this process, which holds its requests back.
//!
//! Each line of the code on which the protocol depends was changed by hand, one at a time, until a test failed:
//!
//! | step | changes, each caught |
//! |---|---|
//! | start | table roots after the log; no finishing of the last publish (run, reader, vacuum); building on a lost run; not finding the same run; no probe; aiming at another number; accepting foreign, dead, consumed or changed objects, other columns and other volumes; not cleaning ended attempts |
//! | stage, verify | attempt or uploads not written down; rows not counted; parts outside the window or in no partition; uploads kept when given up, unused, in conflict, void, or behind the same run; the end not marked |
//! | fence, commit | no sealing; no fence; the log read again; a refusal, a timeout or a failure believed; another attempt's record taken for one's own; the same run, a void, or all but the first record behind one's number not seen; no settling before the next number; building on a lost run; giving up uploads, or reporting failure, when undecided |
//! | publish | completing after deletes or marks; deletes after the mark; no syncing before deletes; answers believed without a look; any size accepted; a timeout taken for a loss; no second look, no abort before it; the mark or the next record not read before voiding; a void that deletes nothing, is not marked, or is marked first; leaving what was completed for a void |
//!
//! No test fails after two changes: publishing a marked record again, which has no effect, and not checking for a stop right
//! before the put. At that point no request is in flight, and the put itself notices the stop.

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
