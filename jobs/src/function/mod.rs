//! SQL functions that every job has beside DataFusion's own.
//!
#![doc = include_str!("../../FUNCTIONS.md")]

mod characters;
mod date_of;
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
        Arc::new(ScalarUDF::new_from_impl(date_of::DateOf::new())),
        Arc::new(ScalarUDF::new_from_impl(characters::Characters::digits())),
        Arc::new(ScalarUDF::new_from_impl(
            characters::Characters::hexadecimal(),
        )),
        Arc::new(ScalarUDF::new_from_impl(unique::SetUnion::new())),
        Arc::new(ScalarUDF::new_from_impl(unique::SetSize::new())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_function() {
        let numbering =
            Numbering::new(&datafusion::execution::runtime_env::RuntimeEnv::default().memory_pool);
        let mut names = scalars()
            .iter()
            .map(|function| function.name().to_owned())
            .chain(
                aggregates(&numbering)
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
