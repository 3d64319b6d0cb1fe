//! Checks across the sections of a job: names, and references between its datasets.

use super::constraints::UnresolvedReference;
use super::toml_document::{SpannedText, TomlDocument};
use super::unlinked_job::UnlinkedJob;
use crate::contract::Column;
use crate::suggestion::suggestion;

/// Checks that inputs, tables and outputs have different names, because SQL sees them as tables of one namespace.
pub(super) fn check_names(document: &TomlDocument<'_>, written: &UnlinkedJob) {
    let inputs = written
        .inputs
        .iter()
        .map(|input| ("an input", &input.name_text));
    let tables = written.tables.iter().map(|(_, name)| ("a table", name));
    let outputs = written.outputs.iter().map(|(_, name)| ("an output", name));
    let mut seen: Vec<(&str, &SpannedText)> = Vec::new();
    for (kind, name) in inputs.chain(tables).chain(outputs) {
        if let Some((first, _)) = seen.iter().find(|(_, before)| before.value == name.value) {
            document.report(
                &name.span,
                format!("`{}` is already the name of {first}", name.value),
                "rename one of the two: inputs, tables and outputs are all tables in SQL and need different names",
            );
        }
        seen.push((kind, name));
    }
}

/// Checks that references name existing columns of the job's datasets, and that each column has the type of the column
/// to which it refers.
pub(super) fn check_references(
    document: &TomlDocument<'_>,
    own: &[Column],
    references: &[UnresolvedReference],
    datasets: &[(&str, &[Column])],
) {
    for UnresolvedReference { reference, text } in references {
        let Some((_, target)) = datasets.iter().find(|(name, _)| *name == reference.dataset) else {
            document.report(
                &text.span,
                format!("there is no dataset `{}`", reference.dataset),
                suggestion(&reference.dataset, datasets.iter().map(|(name, _)| *name)),
            );
            continue;
        };
        for (from, to) in reference.columns.iter().zip(&reference.to) {
            let Some(to_column) = target.iter().find(|column| column.name == *to) else {
                document.report(
                    &text.span,
                    format!("dataset `{}` has no column `{to}`", reference.dataset),
                    suggestion(to, target.iter().map(|column| column.name.as_str())),
                );
                continue;
            };
            if let Some(from_column) = own.iter().find(|column| column.name == *from)
                && from_column.kind.arrow() != to_column.kind.arrow()
                && !document.is_untyped(from)
                && !document.is_untyped(to)
            {
                document.report(
                    &text.span,
                    format!(
                        "column `{from}` has the type `{}`, but refers to `{}.{to}`, which has the type `{}`",
                        from_column.kind, reference.dataset, to_column.kind
                    ),
                    "give both columns the same type",
                );
            }
        }
    }
}
