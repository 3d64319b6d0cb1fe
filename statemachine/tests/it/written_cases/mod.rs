//! `tests/cases`: written cases of the language, which every clone runs.
//!
//! A folder per subject, a file per feature, several cases per file; [`case`] describes the format. The expected values
//! come from the document that a case names as its `source`, never from the output of this crate. AWS ran none of these
//! cases: where the source is recorded behavior, the case applies a rule that recordings of other inputs showed; where
//! it is an analogy, no recording of AWS shows the rule.
//!
//! ```json
//! {
//!   "about": "`Retry`: the number of attempts and the delays between them.",
//!   "cases": [
//!     {
//!       "name": "a task that fails once is called again",
//!       "source": "ASL specification, Retrying after error",
//!       "state": {"Type": "Task", "Resource": "..", "Retry": [{"ErrorEquals": ["Busy"]}], "End": true},
//!       "tasks": {"Only": [{"fail": {"error": "Busy", "cause": "why"}}, {"return": "ok"}]},
//!       "expect": {"output": "ok", "seconds": 1}
//!     }
//!   ]
//! }
//! ```
//!
//! Every case starts at 2026-03-01T08:00:00Z on a clock that jumps over every wait. To add a case, derive the expected
//! value from the document first, then run the case. If the crate gives another value, either the crate or the case has
//! a bug, and the document decides. A file with an unknown key, a case without a source or a name that occurs twice
//! fails the test.

mod answers;
mod case;
mod coverage;
mod difference;
mod files;
mod run;

use files::read;

#[test]
fn written_cases_end_as_expected() {
    let cases = read().unwrap_or_else(|problems| panic!("{}", problems.join("\n")));
    let mut failures = Vec::new();
    for (folder, cases) in &cases {
        println!("{folder}: {} cases", cases.len());
        for case in cases {
            let differences = run::differences(case);
            if !differences.is_empty() {
                let lines = differences.join("\n    ");
                failures.push(format!("{folder}: `{}`\n    {lines}", case.name));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} written cases differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
