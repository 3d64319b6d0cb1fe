//! What the parts of a job say about each other.

use super::constraints::UnresolvedReference;
use super::toml_document::{SpannedText, TomlDocument};
use super::unresolved_job::UnresolvedJob;
use crate::contract::Column;
use crate::suggestion::suggestion;

/// SQL sees inputs, tables and outputs under one set of names.
pub(super) fn names_differ(document: &TomlDocument<'_>, written: &UnresolvedJob) {
    let inputs = written
        .inputs
        .iter()
        .map(|input| ("an input", &input.name_text));
    let tables = written.tables.iter().map(|(_, name)| ("a table", name));
    let outputs = written.outputs.iter().map(|(_, name)| ("an output", name));
    let mut seen: Vec<(&str, &SpannedText)> = Vec::new();
    for (kind, name) in inputs.chain(tables).chain(outputs) {
        if let Some((first, _)) = seen.iter().find(|(_, before)| before.value == name.value) {
            document.wrong(
                &name.span,
                format!("`{}` is {first} already", name.value),
                "SQL sees inputs, tables and outputs by their names: give each its own",
            );
        }
        seen.push((kind, name));
    }
}

/// Checks that references lead to columns of the same type in a dataset of the job.
pub(super) fn refer(
    document: &TomlDocument<'_>,
    own: &[Column],
    references: &[UnresolvedReference],
    datasets: &[(&str, &[Column])],
) {
    for UnresolvedReference { reference, text } in references {
        let Some((_, target)) = datasets.iter().find(|(name, _)| *name == reference.dataset) else {
            document.wrong(
                &text.span,
                format!("there is no dataset `{}` to refer to", reference.dataset),
                suggestion(&reference.dataset, datasets.iter().map(|(name, _)| *name)),
            );
            continue;
        };
        for (from, to) in reference.columns.iter().zip(&reference.to) {
            let Some(to_column) = target.iter().find(|column| column.name == *to) else {
                document.wrong(
                    &text.span,
                    format!("`{}` has no column `{to}`", reference.dataset),
                    suggestion(to, target.iter().map(|column| column.name.as_str())),
                );
                continue;
            };
            if let Some(from_column) = own.iter().find(|column| column.name == *from)
                && from_column.kind.arrow() != to_column.kind.arrow()
                && !document.has_no_type(from)
                && !document.has_no_type(to)
            {
                document.wrong(
                    &text.span,
                    format!(
                        "`{from}` is `{}`, and `{}.{to}` is `{}`",
                        from_column.kind, reference.dataset, to_column.kind
                    ),
                    "give both columns one type",
                );
            }
        }
    }
}
