//! SQL functions that every job has beside DataFusion's own.
//!
//! | function | gives |
//! |---|---|
//! | `ratio(a, b, scale)` | `a / b` as a decimal of `scale` digits after the point, exact and rounded half up once; NULL where `b` is 0 |
//! | `seconds_between(from, to)` | whole seconds from one timestamp to another |
//! | `count_unique(text)` | an aggregate: what `count(distinct text)` gives, several times as fast for many groups; of sets, how many texts are in any |
//! | `unique_set(text)` | an aggregate: the set of the different texts, NULL apart, for the two functions below; of sets, their union |
//! | `set_union(a, b)` | the set of what is in `a` or `b`; NULL counts as empty |
//! | `set_size(set)` | how many texts are in a set |
//! | `is_digits(text, length)` | whether a text is exactly so many digits 0-9 |
//! | `is_hexadecimal(text, length)` | whether a text is exactly so many digits 0-9, a-f or A-F |

mod characters;
mod ratio;
mod seconds_between;
mod unique;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

pub(crate) use self::unique::Numbering;

/// All aggregate functions, to be registered with the session that the numbering is of.
pub(crate) fn aggregates(numbering: &Numbering) -> Vec<Arc<AggregateUDF>> {
    let aggregate = |function| Arc::new(AggregateUDF::new_from_impl(function));
    vec![
        aggregate(unique::Unique::counts(numbering.clone())),
        aggregate(unique::Unique::sets(numbering.clone())),
    ]
}

/// All scalar functions, to be registered with a session.
pub(crate) fn scalars() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::new_from_impl(ratio::Ratio::new())),
        Arc::new(ScalarUDF::new_from_impl(
            seconds_between::SecondsBetween::new(),
        )),
        Arc::new(ScalarUDF::new_from_impl(characters::Characters::digits())),
        Arc::new(ScalarUDF::new_from_impl(
            characters::Characters::hexadecimal(),
        )),
        Arc::new(ScalarUDF::new_from_impl(unique::SetUnion::new())),
        Arc::new(ScalarUDF::new_from_impl(unique::SetSize::new())),
    ]
}
