//! The way from the root of a document to a value in it, for messages.

use std::fmt;

/// The way from the root to a value, kept on the stack and formatted only in messages.
pub(super) enum PathTrail<'t> {
    /// The document itself.
    Root,
    /// A field of the value above.
    Field {
        /// The way to the object.
        above: &'t PathTrail<'t>,
        /// The number of fields and items on the way, this one included.
        depth: usize,
        /// The field's name.
        name: &'t str,
    },
    /// An item of the array above.
    Index {
        /// The way to the array.
        above: &'t PathTrail<'t>,
        /// The number of fields and items on the way, this one included.
        depth: usize,
        /// The index as the path has it, negative if it counts from the end.
        index: i64,
    },
}

impl<'t> PathTrail<'t> {
    /// Returns the number of fields and items on the way to the value; 0 for the root.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Root => 0,
            Self::Field { depth, .. } | Self::Index { depth, .. } => *depth,
        }
    }

    /// Returns the way to a field of this value.
    pub(super) fn field(&'t self, name: &'t str) -> Self {
        Self::Field {
            above: self,
            depth: self.depth() + 1,
            name,
        }
    }

    /// Returns the way to the item at a position, counted from 0.
    pub(super) fn item(&'t self, position: usize) -> Self {
        self.index(i64::try_from(position).unwrap_or(i64::MAX))
    }

    /// Returns the way to an item, by the index that the path gives; a negative one counts from the end.
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
