//! Reads the retriers and catchers of Task, Parallel and Map states.

use std::time::Duration;

use crate::definition::model::{Catcher, QueryLanguage, ResultPath, Retrier};
use crate::definition::read::flow::LONGEST_SECONDS;
use crate::definition::read::object_fields::Fields;
use crate::definition::read::targets::{NO_STATE, StateIndices, target};

/// The fields that a retrier may have.
const RETRIER: &[&str] = &[
    "ErrorEquals",
    "IntervalSeconds",
    "MaxAttempts",
    "BackoffRate",
    "MaxDelaySeconds",
    "JitterStrategy",
    "Comment",
];
/// The fields that a catcher may have in both query languages.
const CATCHER: &[&str] = &["ErrorEquals", "Next", "Assign", "Comment"];

impl Fields<'_> {
    /// Reads `Retry`, with AWS's defaults: 1 second, 3 retries, rate 2.
    pub(crate) fn retry(&self) -> Vec<Retrier> {
        let mut retriers = Vec::new();
        let last = self
            .get("Retry")
            .and_then(|list| list.as_array())
            .map_or(0, Vec::len);
        self.objects("Retry", |fields| {
            fields.only(&[RETRIER]);
            let errors = fields.error_equals(retriers.len() + 1 == last);
            let interval = fields
                .integer("IntervalSeconds", 1, LONGEST_SECONDS)
                .unwrap_or(1);
            let attempts = fields
                .integer("MaxAttempts", 0, LONGEST_SECONDS)
                .unwrap_or(3);
            let max_delay = fields.integer("MaxDelaySeconds", 1, 31_622_400);
            retriers.push(Retrier {
                errors,
                interval: Duration::from_secs(interval),
                max_attempts: u32::try_from(attempts).expect("the bound fits 32 bits"),
                backoff_rate: fields.number("BackoffRate", 1.0, f64::MAX).unwrap_or(2.0),
                max_delay: max_delay.map(Duration::from_secs),
                full_jitter: fields
                    .word("JitterStrategy", &[("FULL", true), ("NONE", false)])
                    .unwrap_or(false),
            });
        });
        retriers
    }

    /// Reads `Catch`, whose fields depend on the language.
    pub(crate) fn catch(&self, language: QueryLanguage, names: &StateIndices<'_>) -> Vec<Catcher> {
        let mut catchers = Vec::new();
        let last = self
            .get("Catch")
            .and_then(|list| list.as_array())
            .map_or(0, Vec::len);
        self.objects("Catch", |fields| {
            let own: &[&str] = match language {
                QueryLanguage::JsonPath => &["ResultPath"],
                QueryLanguage::Jsonata => &["Output"],
            };
            fields.only(&[CATCHER, own]);
            let errors = fields.error_equals(catchers.len() + 1 == last);
            fields.require(&["Next"]);
            catchers.push(Catcher {
                errors,
                next: target(&fields, "Next", names).unwrap_or(NO_STATE),
                result_path: match language {
                    QueryLanguage::JsonPath => fields.result_path(),
                    QueryLanguage::Jsonata => ResultPath::Replace,
                },
                assign: fields.object_payload("Assign", language),
                output: match language {
                    QueryLanguage::JsonPath => None,
                    QueryLanguage::Jsonata => fields.payload("Output", language),
                },
            });
        });
        catchers
    }

    /// Reads `ErrorEquals`; `States.ALL` must be the only name, and must be in the last retrier or catcher.
    fn error_equals(&self, is_last: bool) -> Vec<String> {
        const NAME: &str = "ErrorEquals";
        if !self.require(&[NAME]) {
            return Vec::new();
        }
        let items = self.array(NAME).unwrap_or_default();
        if items.is_empty() && self.get(NAME).is_some_and(serde_json::Value::is_array) {
            self.refuse(NAME, "At least one error name is required");
        }
        let names: Vec<String> = items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect();
        if names.len() < items.len() {
            self.refuse(NAME, "Error names must be strings");
        }
        let takes_all = names.iter().any(|name| name == "States.ALL");
        if takes_all && names.len() > 1 {
            self.refuse(NAME, "'States.ALL' must appear alone");
        }
        if takes_all && !is_last {
            self.refuse(NAME, "'States.ALL' must appear in the last handler");
        }
        names
    }
}
