//! The parts of a `job.toml`.

/// A part of a `job.toml` that has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// The top of the file.
    Job,
    /// `[parameters]`, a value.
    Parameter,
    /// `[inputs.<name>]`.
    Input,
    /// `[inputs.<name>.columns]`, a value.
    InputColumn,
    /// `[inputs.<name>.rules]`, a value.
    Rule,
    /// An item of `references`.
    Reference,
    /// `key`, written as a table.
    Key,
    /// `[tables]`, a value.
    Table,
    /// `[outputs.<name>]`.
    Output,
    /// `[outputs.<name>.columns]`, a value.
    OutputColumn,
    /// `window`, written as a table.
    Window,
    /// `[checks.<name>]`.
    Check,
}

impl SectionKind {
    /// All sections, in the order of the file.
    #[cfg(test)]
    pub const ALL: [Self; 12] = [
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

    /// Where the part stands in the file.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Job => "the top of the file",
            Self::Parameter => "a value in `[parameters]`",
            Self::Input => "`[inputs.<name>]`",
            Self::InputColumn => "a value in `[inputs.<name>.columns]`",
            Self::Rule => "a value in `[inputs.<name>.rules]`",
            Self::Reference => "an item of `references`",
            Self::Key => "`key` as a table",
            Self::Table => "a value in `[tables]`",
            Self::Output => "`[outputs.<name>]`",
            Self::OutputColumn => "a value in `[outputs.<name>.columns]`",
            Self::Window => "`window` as a table",
            Self::Check => "`[checks.<name>]`",
        }
    }
}
