//! Evaluates steps on a document.

use std::borrow::Cow;

use serde_json::Value;

use crate::jsonpath::document_walk::DocumentWalk;
use crate::jsonpath::path_trail::PathTrail;
use crate::jsonpath::query_budget::{QueryBudget, QueryFailure};
use crate::jsonpath::syntax_tree::{QueryFunction, QueryStep, QuerySteps};

/// Evaluates steps on a document; returns one value if the steps are definite, and an array of the matches otherwise.
pub(super) fn evaluate<'v>(
    steps: &'v QuerySteps,
    document: &'v Value,
) -> Result<Cow<'v, Value>, QueryFailure> {
    DocumentWalk::evaluate(steps, document, document, &mut QueryBudget::new(), false)
}

/// Splits a path such as `$..name.sum()` into the function and the steps before it, because the function takes all
/// matches at once. `length()` counts the members of the matches.
fn scan_under_function(steps: &QuerySteps) -> Option<(&QueryFunction, QuerySteps)> {
    let [QueryStep::Scan, .., QueryStep::Function(function)] = steps.list.as_slice() else {
        return None;
    };
    let mut inner = steps.list[..steps.list.len() - 1].to_vec();
    if function.counts() {
        inner.push(QueryStep::Wildcard);
    }
    Some((function, QuerySteps::new(inner)))
}

impl<'v, 'b> DocumentWalk<'v, 'b> {
    /// Evaluates steps on a part of a document, as a filter or an argument of a function does.
    pub(super) fn evaluate(
        steps: &'v QuerySteps,
        document: &'v Value,
        root: &'v Value,
        budget: &'b mut QueryBudget,
        require_fields: bool,
    ) -> Result<Cow<'v, Value>, QueryFailure> {
        if let Some((function, inner)) = scan_under_function(steps) {
            let matches = DocumentWalk::evaluate(&inner, document, root, budget, require_fields)?
                .into_owned();
            return function
                .call(document, &[Cow::Owned(matches)])
                .map(Cow::Owned);
        }
        let mut walk = DocumentWalk {
            steps,
            root,
            budget,
            require_fields,
            found: Vec::new(),
            scanned_index: if steps.list.contains(&QueryStep::Scan) {
                vec![None; steps.list.len()]
            } else {
                Vec::new()
            },
        };
        walk.step(0, document, &PathTrail::Root)?;
        let mut found = walk.found;
        if steps.definite {
            return found.pop().ok_or_else(|| QueryFailure::Missing {
                message: format!("No results for path: ${steps}"),
                step: steps.list.iter().rev().find_map(QueryStep::field_names),
            });
        }
        let mut items = Vec::with_capacity(found.len());
        for value in found {
            budget.pay_for(&value)?;
            items.push(value.into_owned());
        }
        Ok(Cow::Owned(Value::Array(items)))
    }
}
