//! The path from the root of a document to a value in it, for messages.

use std::fmt;

/// The path from the root to a value, kept on the stack and formatted only in messages.
pub(super) enum PathTrail<'t> {
    /// The document itself.
    Root,
    /// A field of the object at `above`.
    Field {
        /// The path to the object.
        above: &'t PathTrail<'t>,
        /// The number of fields and items in the path, including this one.
        depth: usize,
        /// The field's name.
        name: &'t str,
    },
    /// An item of the array at `above`.
    Index {
        /// The path to the array.
        above: &'t PathTrail<'t>,
        /// The number of fields and items in the path, including this one.
        depth: usize,
        /// The index as the query gives it, negative if it counts from the end.
        index: i64,
    },
}

impl<'t> PathTrail<'t> {
    /// Returns the number of fields and items in the path; 0 for the root.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Root => 0,
            Self::Field { depth, .. } | Self::Index { depth, .. } => *depth,
        }
    }

    /// Returns the name of the last field in the path; `None` if the path has no field.
    pub(super) fn last_field(&self) -> Option<&'t str> {
        match self {
            Self::Root => None,
            Self::Field { name, .. } => Some(name),
            Self::Index { above, .. } => above.last_field(),
        }
    }

    /// Returns the path to a field of the value at this path.
    pub(super) fn field(&'t self, name: &'t str) -> Self {
        Self::Field {
            above: self,
            depth: self.depth() + 1,
            name,
        }
    }

    /// Returns the path to the item at a position, counted from 0.
    pub(super) fn item(&'t self, position: usize) -> Self {
        self.index(i64::try_from(position).unwrap_or(i64::MAX))
    }

    /// Returns the path to an item by its index as the query gives it; a negative index counts from the end.
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
