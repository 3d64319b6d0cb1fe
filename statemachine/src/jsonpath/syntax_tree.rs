//! The syntax tree of a path: steps, with the filters and functions in them.

use std::fmt;

use regex::Regex;
use serde_json::{Number, Value};

/// The depth to which filters, brackets and function arguments may nest.
pub(super) const MAX_NESTING: usize = 32;

/// The steps of a path after its root.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct QuerySteps {
    /// The steps in order.
    pub(super) list: Vec<QueryStep>,
    /// For each step, `true` if the steps before it match at most one value.
    pub(super) upstream_definite: Vec<bool>,
    /// `true` if the whole path finds one value rather than a list of matches.
    pub(super) definite: bool,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum QueryStep {
    /// `.name`, `['name']` or `['one','two']`; the quote is kept for messages.
    Fields {
        /// The names, at least one.
        names: Vec<String>,
        /// The quote around the names, or `'` for the form with a dot.
        quote: char,
    },
    /// `[0]`, `[-1]` or `[0,1]`; a negative index counts from the end.
    Indices(Vec<i32>),
    /// `[1:]`, `[:2]` or `[1:2]`, which match consecutive items.
    Slice(Slice),
    /// `.*` or `[*]`, which match every field or item.
    Wildcard,
    /// `..`, applied to the step that follows.
    Scan,
    /// `[?(..)]`, which keeps the items that meet a condition.
    Filter(Box<FilterCondition>),
    /// A function call such as `.length()`.
    Function(QueryFunction),
}

/// The bounds of a slice, of which at least one is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slice {
    /// `[from:]`; a negative bound counts from the end.
    From(i32),
    /// `[:to]`, without the item at `to`.
    To(i32),
    /// `[from:to]`, without the item at `to`.
    Between(i32, i32),
}

/// The condition that an item must meet to pass a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FilterCondition {
    /// `||`: holds if at least one condition holds.
    Or(Vec<FilterCondition>),
    /// `&&`: holds if every condition holds.
    And(Vec<FilterCondition>),
    /// `!`: holds if the condition does not hold.
    Not(Box<FilterCondition>),
    /// A path alone, which tests whether the path leads to a value.
    Exists {
        /// The path that is tested.
        path: FilterPath,
        /// `false` if the path is negated by `!`.
        expected: bool,
    },
    /// A comparison of two sides.
    Compare {
        /// The side before the operator.
        left: FilterOperand,
        /// The operator that compares both sides.
        operator: FilterOperator,
        /// The side after the operator.
        right: FilterOperand,
    },
}

/// One side of a comparison, before evaluation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FilterOperand {
    /// A path, evaluated per item.
    Path(FilterPath),
    /// A quoted text, with escapes resolved.
    Text(String),
    /// A number literal.
    Number(Number),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`.
    Null,
    /// An array or object literal.
    Json(Value),
    /// A regular expression between slashes.
    Pattern(FilterPattern),
}

/// A path inside a filter: from the document (`$`) or from the item (`@`).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FilterPath {
    /// `true` for `$`, `false` for `@`.
    pub(super) from_root: bool,
    /// The steps after the root.
    pub(super) steps: QuerySteps,
}

/// A regular expression that must match the whole text.
#[derive(Debug, Clone)]
pub(super) struct FilterPattern {
    /// The compiled expression, anchored at both ends.
    pub(super) regex: Regex,
}

impl PartialEq for FilterPattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FilterOperator {
    /// `>=`, on two numbers or two texts.
    GreaterOrEqual,
    /// `<=`, on two numbers or two texts.
    LessOrEqual,
    /// `==`, which converts between numbers and texts.
    Equal,
    /// `===`, which converts nothing.
    SameTypeEqual,
    /// `!=`, the negation of `==`.
    NotEqual,
    /// `!==`, the negation of `===`.
    NotSameTypeEqual,
    /// `<`, on two numbers or two texts.
    Less,
    /// `>`, on two numbers or two texts.
    Greater,
    /// `=~`, which matches a regular expression.
    Matches,
    /// `NIN`, the negation of `IN`.
    NotIn,
    /// `IN`: the right side has an item that equals the left side.
    In,
    /// `CONTAINS`: the left side, a text or an array, contains the right side.
    Contains,
    /// `SIZE`: the left side, a text or an array, has the length that the right side gives.
    Size,
    /// `EXISTS`: two booleans are equal.
    Exists,
    /// `EMPTY`: the left side is empty if the right side is `true`, and not empty if it is `false`.
    Empty,
    /// `SUBSETOF`: every item of the left side is in the right side.
    SubsetOf,
    /// `ANYOF`: at least one item of the left side equals an item of the right side.
    AnyOf,
    /// `NONEOF`: both sides are arrays, and no item of the left one equals an item of the right one.
    NoneOf,
    /// `ALL`, `TYPE` or `MATCHES`, which never holds: Jayway compares it with values that only its Java API can pass.
    Never,
}

/// A function call in a path, such as `.length()`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct QueryFunction {
    /// The name as written, for messages.
    pub(super) name: String,
    /// The function of this name; `None` if no function has the name.
    pub(super) kind: Option<QueryFunctionKind>,
    /// The arguments; those that the function does not use are ignored.
    pub(super) arguments: Vec<QueryArgument>,
}

/// An argument of a function.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum QueryArgument {
    /// A JSON literal.
    Literal(Value),
    /// A path, evaluated when the function is called.
    Path {
        /// `true` for `$`, `false` for `@`, the value that the function is called on.
        from_root: bool,
        /// The steps after the root.
        steps: QuerySteps,
    },
}

/// A function that a path may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueryFunctionKind {
    /// `avg`, the mean of numbers.
    Average,
    /// `stddev`, the standard deviation of the whole population.
    StandardDeviation,
    /// `sum`, the sum of numbers.
    Sum,
    /// `min`, the smallest number.
    Minimum,
    /// `max`, the largest number.
    Maximum,
    /// `concat`, which joins texts.
    Concatenate,
    /// `length` or `size`, the number of items or fields.
    Length,
    /// `append`, which adds its arguments to an array.
    Append,
    /// `keys`, the names of an object's fields.
    Keys,
    /// `first`, the first item of an array.
    First,
    /// `last`, the last item of an array.
    Last,
    /// `index`, the item at an index, which may count from the end.
    Index,
}

/// Every function by its name.
const QUERY_FUNCTIONS: &[(&str, QueryFunctionKind)] = &[
    ("avg", QueryFunctionKind::Average),
    ("stddev", QueryFunctionKind::StandardDeviation),
    ("sum", QueryFunctionKind::Sum),
    ("min", QueryFunctionKind::Minimum),
    ("max", QueryFunctionKind::Maximum),
    ("concat", QueryFunctionKind::Concatenate),
    ("length", QueryFunctionKind::Length),
    ("size", QueryFunctionKind::Length),
    ("append", QueryFunctionKind::Append),
    ("keys", QueryFunctionKind::Keys),
    ("first", QueryFunctionKind::First),
    ("last", QueryFunctionKind::Last),
    ("index", QueryFunctionKind::Index),
];

impl QuerySteps {
    /// Creates steps, and derives whether the path and each beginning of it match at most one value.
    pub(super) fn new(list: Vec<QueryStep>) -> Self {
        let end = list.len();
        let mut upstream_definite = Vec::with_capacity(list.len());
        let mut so_far = true;
        for (index, step) in list.iter().enumerate() {
            upstream_definite.push(so_far);
            so_far = so_far && step.is_definite(index + 1 == end);
        }
        // A function at the end of a scan takes all matches at once and returns one value.
        so_far = so_far
            || matches!(
                list.as_slice(),
                [QueryStep::Scan, .., QueryStep::Function(_)]
            );
        Self {
            list,
            upstream_definite,
            definite: so_far,
        }
    }

    /// Returns `true` if every step is one field or one index, so that a plain loop can evaluate the path.
    pub(super) fn is_plain(&self) -> bool {
        self.list.iter().all(|step| match step {
            QueryStep::Fields { names, .. } => names.len() == 1,
            QueryStep::Indices(indices) => indices.len() == 1,
            _ => false,
        })
    }
}

impl QueryStep {
    /// Returns `true` if the step yields at most one value. A step of several names yields one object as the last step,
    /// and several values before another step.
    pub(super) fn is_definite(&self, is_last: bool) -> bool {
        match self {
            Self::Fields { names, .. } => names.len() == 1 || is_last,
            Self::Indices(indices) => indices.len() == 1,
            Self::Function(_) => true,
            Self::Slice(_) | Self::Wildcard | Self::Scan | Self::Filter(_) => false,
        }
    }

    /// Returns the names of a step of fields, separated as in [`Display`](fmt::Display); `None` for other steps.
    ///
    /// Names in double quotes are `None` too: no recording shows how AWS words the failure of such a step.
    pub(super) fn field_names(&self) -> Option<String> {
        match self {
            Self::Fields { names, quote: '\'' } => Some(names.join("','")),
            _ => None,
        }
    }
}

impl fmt::Display for QuerySteps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list
            .iter()
            .try_for_each(|step| write!(formatter, "{step}"))
    }
}

impl fmt::Display for QueryStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields { names, quote } => {
                formatter.write_str("[")?;
                for (index, name) in names.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(formatter, "{comma}{quote}{name}{quote}")?;
                }
                formatter.write_str("]")
            }
            Self::Indices(indices) => {
                formatter.write_str("[")?;
                for (place, index) in indices.iter().enumerate() {
                    let comma = if place > 0 { "," } else { "" };
                    write!(formatter, "{comma}{index}")?;
                }
                formatter.write_str("]")
            }
            Self::Slice(Slice::From(from)) => write!(formatter, "[{from}:]"),
            Self::Slice(Slice::To(to)) => write!(formatter, "[:{to}]"),
            Self::Slice(Slice::Between(from, to)) => write!(formatter, "[{from}:{to}]"),
            Self::Wildcard => formatter.write_str("[*]"),
            Self::Scan => formatter.write_str(".."),
            Self::Filter(_) => formatter.write_str("[?]"),
            Self::Function(function) => write!(formatter, ".{function}"),
        }
    }
}

impl QueryFunction {
    /// Creates a call. Its `kind` is `None` if no function has this name.
    pub(super) fn new(name: String, arguments: Vec<QueryArgument>) -> Self {
        let kind = QUERY_FUNCTIONS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| *kind);
        Self {
            name,
            kind,
            arguments,
        }
    }

    /// Returns `true` if the called function exists.
    pub(super) fn is_known(&self) -> bool {
        self.kind.is_some()
    }

    /// Returns `true` if the function counts the items or fields of the value that it is called on.
    pub(super) fn counts(&self) -> bool {
        self.kind == Some(QueryFunctionKind::Length)
    }

    /// Returns `true` if the result holds a copy of the value that the function is called on.
    pub(super) fn copies(&self) -> bool {
        matches!(
            self.kind,
            Some(
                QueryFunctionKind::Append
                    | QueryFunctionKind::Keys
                    | QueryFunctionKind::Concatenate
            )
        )
    }
}

impl fmt::Display for QueryFunction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}({})",
            self.name,
            if self.arguments.is_empty() { "" } else { "..." }
        )
    }
}
