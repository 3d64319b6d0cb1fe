//! Whether the SQL of a job fits its contracts: planned by DataFusion over empty tables, so that no data is needed.

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
use crate::manifest::{self, Others, Read};
use crate::plan::{self, Parameters};
use crate::problem::{Problem, Problems};
use crate::suggestion::suggestion;

impl Job {
    /// Parses the files of a job folder and plans all its SQL: what passes fails at run time over its data only.
    ///
    /// # Errors
    /// Every problem of the folder: those of [`Job::parse`], SQL that is no SQL or names what is not there, columns that
    /// the query and the contract do not share, types that do not fit, rules and conditions that are no conditions.
    /// A query is planned up to its first fault, so that one query gives one problem at a time.
    pub async fn check(files: Vec<JobFile>, others: Others<'_>) -> Result<Self, Problems> {
        let Read { job, mut problems } = manifest::read(files, others);
        if let Some(job) = &job {
            let parsed = problems.is_empty();
            problems.extend(JobValidator::new(job, parsed).run().await);
        }
        Problems::or(problems, job)
    }
}

struct JobValidator<'a> {
    job: &'a Job,
    context: SessionContext,
    parameters: Parameters,
    /// Whether the file was right so far; else types may stand for others, and only names can be judged.
    parsed: bool,
    /// Datasets whose own problem was reported: that a query does not find them is none of its own.
    broken: Vec<&'a str>,
    problems: Vec<Problem>,
}

impl<'a> JobValidator<'a> {
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
                    // A rule that came with another job's contract is checked there.
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

    /// Makes a name known to the queries that follow; a name that is taken was reported when the file was read.
    fn register(&mut self, name: &'a str, schema: SchemaRef) {
        if self
            .context
            .register_table(name, Arc::new(EmptyTable::new(schema)))
            .is_err()
        {
            self.broken.push(name);
        }
    }

    async fn output(&mut self, output: &'a Output) {
        // A query that is missing was reported; a file that is empty is not.
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
            && let Some(place) =
                SqlPosition::at(&self.job.files, &["outputs", &output.name, "where"], text)
        {
            self.report(&place, &error);
        }
        if self.problems.len() > before || !self.parsed {
            return;
        }
        // What is left to find is found by planning the output as a run does.
        if let Err(error) = plan::plan_output(&self.context, output, &self.parameters)
            .await
            .and_then(|output| self.analysed(output.plan))
        {
            self.report(&written, &error);
        }
    }

    /// Compares the columns of a query with those of its contract.
    fn columns(&mut self, output: &Output, found: &Schema) {
        let at = |keys: &[&str]| manifest::place(&self.job.files, keys);
        let mut problems = Vec::new();
        let unused = || {
            let unused = found.fields().iter().map(|field| field.name().as_str());
            unused.filter(|name| !output.columns.iter().any(|column| column.name == *name))
        };
        for column in &output.columns {
            let place = at(&["outputs", &output.name, "columns", &column.name]);
            let new = |message: String| Problem::new(JOB_FILE, place, message);
            let fields = found
                .fields()
                .iter()
                .filter(|field| *field.name() == column.name)
                .collect::<Vec<_>>();
            match fields.as_slice() {
                [] => problems.push(
                    new(format!(
                        "`{}` gives no column `{}`",
                        output.sql.file, column.name
                    ))
                    .hint(match unused().next() {
                        Some(_) => suggestion(&column.name, unused().collect::<Vec<_>>()),
                        None => format!("add it to the query: `.. as {}`", column.name),
                    }),
                ),
                [field] if !self.parsed || plan::is_compatible(field.data_type(), &column.kind) => {
                    if *field.data_type() == DataType::Null && !column.nullable && self.parsed {
                        problems.push(
                            new(format!(
                                "`{}` is `not null`, and `{}` gives NULL alone",
                                column.name, output.sql.file
                            ))
                            .hint("drop `not null`, or give a value"),
                        );
                    }
                }
                [field] => problems.push(
                    new(format!(
                        "`{}` is `{}`, and `{}` gives `{}`",
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
                        "`{}` gives `{}` {} times",
                        output.sql.file,
                        column.name,
                        fields.len()
                    ))
                    .hint("name each column of the query once: `.. as other_name`"),
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
                            "`{}` gives a column `{extra}` that the contract does not have",
                            output.sql.file
                        ),
                    )
                    .hint("add it to the columns with its type, or drop it from the query"),
                );
            }
        }
        self.problems.extend(problems);
    }

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

    /// Plans a query; a fault is reported and gives `None`.
    async fn query(&mut self, keys: &[&str], sql: &Sql) -> Option<LogicalPlan> {
        let planned = plan::plan_query(&self.context, &sql.text, &self.parameters).await;
        match planned.and_then(|plan| self.analysed(plan.clone()).map(|_| plan)) {
            Ok(plan) => Some(plan),
            Err(error) => {
                let written = SqlPosition::of(self.job, keys, sql);
                self.report(&written, &error);
                None
            }
        }
    }

    /// Lets DataFusion settle all types. No expression is computed: parameters stand here for values of a run.
    fn analysed(&self, plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
        if !self.parsed {
            return Ok(plan);
        }
        let state = self.context.state();
        state
            .analyzer()
            .execute_and_check(plan, state.config_options(), |_, _| {})
    }

    fn report(&mut self, written: &SqlPosition, error: &DataFusionError) {
        let found = problem(written, error);
        if found.names_any_of(&self.broken) || !(self.parsed || found.is_about_names) {
            return;
        }
        self.problems.push(found.problem);
    }
}
