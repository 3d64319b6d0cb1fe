//! Walks a document along the steps of a path.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::jsonpath::path_trail::PathTrail;
use crate::jsonpath::query_budget::{MAX_DOCUMENT_DEPTH, QueryBudget, QueryFailure};
use crate::jsonpath::syntax_tree::{
    FilterCondition, QueryArgument, QueryFunction, QueryStep, QuerySteps, Slice,
};

/// A walk in progress: its steps, and the values found so far.
pub(super) struct DocumentWalk<'v, 'b> {
    /// The steps of the path to walk.
    pub(super) steps: &'v QuerySteps,
    /// The document to which `$` refers in filters and function arguments.
    pub(super) root: &'v Value,
    /// The work and memory left, shared with the walks of filters and arguments.
    pub(super) budget: &'b mut QueryBudget,
    /// `true` if a missing field is a failure even after a wildcard or filter, as a test for existence requires.
    pub(super) require_fields: bool,
    /// The values at the end of the path, in the order in which they were found.
    pub(super) found: Vec<Cow<'v, Value>>,
    /// For each step, the index of the array item with which `..` last entered it. As in Jayway, it is never reset.
    pub(super) scanned_index: Vec<Option<usize>>,
}

impl<'v> DocumentWalk<'v, '_> {
    /// Applies the step at `at` to a value; past the last step, records the value as found.
    pub(super) fn step(
        &mut self,
        at: usize,
        value: &'v Value,
        trail: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        self.budget.visit()?;
        if trail.depth() > MAX_DOCUMENT_DEPTH {
            return Err(QueryFailure::Limit(
                "the document that the path reads nests deeper than 256 levels",
            ));
        }
        let Some(step) = self.steps.list.get(at) else {
            self.found.push(Cow::Borrowed(value));
            return Ok(());
        };
        match step {
            QueryStep::Fields { names, .. } => self.fields(at, names, value, trail),
            QueryStep::Indices(indices) => self.indices(at, indices, value, trail),
            QueryStep::Slice(slice) => self.slice(at, *slice, value, trail),
            QueryStep::Wildcard => self.wildcard(at, value, trail),
            QueryStep::Scan => self.scan(at + 1, value, trail),
            QueryStep::Filter(condition) => self.filter(at, condition, value, trail),
            QueryStep::Function(function) => self.function(at, function, value, trail),
        }
    }

    /// Returns `true` if the step is the last one of the path.
    fn is_leaf(&self, at: usize) -> bool {
        at + 1 == self.steps.list.len()
    }

    /// Returns `true` if the steps before this one match at most one value. A value of the wrong type is then an error.
    fn upstream_definite(&self, at: usize) -> bool {
        self.steps.upstream_definite[at]
    }

    /// Applies `['name']` or `['one','two']` to an object.
    fn fields(
        &mut self,
        at: usize,
        names: &'v [String],
        value: &'v Value,
        trail: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        let Value::Object(fields) = value else {
            if !self.upstream_definite(at) {
                return Ok(());
            }
            let step = &self.steps.list[at];
            let field = trail.last_field().map(str::to_owned);
            return Err(QueryFailure::Missing {
                message: format!(
                    "Expected to find an object with property {step} in path {trail} but found '{}'",
                    type_name(value)
                ),
                // The field that the message names last.
                step: field.or_else(|| step.field_names()),
            });
        };
        if names.len() > 1 && self.is_leaf(at) {
            return self.merge(names, fields, trail);
        }
        names
            .iter()
            .try_for_each(|name| self.field(at, name, fields, trail))
    }

    /// Follows one field. If the field is missing, fails in a test for existence, or if more steps follow and the steps
    /// so far match at most one value.
    fn field(
        &mut self,
        at: usize,
        name: &'v str,
        fields: &'v Map<String, Value>,
        trail: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        let trail = trail.field(name);
        let leaf = self.is_leaf(at);
        let Some(value) = fields.get(name) else {
            return match (leaf, self.require_fields) {
                (true, false) => Ok(()),
                (true, true) => Err(missing(format!("No results for path: {trail}"), &trail)),
                (false, false) if !self.upstream_definite(at + 1) => Ok(()),
                (false, _) => Err(missing(format!("Missing property in path {trail}"), &trail)),
            };
        };
        if leaf && !self.keeps_scanned(at) {
            return Ok(());
        }
        self.step(at + 1, value, &trail)
    }

    /// Returns `true` if a field found in an item of a scanned array is a match. The field is a match only if the step
    /// before is the index of that item, so that `$..[1].key` does not match every item.
    fn keeps_scanned(&self, at: usize) -> bool {
        let Some(Some(index)) = self.scanned_index.get(at) else {
            return true;
        };
        match at
            .checked_sub(1)
            .and_then(|before| self.steps.list.get(before))
        {
            Some(QueryStep::Indices(indices)) => {
                matches!(indices[..], [named] if usize::try_from(named) == Ok(*index))
            }
            _ => false,
        }
    }

    /// Records an object of the named fields, which is the result of several names at the end of a path.
    fn merge(
        &mut self,
        names: &[String],
        fields: &Map<String, Value>,
        trail: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        let mut merged = Map::new();
        for name in names {
            match fields.get(name) {
                Some(value) => {
                    self.budget.pay_for(value)?;
                    merged.insert(name.clone(), value.clone());
                }
                None if self.require_fields => {
                    let trail = trail.field(name);
                    return Err(missing(format!("Missing property in path {trail}"), &trail));
                }
                None => {}
            }
        }
        self.found.push(Cow::Owned(Value::Object(merged)));
        Ok(())
    }

    /// Returns the items of an array. A value of another type is an error if the steps so far match at most one value;
    /// otherwise the result is `None`.
    fn array(
        &self,
        at: usize,
        value: &'v Value,
        trail: &PathTrail<'_>,
    ) -> Result<Option<&'v [Value]>, QueryFailure> {
        match value {
            Value::Array(items) => Ok(Some(items)),
            _ if !self.upstream_definite(at) => Ok(None),
            Value::Null => Err(missing(format!("The path {trail} is null"), trail)),
            _ => Err(QueryFailure::Missing {
                message: format!(
                    "Filter: {} can only be applied to arrays. Current context is: {}",
                    self.steps.list[at],
                    type_name(value)
                ),
                step: None,
            }),
        }
    }

    /// Applies `[0]` or `[0,1]` to an array.
    fn indices(
        &mut self,
        at: usize,
        indices: &[i32],
        value: &'v Value,
        trail: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        let Some(items) = self.array(at, value, trail)? else {
            return Ok(());
        };
        indices
            .iter()
            .try_for_each(|index| self.item(at, i64::from(*index), items, trail))
    }

    /// Follows one item, counted from the end if negative; an index outside the array finds nothing, but counts as a
    /// visit.
    fn item(
        &mut self,
        at: usize,
        index: i64,
        items: &'v [Value],
        trail: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let place = if index < 0 { length + index } else { index };
        match usize::try_from(place)
            .ok()
            .and_then(|place| items.get(place))
        {
            Some(item) => self.step(at + 1, item, &trail.index(index)),
            None => self.budget.visit(),
        }
    }

    /// Applies `[1:2]` to an array.
    fn slice(
        &mut self,
        at: usize,
        slice: Slice,
        value: &'v Value,
        trail: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        let Some(items) = self.array(at, value, trail)? else {
            return Ok(());
        };
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let from_end = |bound: i32| {
            if bound < 0 {
                length + i64::from(bound)
            } else {
                i64::from(bound)
            }
        };
        let (from, to) = match slice {
            Slice::From(from) => (from_end(from).max(0), length),
            Slice::To(to) => (0, from_end(to).min(length)),
            // As in Jayway, `[-1:2]` first reads the last item, then those from index 0. A start before the first item
            // is moved to the first item.
            Slice::Between(..) if length == 0 => return Ok(()),
            Slice::Between(from, to) => (i64::from(from).max(-length), i64::from(to).min(length)),
        };
        (from..to).try_for_each(|index| self.item(at, index, items, trail))
    }

    /// Applies `[*]` to every field or item; a scalar has none.
    fn wildcard(
        &mut self,
        at: usize,
        value: &'v Value,
        trail: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        match value {
            Value::Object(_) if self.is_leaf(at) && !self.keeps_scanned(at) => Ok(()),
            Value::Object(fields) => fields
                .iter()
                .try_for_each(|(name, value)| self.step(at + 1, value, &trail.field(name))),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| self.step(at + 1, item, &trail.item(index))),
            _ => Ok(()),
        }
    }

    /// Applies the step at `at` to a value and everything below it.
    fn scan(
        &mut self,
        at: usize,
        value: &'v Value,
        trail: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        self.budget.visit()?;
        if trail.depth() > MAX_DOCUMENT_DEPTH {
            return Err(QueryFailure::Limit(
                "the document that the path reads nests deeper than 256 levels",
            ));
        }
        match value {
            Value::Object(fields) => {
                if self.scan_meets(at, value)? {
                    self.step(at, value, trail)?;
                }
                fields
                    .iter()
                    .try_for_each(|(name, value)| self.scan(at, value, &trail.field(name)))
            }
            Value::Array(items) => {
                if self.scan_meets(at, value)? {
                    if self.is_leaf(at) {
                        self.step(at, value, trail)?;
                    } else {
                        self.enter_scanned(at + 1, items, trail)?;
                    }
                }
                items
                    .iter()
                    .enumerate()
                    .try_for_each(|(index, item)| self.scan(at, item, &trail.item(index)))
            }
            _ => Ok(()),
        }
    }

    /// Applies a step to each item of a scanned array, and remembers the item's index.
    fn enter_scanned(
        &mut self,
        at: usize,
        items: &'v [Value],
        trail: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        for (index, item) in items.iter().enumerate() {
            self.scanned_index[at] = Some(index);
            self.step(at, item, &trail.item(index))?;
        }
        Ok(())
    }

    /// Returns `true` if the step after a scan (`..`) applies to the value.
    fn scan_meets(&mut self, at: usize, value: &'v Value) -> Result<bool, QueryFailure> {
        Ok(match &self.steps.list[at] {
            QueryStep::Fields { names, .. } => match value {
                Value::Object(fields) if self.steps.list[at].is_definite(self.is_leaf(at)) => {
                    names.iter().all(|name| fields.contains_key(name))
                }
                other => other.is_object(),
            },
            QueryStep::Indices(_) | QueryStep::Slice(_) => value.is_array(),
            QueryStep::Wildcard => true,
            QueryStep::Filter(condition) => self.accepts(condition, value)?,
            QueryStep::Scan | QueryStep::Function(_) => false,
        })
    }

    /// Applies `[?(..)]` to an object, or to each item of an array.
    fn filter(
        &mut self,
        at: usize,
        condition: &'v FilterCondition,
        value: &'v Value,
        trail: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        match value {
            Value::Object(_) => {
                if self.accepts(condition, value)? {
                    self.step(at + 1, value, trail)?;
                }
                Ok(())
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if self.accepts(condition, item)? {
                        self.step(at + 1, item, &trail.item(index))?;
                    }
                }
                Ok(())
            }
            _ if self.upstream_definite(at) => Err(QueryFailure::Refused),
            _ => Ok(()),
        }
    }

    /// Applies a function to a value, and any steps after it to its result.
    fn function(
        &mut self,
        at: usize,
        function: &'v QueryFunction,
        value: &'v Value,
        _: &PathTrail<'_>,
    ) -> Result<(), QueryFailure> {
        let mut arguments = Vec::with_capacity(function.arguments.len());
        for argument in &function.arguments {
            arguments.push(match argument {
                QueryArgument::Literal(literal) => Cow::Borrowed(literal),
                QueryArgument::Path { steps, from_root } => {
                    let document = if *from_root { self.root } else { value };
                    DocumentWalk::evaluate(steps, document, self.root, self.budget, false)?
                }
            });
        }
        if function.copies() {
            self.budget.pay_for(value)?;
        }
        let result = function.call(value, &arguments)?;
        if self.is_leaf(at) {
            self.found.push(Cow::Owned(result));
            return Ok(());
        }
        // The function's result lives only in this scope, so the rest of the path is a separate walk.
        let rest = QuerySteps::new(self.steps.list[at + 1..].to_vec());
        let below =
            DocumentWalk::evaluate(&rest, &result, &result, self.budget, self.require_fields)?
                .into_owned();
        self.found.push(Cow::Owned(below));
        Ok(())
    }
}

/// Builds the failure of a path that finds nothing at `trail`, which the message names.
fn missing(message: String, trail: &PathTrail<'_>) -> QueryFailure {
    QueryFailure::Missing {
        message,
        step: trail.last_field().map(str::to_owned),
    }
}

/// Returns the Java class by which Jayway's messages name a value's type.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "java.lang.Boolean",
        Value::Number(number) if number.is_f64() => "java.lang.Double",
        Value::Number(_) => "java.lang.Integer",
        Value::String(_) => "java.lang.String",
        Value::Array(_) => "java.util.ArrayList",
        Value::Object(_) => "java.util.LinkedHashMap",
    }
}
