//! Evaluates steps on a document.

use std::borrow::Cow;

use serde_json::Value;

use crate::jsonpath::document_walk::Walk;
use crate::jsonpath::path_trail::Trail;
use crate::jsonpath::query_budget::{Budget, Failure};
use crate::jsonpath::syntax_tree::{Function, Step, Steps};

/// Evaluates steps on a document: one value if they are definite, else an array.
pub(super) fn evaluate<'v>(
    steps: &'v Steps,
    document: &'v Value,
) -> Result<Cow<'v, Value>, Failure> {
    Walk::evaluate(steps, document, document, &mut Budget::new(), false)
}

/// Turns `$..name.sum()` round: the function takes all matches at once. For a length, their members are counted.
fn scan_under_function(steps: &Steps) -> Option<(&Function, Steps)> {
    let [Step::Scan, .., Step::Function(function)] = steps.list.as_slice() else {
        return None;
    };
    let mut inner = steps.list[..steps.list.len() - 1].to_vec();
    if function.counts() {
        inner.push(Step::Wildcard);
    }
    Some((function, Steps::new(inner)))
}

impl<'v, 'b> Walk<'v, 'b> {
    /// Evaluates steps on a part of a document, as a filter or an argument of a function does.
    pub(super) fn evaluate(
        steps: &'v Steps,
        document: &'v Value,
        root: &'v Value,
        budget: &'b mut Budget,
        require_fields: bool,
    ) -> Result<Cow<'v, Value>, Failure> {
        if let Some((function, inner)) = scan_under_function(steps) {
            let matches =
                Walk::evaluate(&inner, document, root, budget, require_fields)?.into_owned();
            return function
                .call(document, &[Cow::Owned(matches)])
                .map(Cow::Owned);
        }
        let mut walk = Walk {
            steps,
            root,
            budget,
            require_fields,
            found: Vec::new(),
            scanned_index: if steps.list.contains(&Step::Scan) {
                vec![None; steps.list.len()]
            } else {
                Vec::new()
            },
        };
        walk.step(0, document, &Trail::Root)?;
        let mut found = walk.found;
        if steps.definite {
            return found
                .pop()
                .ok_or_else(|| Failure::Missing(format!("No results for path: ${steps}")));
        }
        let mut items = Vec::with_capacity(found.len());
        for value in found {
            budget.pay_for(&value)?;
            items.push(value.into_owned());
        }
        Ok(Cow::Owned(Value::Array(items)))
    }
}
