//! The way from the root of a document to a value in it, for messages.

use std::fmt;

/// The way from the root to a value, kept on the stack and formatted only in messages.
pub(super) enum PathTrail<'t> {
    Root,
    Field {
        above: &'t PathTrail<'t>,
        depth: usize,
        name: &'t str,
    },
    Index {
        above: &'t PathTrail<'t>,
        depth: usize,
        index: i64,
    },
}

impl<'t> PathTrail<'t> {
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Root => 0,
            Self::Field { depth, .. } | Self::Index { depth, .. } => *depth,
        }
    }

    pub(super) fn field(&'t self, name: &'t str) -> Self {
        Self::Field {
            above: self,
            depth: self.depth() + 1,
            name,
        }
    }

    pub(super) fn index(&'t self, index: i64) -> Self {
        Self::Index {
            above: self,
            depth: self.depth() + 1,
            index,
        }
    }
}

impl fmt::Display for PathTrail<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => formatter.write_str("$"),
            Self::Field { above, name, .. } => write!(formatter, "{above}['{name}']"),
            Self::Index { above, index, .. } => write!(formatter, "{above}[{index}]"),
        }
    }
}
