//! The kinds of sections that a `job.toml` has.

/// Kind of a section, which determines the keys that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionKind {
    /// The top level of the file.
    Job,
    /// An entry of `[parameters]`.
    Parameter,
    /// `[inputs.<name>]`.
    Input,
    /// An entry of `[inputs.<name>.columns]`.
    InputColumn,
    /// An entry of `[inputs.<name>.rules]`.
    Rule,
    /// An item of `references`.
    Reference,
    /// The table form of `key`.
    Key,
    /// An entry of `[tables]`.
    Table,
    /// `[outputs.<name>]`.
    Output,
    /// An entry of `[outputs.<name>.columns]`.
    OutputColumn,
    /// The table form of `window`.
    Window,
    /// `[checks.<name>]`.
    Check,
}

impl SectionKind {
    /// All kinds, in the order of the file.
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

    /// Returns the name of such a section, for messages and headings.
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
