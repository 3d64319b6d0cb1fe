//! Lists of the functions that this crate adds to every DataFusion session.

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

use super::distinct_texts::{SetSize, SetUnion, TextDictionary, UniqueAggregate};
use super::{date_of, digits_and_hexadecimal, ratio, seconds_between};

/// Returns all aggregate functions that this crate adds to a session. They share the session's dictionary of texts.
pub(crate) fn aggregates(dictionary: &TextDictionary) -> Vec<Arc<AggregateUDF>> {
    let aggregate = |function| Arc::new(AggregateUDF::new_from_impl(function));
    vec![
        aggregate(UniqueAggregate::counts(dictionary.clone())),
        aggregate(UniqueAggregate::sets(dictionary.clone())),
    ]
}

/// Returns all scalar functions that this crate adds to a session.
pub(crate) fn scalars() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::new_from_impl(ratio::Ratio::new())),
        Arc::new(ScalarUDF::new_from_impl(
            seconds_between::SecondsBetween::new(),
        )),
        Arc::new(ScalarUDF::new_from_impl(date_of::DateOf::new())),
        Arc::new(ScalarUDF::new_from_impl(
            digits_and_hexadecimal::Characters::digits(),
        )),
        Arc::new(ScalarUDF::new_from_impl(
            digits_and_hexadecimal::Characters::hexadecimal(),
        )),
        Arc::new(ScalarUDF::new_from_impl(SetUnion::new())),
        Arc::new(ScalarUDF::new_from_impl(SetSize::new())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_function() {
        let dictionary = TextDictionary::new(
            &datafusion::execution::runtime_env::RuntimeEnv::default().memory_pool,
        );
        let mut names = scalars()
            .iter()
            .map(|function| function.name().to_owned())
            .chain(
                aggregates(&dictionary)
                    .iter()
                    .map(|function| function.name().to_owned()),
            )
            .collect::<Vec<_>>();
        let mut listed = include_str!("../../FUNCTIONS.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('('))
            .map(|(name, _)| name.to_owned())
            .collect::<Vec<_>>();
        names.sort();
        listed.sort();
        assert_eq!(listed, names);
    }
}
