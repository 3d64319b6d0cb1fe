//! SQL functions that every job has beside DataFusion's own.
//!
//! | function | gives |
//! |---|---|
//! | `ratio(a, b, scale)` | `a / b` as a decimal of `scale` digits after the point, exact and rounded half up once; NULL where `b` is 0 |
//! | `seconds_between(from, to)` | whole seconds from one timestamp to another |
//! | `count_unique(text)` | an aggregate: what `count(distinct text)` gives, several times as fast for many groups |
//! | `is_digits(text, length)` | whether a text is exactly so many digits 0-9 |
//! | `is_hexadecimal(text, length)` | whether a text is exactly so many digits 0-9, a-f or A-F |

mod characters;
mod count_unique;
mod ratio;
mod seconds_between;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

/// All aggregate functions, to be registered with a session.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    vec![Arc::new(AggregateUDF::new_from_impl(
        count_unique::CountUnique::new(),
    ))]
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
    ]
}
