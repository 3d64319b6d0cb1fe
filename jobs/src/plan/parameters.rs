//! Binds the parameters of a run to typed values.

use std::collections::HashMap;

use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::{ParamValues, ScalarValue};

use crate::contract::ColumnType;
use crate::error::Error;
use crate::job::{Job, Output};
use crate::suggestion::suggestion;
use crate::value_parser;

/// Values of all parameters of a job. A parameter that neither the run nor the job sets is NULL of its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters(Vec<(String, ScalarValue)>);

/// Range of the partition column's values that a run replaces, both ends included. An end whose parameter is not set is
/// open.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// Name of the partition column.
    pub column: String,
    /// Lowest value that the run replaces; `None` if there is no lower limit.
    pub from: Option<ScalarValue>,
    /// Highest value that the run replaces; `None` if there is no upper limit.
    pub to: Option<ScalarValue>,
}

impl Parameters {
    /// Binds each parameter of a job to the value that the run sets (`--param name=value`), or else to its default.
    ///
    /// # Errors
    /// `Parameter` for an unknown or duplicate name, for a text that is not a valid value of the type, if a required
    /// parameter is not set, or if a window ends before it begins.
    pub fn bind<N: AsRef<str>, V: AsRef<str>>(job: &Job, set: &[(N, V)]) -> Result<Self, Error> {
        for (at, (name, _)) in set.iter().enumerate() {
            let name = name.as_ref();
            if !job
                .parameters
                .iter()
                .any(|parameter| parameter.name == name)
            {
                let known = job
                    .parameters
                    .iter()
                    .map(|parameter| parameter.name.as_str());
                return Err(Error::parameter(format!(
                    "job `{}` has no parameter `{name}`",
                    job.name
                ))
                .hint(if job.parameters.is_empty() {
                    format!("remove `--param {name}=..`: the job has no parameters")
                } else {
                    suggestion(name, known)
                }));
            }
            if set[..at].iter().any(|(before, _)| before.as_ref() == name) {
                return Err(
                    Error::parameter(format!("parameter `{name}` is set more than once"))
                        .hint(format!("keep one `--param {name}=..`")),
                );
            }
        }
        let mut values = Vec::new();
        for parameter in &job.parameters {
            let given = set
                .iter()
                .find(|(name, _)| name.as_ref() == parameter.name)
                .map(|(_, value)| value.as_ref())
                .or(parameter.default.as_deref());
            let value = match given {
                Some(text) => value_parser::parse(&parameter.kind, text).map_err(|message| {
                    Error::parameter(format!(
                        "invalid value of parameter `{}`: {message}",
                        parameter.name
                    ))
                })?,
                None if parameter.required => {
                    let hint = format!(
                        "set the parameter with `--param {}=<value>`",
                        parameter.name
                    );
                    return Err(Error::parameter(format!(
                        "required parameter `{}` is not set",
                        parameter.name
                    ))
                    .hint(hint));
                }
                None => null(&parameter.kind),
            };
            values.push((parameter.name.clone(), value));
        }
        let bound = Self(values);
        for output in &job.outputs {
            if let Some(Bounds {
                column,
                from: Some(from),
                to: Some(to),
            }) = bound.bounds(output)
                && from > to
                && let Some(window) = &output.window
            {
                return Err(Error::parameter(format!(
                    "the window of column `{column}` ends at {to}, before it begins at {from}"
                ))
                .hint(format!(
                    "set parameter `{}` to the lowest value and `{}` to the highest value of the window",
                    window.from, window.to
                )));
            }
        }
        Ok(bound)
    }

    /// Returns an empty set of parameters, for row rules, which must not depend on the run.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns the values with which a job is checked without a run: the defaults, or NULL.
    pub(crate) fn unset(job: &Job) -> Self {
        let values = job.parameters.iter().map(|parameter| {
            let default = parameter
                .default
                .as_deref()
                .and_then(|text| value_parser::parse(&parameter.kind, text).ok());
            (
                parameter.name.clone(),
                default.unwrap_or_else(|| null(&parameter.kind)),
            )
        });
        Self(values.collect())
    }

    /// Returns the value of a parameter, which is NULL if it is not set; `None` if there is no such parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ScalarValue> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// Iterates over the parameters in the order of the `job.toml`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ScalarValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the range of the window column's values that a run replaces. Returns `None` if the run replaces the
    /// whole table, because the output has no window or neither parameter of the window is set.
    #[must_use]
    pub fn bounds(&self, output: &Output) -> Option<Bounds> {
        let window = output.window.as_ref()?;
        let bound = |name: &str| self.get(name).filter(|value| !value.is_null()).cloned();
        let (from, to) = (bound(&window.from), bound(&window.to));
        (from.is_some() || to.is_some()).then(|| Bounds {
            column: window.column.clone(),
            from,
            to,
        })
    }

    /// Returns the values by parameter name, in the form in which DataFusion binds them to placeholders.
    pub(crate) fn values(&self) -> ParamValues {
        let values = self
            .0
            .iter()
            .map(|(name, value)| (name.clone(), ScalarAndMetadata::from(value.clone())));
        ParamValues::Map(values.collect::<HashMap<_, _>>())
    }
}

/// Returns a NULL value of a column's type.
fn null(kind: &ColumnType) -> ScalarValue {
    ScalarValue::try_from(&kind.arrow()).expect("every type of a column has a NULL")
}
