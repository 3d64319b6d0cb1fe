//! A parsed path, and a fast evaluation of paths that consist of single fields and indices.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::jsonpath::evaluate;
use crate::jsonpath::query_root::QueryRoot;
use crate::jsonpath::syntax_tree::{QueryStep, QuerySteps};
use crate::scope::Scope;

/// AWS's message for a path that is applied to a null input.
pub(crate) const NULL_INPUT: &str = "Unable to apply Path transformation to null or empty input.";

/// A parsed path, ready to be evaluated any number of times.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The path as written, which messages quote.
    pub(super) text: String,
    /// The value from which the path starts.
    pub(super) root: QueryRoot,
    /// The steps after the root.
    pub(super) steps: QuerySteps,
    /// `true` if a plain loop over fields and indices can evaluate the path.
    pub(super) plain: bool,
}

/// A step of a plain path, which consists of single fields and indices.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PlainStep<'q> {
    /// A field by its name.
    Field(&'q str),
    /// An index from the start, or from the end if it is negative.
    Index(i32),
}

impl Query {
    /// Evaluates the path in a scope.
    ///
    /// # Errors
    /// [`ErrorKind::MissingValue`](crate::ErrorKind::MissingValue) if a definite path finds nothing,
    /// [`ErrorKind::EvaluationFailed`](crate::ErrorKind::EvaluationFailed) if a function or filter does not apply to
    /// its value, [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded) if the path visits too many values or
    /// its matches are too large.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, Error> {
        self.resolve(scope).map(Cow::into_owned)
    }

    /// Evaluates the path in a scope; borrows the value if the scope holds it.
    ///
    /// # Errors
    /// As [`Query::evaluate`].
    pub fn resolve<'v>(&'v self, scope: &Scope<'v>) -> Result<Cow<'v, Value>, Error> {
        let document = match &self.root {
            QueryRoot::Input => scope.input,
            QueryRoot::Context => scope.context,
            QueryRoot::Variable(name) => scope
                .variables
                .get(name)
                .ok_or_else(|| Error::missing_value(format!("No results for path: ${name}")))?,
        };
        self.resolve_on(document)
    }

    /// Returns `true` if the value can be moved out of the input: the path is plain and starts at the input.
    pub(crate) fn can_move(&self) -> bool {
        self.plain && self.root == QueryRoot::Input
    }

    /// Returns `true` if two movable paths may find the same value, or if one may find a part of what the other finds.
    pub(crate) fn may_overlap(&self, other: &Self) -> bool {
        self.steps
            .list
            .iter()
            .zip(&other.steps.list)
            .all(|steps| match steps {
                (QueryStep::Fields { names, .. }, QueryStep::Fields { names: others, .. }) => {
                    names == others
                }
                // `[-1]` and `[3]` may be the same item.
                (QueryStep::Indices(_), QueryStep::Indices(_)) => true,
                _ => false,
            })
    }

    /// Returns `true` if the path finds a value that can be moved out of the input.
    pub(crate) fn finds_what_it_can_move(&self, scope: &Scope<'_>) -> bool {
        self.can_move()
            && !self.reads_null(scope)
            && follow(&self.steps.list, scope.input).is_some()
    }

    /// Returns the steps of a path whose value [can be moved](Self::can_move).
    pub(crate) fn plain_steps(&self) -> impl Iterator<Item = PlainStep<'_>> {
        self.steps.list.iter().filter_map(|step| match step {
            QueryStep::Fields { names, .. } => Some(PlainStep::Field(names.first()?)),
            QueryStep::Indices(indices) => Some(PlainStep::Index(*indices.first()?)),
            _ => None,
        })
    }

    /// Returns a mutable reference to the value that the path finds, so that the caller can move the value out; `None`
    /// if the path finds nothing.
    pub(crate) fn find_mut<'v>(&self, document: &'v mut Value) -> Option<&'v mut Value> {
        self.steps
            .list
            .iter()
            .try_fold(document, |value, step| match (step, value) {
                (QueryStep::Fields { names, .. }, Value::Object(fields)) => {
                    let name = names.first()?;
                    let found = fields.iter_mut().find(|(own, _)| *own == name);
                    found.map(|(_, value)| value)
                }
                (QueryStep::Indices(indices), Value::Array(items)) => {
                    let index = place(items.len(), *indices.first()?)?;
                    items.get_mut(index)
                }
                _ => None,
            })
    }

    /// Returns `true` if the path starts from the context object.
    pub(crate) fn reads_context(&self) -> bool {
        matches!(self.root, QueryRoot::Context)
    }

    /// Returns `true` if the path starts from an input that is null. AWS then fails at once, even for `$` alone.
    pub(crate) fn reads_null(&self, scope: &Scope<'_>) -> bool {
        matches!(self.root, QueryRoot::Input) && scope.input.is_null()
    }

    /// Evaluates the path on `document`, which takes the place of the path's root.
    ///
    /// # Errors
    /// As [`Query::evaluate`].
    pub fn evaluate_on(&self, document: &Value) -> Result<Value, Error> {
        self.resolve_on(document).map(Cow::into_owned)
    }

    /// Evaluates the path on a document; plain paths that find a value are evaluated by a simple loop.
    fn resolve_on<'v>(&'v self, document: &'v Value) -> Result<Cow<'v, Value>, Error> {
        if self.plain
            && let Some(value) = follow(&self.steps.list, document)
        {
            return Ok(Cow::Borrowed(value));
        }
        Ok(evaluate::evaluate(&self.steps, document)?)
    }

    /// Returns `true` if a plain path ends with an index and the value before it is an array. After a failed
    /// evaluation, that index is therefore outside the array.
    pub(crate) fn ends_outside_its_array(&self, scope: &Scope<'_>) -> bool {
        let document = match &self.root {
            QueryRoot::Input => Some(scope.input),
            QueryRoot::Context => Some(scope.context),
            QueryRoot::Variable(name) => scope.variables.get(name),
        };
        let Some((QueryStep::Indices(_), before)) = self.steps.list.split_last() else {
            return false;
        };
        let array = document.and_then(|document| follow(before, document));
        self.plain && array.is_some_and(Value::is_array)
    }

    /// Returns `true` if the path finds one value rather than a list of matches.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        self.steps.definite
    }
}

impl fmt::Display for Query {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Returns the value of a plain path; `None` if there is none, so that the full evaluation can build the error.
fn follow<'v>(steps: &[QueryStep], document: &'v Value) -> Option<&'v Value> {
    steps.iter().try_fold(document, |value, step| match step {
        QueryStep::Fields { names, .. } => field(value.as_object()?, names.first()?),
        QueryStep::Indices(indices) => {
            let items = value.as_array()?;
            items.get(place(items.len(), *indices.first()?)?)
        }
        _ => None,
    })
}

/// Converts an index, which may count from the end, to an index from the start; `None` if it lies before the start.
fn place(length: usize, index: i32) -> Option<usize> {
    let index = isize::try_from(index).ok()?;
    if index < 0 {
        return length.checked_add_signed(index);
    }
    Some(index.unsigned_abs())
}

/// Returns the value of a field. In a small object, comparing a few names is faster than hashing one.
fn field<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    const SMALL: usize = 12;
    if fields.len() > SMALL {
        return fields.get(name);
    }
    let found = fields.iter().find(|(own, _)| *own == name);
    found.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use crate::error::ErrorKind;
    use serde_json::json;

    use super::*;

    fn evaluate(path: &str, document: &Value) -> Result<Value, Error> {
        Query::parse(path)?.evaluate_on(document)
    }

    #[test]
    fn a_definite_path_gives_the_value_and_an_indefinite_one_an_array() {
        let document = json!({"a": {"b": [1, 2, 3]}, "n": null});
        assert_eq!(evaluate("$.a.b[1]", &document), Ok(json!(2)));
        assert_eq!(evaluate("$['a']['b'][-1]", &document), Ok(json!(3)));
        assert_eq!(evaluate("$.n", &document), Ok(Value::Null));
        assert_eq!(evaluate("$.a.b[1:]", &document), Ok(json!([2, 3])));
        assert_eq!(evaluate("$.x[*].y", &json!({"x": []})), Ok(json!([])));
        assert_eq!(evaluate("$..b[0]", &document), Ok(json!([1])));
    }

    #[test]
    fn a_path_that_leads_nowhere_says_where_it_stopped() {
        let document = json!({"a": {"b": 1}});
        let text = |path| evaluate(path, &document).unwrap_err().to_string();
        assert_eq!(text("$.x"), "No results for path: $['x']");
        assert_eq!(text("$.a.x"), "No results for path: $['a']['x']");
        assert_eq!(text("$.x.y"), "Missing property in path $['x']");
        assert_eq!(
            evaluate("$.a.b.c", &document).unwrap_err().kind(),
            ErrorKind::MissingValue
        );
    }

    #[test]
    fn each_root_is_found_in_its_scope() {
        let (input, context) = (json!({"a": 1}), json!({"State": {"Name": "S"}}));
        let variables = Map::from_iter([("total".to_owned(), json!({"n": [7]}))]);
        let scope = Scope {
            input: &input,
            context: &context,
            variables: &variables,
        };
        let evaluate = |path| Query::parse(path).unwrap().evaluate(&scope);
        assert_eq!(evaluate("$"), Ok(json!({"a": 1})));
        assert_eq!(evaluate("$$.State.Name"), Ok(json!("S")));
        assert_eq!(evaluate("$total.n[0]"), Ok(json!(7)));
        assert_eq!(
            evaluate("$other").unwrap_err().kind(),
            ErrorKind::MissingValue
        );
    }

    #[test]
    fn filters_compare_text_and_numbers_loosely() {
        let document = json!([{"k": 42}, {"k": "42"}, {"k": 42.0}, {"k": [42]}, {}]);
        assert_eq!(
            evaluate("$[?(@.k == 42)].k", &document),
            Ok(json!([42, "42", 42.0]))
        );
        assert_eq!(evaluate("$[?(!@.k)]", &document), Ok(json!([{}])));
        assert_eq!(
            evaluate("$[?(@.k in [1, '42'] && @.k)].k", &document),
            Ok(json!([42, "42", 42.0]))
        );
    }

    #[test]
    fn patterns_match_whole_texts_by_their_flags() {
        let document = json!(["hello world", "HELLO", "say hello"]);
        assert_eq!(
            evaluate("$[?(@ =~ /hello.*/)]", &document),
            Ok(json!(["hello world"]))
        );
        assert_eq!(
            evaluate("$[?(@ =~ /hello.*/i)]", &document),
            Ok(json!(["hello world", "HELLO"]))
        );
        assert_eq!(
            evaluate("$[?(@ =~ /hel lo # a comment/ix && @ != 'x')]", &document),
            Ok(json!(["HELLO"]))
        );
        assert!(Query::parse("$[?(@ =~ /(/)]").is_err());
    }

    #[test]
    fn functions_end_a_path() {
        let document = json!({"n": [1, 2, 3], "b": [{"n": [4]}]});
        assert_eq!(evaluate("$.n.sum()", &document), Ok(json!(6.0)));
        assert_eq!(evaluate("$.n.length()", &document), Ok(json!(3)));
        assert_eq!(evaluate("$..n.length()", &document), Ok(json!(4)));
        assert!(Query::parse("$.n.median()").is_err());
    }

    #[test]
    fn text_that_is_not_a_path_is_rejected() {
        for path in [
            "",
            "a",
            "$.",
            "$..",
            "$...a",
            "$[",
            "$[]",
            "$[a]",
            "$['a'",
            "$['a'.'b']",
            "$[?()]",
            "$[?(@.a==)]",
        ] {
            assert_eq!(
                Query::parse(path).unwrap_err().kind(),
                ErrorKind::InvalidExpression,
                "{path}"
            );
        }
        for nested in ["(", "!", "@[?(", "[", "$[?(@.a==["] {
            assert!(Query::parse(&format!("$[?({}", nested.repeat(10_000))).is_err());
        }
    }

    #[test]
    fn a_path_that_ends_too_early_is_rejected_by_name() {
        let text = |path| Query::parse(path).unwrap_err().to_string();
        assert_eq!(
            text("$[*"),
            "expected `]` after `[*`, got the end of the path"
        );
        assert_eq!(
            text("$[?"),
            "expected `(` after `[?`, got the end of the path"
        );
        assert_eq!(text("$[*x"), "expected `]` after `[*`, got `x`");
    }

    #[test]
    fn comparing_something_large_again_and_again_is_bounded() {
        let document =
            json!({"big": "x".repeat(1 << 20), "list": vec![1; 10_000], "items": vec![0; 10_000]});
        for path in [
            "$.items[?($.big == $.big)]",
            "$.items[?($.list anyof $.items)]",
        ] {
            assert_eq!(
                evaluate(path, &document).unwrap_err().kind(),
                ErrorKind::LimitExceeded,
                "{path}"
            );
        }
        assert_eq!(
            evaluate("$.items[?(@ == 0)].length()", &document).map(|found| found.is_array()),
            Ok(true)
        );
    }

    #[test]
    fn matches_that_repeat_a_document_are_bounded() {
        let mut deep = json!("x".repeat(1 << 20));
        for _ in 0..120 {
            deep = json!([deep]);
        }
        assert_eq!(
            evaluate("$..*", &deep).unwrap_err().kind(),
            ErrorKind::LimitExceeded
        );
        let wide = json!(vec![vec![0; 100]; 100]);
        let path = format!("${}", "..*".repeat(100));
        assert!(evaluate(&path, &wide).is_ok_and(|value| value == json!([])));
        let nested = (0..20).fold(json!([]), |inner, _| json!([inner, inner]));
        assert_eq!(
            evaluate("$..*..*..*..*", &nested).unwrap_err().kind(),
            ErrorKind::LimitExceeded
        );
    }
}
