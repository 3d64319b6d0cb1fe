//! Kinds of sections of a `job.toml`, each with its own set of keys.

/// Kind of a section, which determines the keys that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionKind {
    /// The top level of the file, which declares the job.
    Job,
    /// An entry of `[parameters]` in table form.
    Parameter,
    /// The section `[inputs.<name>]` of an input.
    Input,
    /// An entry of `[inputs.<name>.columns]` in table form.
    InputColumn,
    /// An entry of `[inputs.<name>.rules]` in table form.
    Rule,
    /// An item of `references` in table form.
    Reference,
    /// The table form of `key`.
    Key,
    /// An entry of `[tables]` in table form.
    Table,
    /// The section `[outputs.<name>]` of an output.
    Output,
    /// An entry of `[outputs.<name>.columns]` in table form.
    OutputColumn,
    /// The table form of `window`.
    Window,
    /// The section `[checks.<name>]` of a check.
    Check,
}

impl SectionKind {
    /// All kinds, in the order of `KEYS.md`.
    #[cfg(test)]
    pub(super) const ALL: [Self; 12] = [
        Self::Job,
        Self::Parameter,
        Self::Input,
        Self::InputColumn,
        Self::Key,
        Self::Reference,
        Self::Rule,
        Self::Table,
        Self::Output,
        Self::OutputColumn,
        Self::Window,
        Self::Check,
    ];

    /// Returns a description of sections of this kind, for messages and the headings of `KEYS.md`.
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Job => "the top level of the file",
            Self::Parameter => "an entry of `[parameters]`",
            Self::Input => "`[inputs.<name>]`",
            Self::InputColumn => "an entry of `[inputs.<name>.columns]`",
            Self::Rule => "an entry of `[inputs.<name>.rules]`",
            Self::Reference => "an item of `references`",
            Self::Key => "the table form of `key`",
            Self::Table => "an entry of `[tables]`",
            Self::Output => "`[outputs.<name>]`",
            Self::OutputColumn => "an entry of `[outputs.<name>.columns]`",
            Self::Window => "the table form of `window`",
            Self::Check => "`[checks.<name>]`",
        }
    }
}
