//! The faults of a batch's rows: at most one per row, the first that is found.

use std::sync::Arc;

/// The names of the rules that every contract implies; row rules and references have their own names.
pub(crate) mod rule {
    /// A record is longer than 1 MiB.
    pub(crate) const RECORD_SIZE: &str = "record_size";
    /// A quoted field is still open at the end of the object.
    pub(crate) const UNCLOSED_QUOTE: &str = "unclosed_quote";
    /// A byte other than a delimiter or a line end follows a closing quote.
    pub(crate) const TEXT_AFTER_QUOTE: &str = "text_after_quote";
    /// A record has too few or too many fields.
    pub(crate) const FIELD_COUNT: &str = "field_count";
    /// Bytes are invalid in the declared encoding.
    pub(crate) const ENCODING: &str = "encoding";
    /// A column that must not be NULL has no value.
    pub(crate) const NOT_NULL: &str = "not_null";
    /// A text is not a valid value of its column's type.
    pub(crate) const TYPE: &str = "type";
    /// An earlier row has the same key.
    pub(crate) const KEY: &str = "key";
}

/// The reason why a row is rejected.
#[derive(Clone, Debug)]
pub(crate) struct RowFault {
    /// The row's index in its batch.
    pub(crate) row: u32,
    /// The column at fault, or several joined by commas; `None` if the fault is not in a column.
    pub(crate) column: Option<Arc<str>>,
    /// The name of the rule that the row breaks.
    pub(crate) rule: Arc<str>,
    /// The description for users, usually of the expected and the actual value.
    pub(crate) message: String,
    /// `true` if the row is rejected only because it refers to a rejected row.
    pub(crate) by_reference: bool,
}

/// The faults of a batch's rows, at most one per row.
#[derive(Debug)]
pub(crate) struct RowFaults {
    /// One item per row, `true` if the row has a fault. The list is empty until the first fault, since most batches
    /// have none.
    faulty: Vec<bool>,
    /// The number of rows in the batch.
    rows: usize,
    /// The faults, in the order in which they were found.
    list: Vec<RowFault>,
}

impl RowFaults {
    /// Creates an empty list for a batch of `rows` rows.
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            faulty: Vec::new(),
            rows,
            list: Vec::new(),
        }
    }

    /// Records a fault of a row, unless the row has one already; `message` is built only if it is needed.
    pub(crate) fn add(
        &mut self,
        row: usize,
        column: Option<&Arc<str>>,
        rule: &str,
        message: impl FnOnce() -> String,
    ) {
        if self.is_faulty(row) {
            return;
        }
        self.push(RowFault {
            row: crate::source::csv::record_grammar::offset(row),
            column: column.cloned(),
            rule: rule.into(),
            message: message(),
            by_reference: false,
        });
    }

    /// Records a fault of a row that has none yet.
    pub(crate) fn push(&mut self, fault: RowFault) {
        self.faulty.resize(self.rows, false);
        self.faulty[fault.row as usize] = true;
        self.list.push(fault);
    }

    /// `true` if the row has a fault.
    #[inline]
    pub(crate) fn is_faulty(&self, row: usize) -> bool {
        self.faulty.get(row).copied().unwrap_or(false)
    }

    /// `true` if no row has a fault.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the faults in the order of their rows.
    pub(crate) fn into_sorted(mut self) -> Vec<RowFault> {
        self.list.sort_unstable_by_key(|fault| fault.row);
        self.list
    }

    /// Returns the message of the fault that was found first, if any.
    pub(crate) fn into_first(self) -> Option<String> {
        self.list.into_iter().next().map(|fault| fault.message)
    }
}
