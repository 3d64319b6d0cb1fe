//! Checks before the commit: the job's own checks, and the keys and references of its outputs.

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use drivetrain_jobs::contract::{Key, Reference, Severity};
use drivetrain_jobs::job::{Job, Output};
use drivetrain_jobs::plan::{CheckPlan, check_plan};

use crate::error::{Error, ErrorKind, Result};
use crate::report::CheckReport;
use crate::run::compute::Computed;
use crate::run::request::RunInProgress;
use crate::sql::query_error;

/// The number of violating rows that a message shows.
const SHOWN_ROWS: usize = 3;

/// Runs all checks of a job over the tables that are registered in the session. `computed` are the outputs in the job's
/// order. The rows of an output that may have duplicate keys must be held, so that they can be queried.
///
/// # Errors
/// `QualityGate` if checks of severity `reject` failed; the message names each with the expected and the actual values.
pub async fn check(
    run: &RunInProgress<'_>,
    context: &SessionContext,
    computed: &[Computed],
) -> Result<Vec<CheckReport>> {
    let (job, parameters) = (run.job(), &run.parameters);
    let asked_for = &run.settings().checks;
    let mut findings = Vec::new();
    for check in &job.checks {
        if !check.enabled && !asked_for.contains(&check.name) {
            continue;
        }
        let found = match check_plan(context, job, check, parameters).await? {
            CheckPlan::Equal { expected, got } => equal(context, expected, got).await?,
            CheckPlan::NoRows(plan) => no_rows(context, plan, "rows").await?,
        };
        findings.push(CheckFinding {
            name: check.name.clone(),
            severity: check.severity,
            found,
        });
    }
    for (output, done) in job.outputs.iter().zip(computed) {
        if let Some(key) = &output.key {
            // If all key hashes differ, which is nearly always so, no key is duplicate and no query is needed.
            let found = if done.collected.keys_differ {
                None
            } else {
                duplicates(context, output, key).await?
            };
            let name = format!("{}: key {}", output.name, key.columns.join(", "));
            findings.push(CheckFinding {
                name,
                severity: key.severity,
                found,
            });
        }
        for reference in &output.references {
            let found = unresolved(context, output, reference).await?;
            let name = format!("{}: {}", output.name, reference.rule());
            findings.push(CheckFinding {
                name,
                severity: reference.severity,
                found,
            });
        }
    }
    judge(job, findings)
}

/// The result of one check, from which [`judge`] decides whether the run fails.
struct CheckFinding {
    /// The name in messages and reports: the check's own name, or the output with its key or reference.
    name: String,
    /// The severity of a failed check: it fails the run, or only warns.
    severity: Severity,
    /// The text that says why the check failed, such as `expected 3, got 2`; `None` if it passed.
    found: Option<String>,
}

/// Fails if a check of severity `reject` failed; otherwise returns the reports of all checks.
fn judge(job: &Job, findings: Vec<CheckFinding>) -> Result<Vec<CheckReport>> {
    let failed: Vec<String> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Reject)
        .filter_map(|finding| {
            Some(format!(
                "check `{}` failed: {}",
                finding.name,
                finding.found.as_ref()?
            ))
        })
        .collect();
    if !failed.is_empty() {
        return Err(
            Error::new(ErrorKind::QualityGate, failed.join("\n")).hint(format!(
                "job `{}` published nothing; correct the data or the job's SQL",
                job.name
            )),
        );
    }
    Ok(findings
        .into_iter()
        .map(|finding| CheckReport {
            name: finding.name,
            held: finding.found.is_none(),
            found: finding.found,
        })
        .collect())
}

/// Runs a plan and returns its rows, at most `limit` of them.
async fn rows(
    context: &SessionContext,
    plan: LogicalPlan,
    limit: Option<usize>,
) -> Result<Vec<RecordBatch>> {
    let mut frame = context
        .execute_logical_plan(plan)
        .await
        .map_err(query_error)?;
    if let Some(limit) = limit {
        frame = frame.limit(0, Some(limit)).map_err(query_error)?;
    }
    frame.collect().await.map_err(query_error)
}

/// Compares two queries of one row each. Returns the difference, or `None` if they are equal.
async fn equal(
    context: &SessionContext,
    expected: LogicalPlan,
    got: LogicalPlan,
) -> Result<Option<String>> {
    let (expected, got) = (
        one_row(context, expected).await?,
        one_row(context, got).await?,
    );
    Ok((expected != got).then(|| format!("expected {expected}, got {got}")))
}

/// Returns the only row of a plan as text. Returns `no row` or `more than one row` if the plan has another number of
/// rows.
async fn one_row(context: &SessionContext, plan: LogicalPlan) -> Result<String> {
    let batches = rows(context, plan, Some(2)).await?;
    let texts = texts(&batches)?;
    Ok(match texts.as_slice() {
        [] => "no row".to_owned(),
        [row] => row.clone(),
        _ => "more than one row".to_owned(),
    })
}

/// Runs a plan that must return no rows. Returns a text with the number of rows and the first of them, or `None` if
/// there are none. `what` names the rows in that text.
async fn no_rows(
    context: &SessionContext,
    plan: LogicalPlan,
    what: &str,
) -> Result<Option<String>> {
    let frame = context
        .execute_logical_plan(plan.clone())
        .await
        .map_err(query_error)?;
    let count = frame.count().await.map_err(query_error)?;
    if count == 0 {
        return Ok(None);
    }
    let shown = texts(&rows(context, plan, Some(SHOWN_ROWS)).await?)?;
    Ok(Some(format!(
        "expected no {what}, got {count}, such as {}",
        shown.join("; ")
    )))
}

/// Formats each row as `name = value, ...`.
fn texts(batches: &[RecordBatch]) -> Result<Vec<String>> {
    let options = FormatOptions::default().with_null("NULL");
    let mut texts = Vec::new();
    for batch in batches {
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|error| query_error(error.into()))?;
        for row in 0..batch.num_rows() {
            let values: Vec<String> = batch
                .schema()
                .fields()
                .iter()
                .zip(&columns)
                .map(|(field, column)| format!("{} = {}", field.name(), column.value(row)))
                .collect();
            texts.push(values.join(", "));
        }
    }
    Ok(texts)
}

/// Returns a text with the number of duplicate keys of an output and the first of them; `None` if there are none.
async fn duplicates(
    context: &SessionContext,
    output: &Output,
    key: &Key,
) -> Result<Option<String>> {
    let names = quoted(&key.columns);
    let sql = format!(
        "select {names}, count(*) as times from {} group by {names} having count(*) > 1",
        quote(&output.name)
    );
    let plan = context
        .state()
        .create_logical_plan(&sql)
        .await
        .map_err(query_error)?;
    no_rows(context, plan, "duplicate keys").await
}

/// Returns a text with the number of distinct references of an output that match no row, and the first of them; `None`
/// if there are none.
async fn unresolved(
    context: &SessionContext,
    output: &Output,
    reference: &Reference,
) -> Result<Option<String>> {
    let pairs: Vec<String> = reference
        .columns
        .iter()
        .zip(&reference.to)
        .map(|(from, to)| format!("target.{} = source.{}", quote(to), quote(from)))
        .collect();
    let present: Vec<String> = reference
        .columns
        .iter()
        .map(|column| format!("source.{} is not null", quote(column)))
        .collect();
    let sql = format!(
        "select distinct {} from {} as source where {} and not exists (select 1 from {} as target where {})",
        quoted(&reference.columns),
        quote(&output.name),
        present.join(" and "),
        quote(&reference.dataset),
        pairs.join(" and "),
    );
    let plan = context
        .state()
        .create_logical_plan(&sql)
        .await
        .map_err(query_error)?;
    no_rows(context, plan, "unresolved references").await
}

/// Quotes an identifier for SQL. Names of tables and columns contain no quotes.
fn quote(name: &str) -> String {
    format!("\"{name}\"")
}

/// Quotes identifiers for SQL and separates them by commas.
fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| quote(name))
        .collect::<Vec<_>>()
        .join(", ")
}
