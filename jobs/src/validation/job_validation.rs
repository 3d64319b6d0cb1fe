//! Validates a job's SQL against its contracts.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;

use super::planner_error::problem;
use super::sql_position::SqlPosition;
use crate::contract::schema_of;
use crate::job::{Check, CheckKind, JOB_FILE, Job, JobFile, Output, Sql};
use crate::manifest::{self, Others, ParsedFolder};
use crate::plan::{self, Parameters};
use crate::problem::{Problem, Problems};
use crate::suggestion::suggestion;

impl Job {
    /// Parses the files of a job folder and plans all its SQL. A job that passes can fail in a run only because of its
    /// data.
    ///
    /// # Errors
    /// Every problem of the folder: those of [`Job::parse`], invalid SQL, unknown tables, columns and functions,
    /// columns that only the query or only the contract has, incompatible types, and rules or conditions that are not
    /// boolean. A query is planned only up to its first mistake.
    pub async fn check(files: Vec<JobFile>, others: Others<'_>) -> Result<Self, Problems> {
        let ParsedFolder { job, mut problems } = manifest::parse_folder(files, others);
        if let Some(job) = &job {
            let parsed = problems.is_empty();
            problems.extend(JobValidator::new(job, parsed).run().await);
        }
        Problems::or(problems, job)
    }
}

/// Validation of one job: the datasets that its SQL can read so far, and the problems found so far.
struct JobValidator<'a> {
    /// Job whose SQL is validated.
    job: &'a Job,
    /// Session in which the datasets that were validated so far are registered as empty tables.
    context: SessionContext,
    /// Parameter values with which queries are planned: the defaults, or NULL.
    parameters: Parameters,
    /// `true` if the `job.toml` had no problem. Otherwise types may be guesses, and only names are checked.
    parsed: bool,
    /// Names of datasets that are not registered because of a problem that was reported. If a query does not find one
    /// of them, that is not reported.
    broken: Vec<&'a str>,
    /// Problems found so far.
    problems: Vec<Problem>,
}

impl<'a> JobValidator<'a> {
    /// Prepares the validation of a job. `parsed` is `true` if its `job.toml` had no problem.
    fn new(job: &'a Job, parsed: bool) -> Self {
        Self {
            job,
            context: plan::session_context(Arc::new(RuntimeEnv::default()), 1),
            parameters: Parameters::unset(job),
            parsed,
            broken: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Validates datasets and checks in the order in which a run computes them, and returns all problems.
    async fn run(mut self) -> Vec<Problem> {
        for input in &self.job.inputs {
            if input.contract.columns.is_empty() {
                self.broken.push(&input.name);
            } else {
                self.register(&input.name, input.contract.schema());
            }
            for rule in &input.contract.rules {
                if let Err(error) = plan::plan_rule(&self.context, &input.contract, &rule.sql) {
                    let keys = ["inputs", &input.name, "rules", &rule.name, "sql"];
                    // A rule that comes from another job's contract is checked in that job.
                    if let Some(written) = SqlPosition::at(&self.job.files, &keys, &rule.sql) {
                        self.report(&written, &error);
                    }
                }
            }
        }
        for table in &self.job.tables {
            let keys = ["tables", &table.name, "sql"];
            match self.query(&keys, &table.sql).await {
                Some(plan) => {
                    self.register(&table.name, Arc::new(plan.schema().as_arrow().clone()));
                }
                None => self.broken.push(&table.name),
            }
        }
        for output in &self.job.outputs {
            self.output(output).await;
            if output.columns.is_empty() {
                self.broken.push(&output.name);
            } else {
                self.register(&output.name, schema_of(&output.columns));
            }
        }
        for check in &self.job.checks {
            self.check(check).await;
        }
        self.problems
    }

    /// Registers an empty table for the queries that follow. If the name is a duplicate, that was reported when the
    /// file was parsed.
    fn register(&mut self, name: &'a str, schema: SchemaRef) {
        if self
            .context
            .register_table(name, Arc::new(EmptyTable::new(schema)))
            .is_err()
        {
            self.broken.push(name);
        }
    }

    /// Validates an output: its query, the columns of the query, and its `where`.
    async fn output(&mut self, output: &'a Output) {
        // A missing query has this form, and was reported already. An empty file was not reported yet, so it is
        // planned.
        if output.sql.file == JOB_FILE && output.sql.text.is_empty() {
            return;
        }
        let keys = ["outputs", &output.name, "sql"];
        let Some(plan) = self.query(&keys, &output.sql).await else {
            return;
        };
        let written = SqlPosition::of(self.job, &keys, &output.sql);
        let before = self.problems.len();
        self.columns(output, plan.schema().as_arrow());
        if let Some(text) = &output.filter
            && let Err(error) =
                plan::plan_condition(&self.context, text, plan.schema(), &self.parameters)
            && let Some(position) =
                SqlPosition::at(&self.job.files, &["outputs", &output.name, "where"], text)
        {
            self.report(&position, &error);
        }
        if self.problems.len() > before || !self.parsed {
            return;
        }
        // Planning the output as a run does finds the remaining problems.
        if let Err(error) = plan::plan_output(&self.context, output, &self.parameters)
            .await
            .and_then(|output| self.analyzed(output.plan))
        {
            self.report(&written, &error);
        }
    }

    /// Compares the columns that an output's query returns with the columns that the output declares.
    fn columns(&mut self, output: &Output, found: &Schema) {
        let at = |keys: &[&str]| manifest::entry_position(&self.job.files, keys);
        let mut problems = Vec::new();
        let unused = || {
            let unused = found.fields().iter().map(|field| field.name().as_str());
            unused.filter(|name| !output.columns.iter().any(|column| column.name == *name))
        };
        for column in &output.columns {
            let position = at(&["outputs", &output.name, "columns", &column.name]);
            let new = |message: String| Problem::new(JOB_FILE, position, message);
            let fields = found
                .fields()
                .iter()
                .filter(|field| *field.name() == column.name)
                .collect::<Vec<_>>();
            match fields.as_slice() {
                [] => problems.push(
                    new(format!(
                        "the query in `{}` does not return the column `{}`",
                        output.sql.file, column.name
                    ))
                    .hint(match unused().next() {
                        Some(_) => suggestion(&column.name, unused().collect::<Vec<_>>()),
                        None => format!("add the column to the query: `.. as {}`", column.name),
                    }),
                ),
                [field] if !self.parsed || plan::is_compatible(field.data_type(), &column.kind) => {
                    if *field.data_type() == DataType::Null && !column.nullable && self.parsed {
                        problems.push(
                            new(format!(
                                "column `{}` is `not null`, but the query in `{}` returns only NULL for it",
                                column.name, output.sql.file
                            ))
                            .hint(
                                "remove `not null` from the column, or return a value in the query",
                            ),
                        );
                    }
                }
                [field] => problems.push(
                    new(format!(
                        "column `{}` has the type `{}`, but the query in `{}` returns the type `{}`",
                        column.name,
                        column.kind,
                        output.sql.file,
                        plan::contract_type_name(field.data_type())
                    ))
                    .hint(plan::cast_hint(
                        &column.name,
                        field.data_type(),
                        &column.kind,
                    )),
                ),
                _ => problems.push(
                    new(format!(
                        "the query in `{}` returns the column `{}` {} times",
                        output.sql.file,
                        column.name,
                        fields.len()
                    ))
                    .hint("give each column of the query its own name: `.. as other_name`"),
                ),
            }
        }
        if !output.columns.is_empty() {
            for extra in unused() {
                problems.push(
                    Problem::new(
                        JOB_FILE,
                        at(&["outputs", &output.name, "columns"]),
                        format!(
                            "the query in `{}` returns a column `{extra}` that the output does not declare",
                            output.sql.file
                        ),
                    )
                    .hint("add the column to `columns` with its type, or remove it from the query"),
                );
            }
        }
        self.problems.extend(problems);
    }

    /// Validates the queries of a check, and that the rows of two queries can be compared.
    async fn check(&mut self, check: &'a Check) {
        match &check.kind {
            CheckKind::NoRows(sql) => {
                self.query(&["checks", &check.name, "no_rows"], sql).await;
            }
            CheckKind::Equal { expected, got } => {
                let left = self
                    .query(&["checks", &check.name, "expected"], expected)
                    .await;
                let keys = ["checks", &check.name, "got"];
                let right = self.query(&keys, got).await;
                if let (Some(left), Some(right), true) = (left, right, self.parsed)
                    && let Err(error) = plan::comparable(left, right)
                {
                    let written = SqlPosition::of(self.job, &keys, got);
                    self.report(&written, &error);
                }
            }
        }
    }

    /// Plans a query. If that fails, it reports the problem and returns `None`.
    async fn query(&mut self, keys: &[&str], sql: &Sql) -> Option<LogicalPlan> {
        let planned = plan::plan_query(&self.context, &sql.text, &self.parameters).await;
        match planned.and_then(|plan| self.analyzed(plan.clone()).map(|_| plan)) {
            Ok(plan) => Some(plan),
            Err(error) => {
                let written = SqlPosition::of(self.job, keys, sql);
                self.report(&written, &error);
                None
            }
        }
    }

    /// Lets DataFusion's analyzer resolve all types of a plan. The optimizer does not run: it would evaluate
    /// expressions, and the parameters do not have the values of a run.
    fn analyzed(&self, plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
        if !self.parsed {
            return Ok(plan);
        }
        let state = self.context.state();
        state
            .analyzer()
            .execute_and_check(plan, state.config_options(), |_, _| {})
    }

    /// Reports an error of DataFusion, unless it only follows from a problem that was reported already. If the
    /// `job.toml` has problems, only errors about names are reported.
    fn report(&mut self, written: &SqlPosition, error: &DataFusionError) {
        let found = problem(written, error);
        if found.follows_from(&self.broken) || !(self.parsed || found.is_about_names) {
            return;
        }
        self.problems.push(found.problem);
    }
}
