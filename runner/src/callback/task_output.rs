//! The answer to a task, made from the end of a run, within the limits of Step Functions.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::callback::summary::{RunNumbers, TableSummary};
use crate::error::Failure;
use crate::report::EmrStep;

/// The largest output in bytes. It becomes the input of later states, which pass it on and log it; the report has
/// the rest.
const MOST_OUTPUT_BYTES: usize = 4_096;

/// The largest cause in characters, a limit of the API.
const MOST_CAUSE_CHARACTERS: usize = 32_768;

/// The output of a task whose run succeeded.
#[derive(Serialize)]
struct Output<'a> {
    /// Name of the job.
    job: &'a str,
    /// Id of the run.
    run_id: &'a str,
    /// Numbers of the run as a whole.
    #[serde(flatten)]
    numbers: &'a RunNumbers,
    /// Number of quarantined rows of each dataset that the run read.
    quarantined_rows: BTreeMap<&'a str, u64>,
    /// Number of datasets that did not fit.
    #[serde(skip_serializing_if = "is_zero")]
    omitted_datasets: usize,
    /// The tables of the job, those with control totals first.
    tables: &'a [&'a TableSummary],
    /// Number of tables that did not fit.
    #[serde(skip_serializing_if = "is_zero")]
    omitted_tables: usize,
}

/// Returns `true` if nothing was omitted.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(omitted: &usize) -> bool {
    *omitted == 0
}

/// Returns the output of a task whose run succeeded, as JSON of at most 4 KiB. Tables with control totals come first.
/// What does not fit is left out from the end and counted: whole tables, then datasets.
pub(super) fn output(
    job: &str,
    run_id: &str,
    numbers: &RunNumbers,
    quarantined_rows: &BTreeMap<String, u64>,
    tables: &[TableSummary],
) -> String {
    let mut tables: Vec<&TableSummary> = tables.iter().collect();
    let has_totals = |table: &&TableSummary| {
        table
            .live
            .as_ref()
            .is_some_and(|live| !live.totals.is_empty())
    };
    tables.sort_by_key(|table| !has_totals(table));
    let text = |shown: usize, datasets: usize| {
        let output = Output {
            job,
            run_id,
            numbers,
            quarantined_rows: quarantined_rows
                .iter()
                .take(datasets)
                .map(|(name, rows)| (name.as_str(), *rows))
                .collect(),
            omitted_datasets: quarantined_rows.len() - datasets,
            tables: &tables[..shown],
            omitted_tables: tables.len() - shown,
        };
        serde_json::to_string(&output).expect("names and numbers can be written as JSON")
    };
    let all = quarantined_rows.len();
    // More tables make a longer text, and so do more datasets: the largest numbers that fit are found by bisection.
    let fits = |text: &str| text.len() <= MOST_OUTPUT_BYTES;
    let shown = largest(tables.len(), |shown| fits(&text(shown, all)));
    let datasets = match shown {
        Some(_) => all,
        None => largest(all, |datasets| fits(&text(0, datasets))).unwrap_or(0),
    };
    text(shown.unwrap_or(0), datasets)
}

/// Returns the largest number up to `most` for which `fits` is true, if it is true for all smaller ones; `None` if it
/// is not even true for 0.
fn largest(most: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
    let numbers: Vec<usize> = (0..=most).collect();
    numbers
        .partition_point(|number| fits(*number))
        .checked_sub(1)
}

/// Returns the cause of a failed task: message, causes, hint, the quarantine's URL, and the EMR step with its log, cut
/// to the limit of the API.
pub(super) fn cause(failure: &Failure, quarantine: Option<&str>, emr: Option<&EmrStep>) -> String {
    let mut what = vec![failure.message.clone()];
    what.extend(failure.causes.iter().map(|cause| format!("cause: {cause}")));
    let hint = failure.hint.as_deref().unwrap_or_default();
    let mut then = Vec::new();
    if !hint.is_empty() {
        then.push(format!("hint: {hint}"));
    }
    // The hint of a quality gate has the URL already.
    let quarantine = quarantine.filter(|url| !hint.contains(url));
    then.extend(quarantine.map(|url| format!("quarantined rows are in {url}")));
    then.extend(emr.map(|emr| match &emr.step_id {
        Some(step) => format!(
            "the log is steps/{step}/stderr.gz in the log folder of the EMR cluster {}",
            emr.cluster_id
        ),
        None => format!("the run was on the EMR cluster {}", emr.cluster_id),
    }));
    // The lines that say what to do are kept if not all fits.
    let first = |text: &str, most: usize| -> String { text.chars().take(most).collect() };
    let then = first(&then.join("\n"), MOST_CAUSE_CHARACTERS / 2);
    let room = MOST_CAUSE_CHARACTERS - then.chars().count();
    if then.is_empty() {
        return first(&what.join("\n"), room);
    }
    format!("{}\n{then}", first(&what.join("\n"), room - 1))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::callback::summary::Written;
    use crate::report::LiveTable;

    fn numbers() -> RunNumbers {
        RunNumbers {
            record: 1,
            already_done: false,
            wall_seconds: 1.5,
            peak_memory_bytes: 7,
            report: None,
        }
    }

    #[test]
    fn an_output_never_exceeds_its_limit_and_counts_what_it_omits() {
        for (count, length) in [(0, 3), (3, 10), (40, 60), (200, 3), (5, 2_000)] {
            let tables: Vec<TableSummary> = (0..count)
                .map(|at| TableSummary {
                    name: format!("{at}").repeat(length),
                    live: None,
                    written: Written {
                        rows: u64::MAX,
                        bytes: u64::MAX,
                        partitions: 1,
                    },
                })
                .collect();
            let datasets: BTreeMap<String, u64> = (0..count)
                .map(|at| (format!("d{at}").repeat(length), 1))
                .collect();
            let text = output("job", "run", &numbers(), &datasets, &tables);
            assert!(text.len() <= MOST_OUTPUT_BYTES, "{}", text.len());
            let json: Value = serde_json::from_str(&text).unwrap();
            let omitted = |key: &str| json[key].as_u64().unwrap_or(0);
            let shown = json["tables"].as_array().unwrap().len() as u64;
            assert_eq!(shown + omitted("omitted_tables"), count);
            let shown = json["quarantined_rows"].as_object().unwrap().len() as u64;
            assert_eq!(shown + omitted("omitted_datasets"), count);
        }
    }

    #[test]
    fn tables_with_totals_are_left_out_last() {
        let tables: Vec<TableSummary> = (0..100)
            .map(|at| TableSummary {
                name: format!("table_{at}"),
                live: (at == 70).then(|| LiveTable {
                    totals: BTreeMap::from([("revenue".to_owned(), "1.50".to_owned())]),
                    ..LiveTable::default()
                }),
                written: Written {
                    rows: 1,
                    bytes: 1,
                    partitions: 1,
                },
            })
            .collect();
        let text = output("job", "run", &numbers(), &BTreeMap::new(), &tables);
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["tables"][0]["live"]["totals"]["revenue"], "1.50");
        assert_eq!(json["tables"][1]["name"], "table_0");
        assert!(text.len() > MOST_OUTPUT_BYTES - 150, "{}", text.len());
    }

    #[test]
    fn a_cause_is_cut_between_characters() {
        let failure = Failure {
            name: "Drivetrain.Failed".to_owned(),
            exit_code: 1,
            message: "ü".repeat(40_000),
            causes: Vec::new(),
            hint: None,
        };
        let message = cause(&failure, None, None);
        assert_eq!(message.chars().count(), MOST_CAUSE_CHARACTERS);
        let failure = Failure {
            hint: Some("raise the limit".to_owned()),
            ..failure
        };
        let text = cause(&failure, Some("s3://lake/quarantine"), None);
        assert_eq!(text.chars().count(), MOST_CAUSE_CHARACTERS);
        let last = "\nhint: raise the limit\nquarantined rows are in s3://lake/quarantine";
        assert!(text.ends_with(last));
    }
}
