//! `tests/cases`: written cases of the language, which every clone runs.
//!
//! A folder per subject, a file per feature, several cases per file; [`case`] describes the format. The expected values
//! come from the document that a case names as its `source`, never from the output of this crate.

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
