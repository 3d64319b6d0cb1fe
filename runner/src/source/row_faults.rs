//! What is wrong with the rows of a batch: at most one fault a row, the first that is found.

use std::sync::Arc;

/// The names of the rules that every contract implies; row rules and references have names of their own.
pub(crate) mod rule {
    /// A record is longer than 1 MiB.
    pub(crate) const RECORD_SIZE: &str = "record_size";
    /// A quoted field is still open at the end of the object.
    pub(crate) const UNCLOSED_QUOTE: &str = "unclosed_quote";
    /// Something follows a closing quote.
    pub(crate) const TEXT_AFTER_QUOTE: &str = "text_after_quote";
    /// A record has too few or too many fields.
    pub(crate) const FIELD_COUNT: &str = "field_count";
    /// Bytes are no characters of the encoding.
    pub(crate) const ENCODING: &str = "encoding";
    /// A column that must have a value has none.
    pub(crate) const NOT_NULL: &str = "not_null";
    /// A text is no value of its column's type.
    pub(crate) const TYPE: &str = "type";
    /// A key occurred before.
    pub(crate) const KEY: &str = "key";
}

/// What is wrong with a row.
#[derive(Clone, Debug)]
pub(crate) struct RowFault {
    pub(crate) row: u32,
    pub(crate) column: Option<Arc<str>>,
    pub(crate) rule: Arc<str>,
    pub(crate) message: String,
    /// Whether the row is rejected only because one that it refers to was.
    pub(crate) by_reference: bool,
}

/// The faults of a batch.
#[derive(Debug)]
pub(crate) struct RowFaults {
    /// Whether a row has a fault; empty while none has.
    faulty: Vec<bool>,
    rows: usize,
    list: Vec<RowFault>,
}

impl RowFaults {
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            faulty: Vec::new(),
            rows,
            list: Vec::new(),
        }
    }

    /// Records a fault of a row, unless it has one already.
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

    #[inline]
    pub(crate) fn is_faulty(&self, row: usize) -> bool {
        self.faulty.get(row).copied().unwrap_or(false)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The faults in the order of their rows.
    pub(crate) fn into_sorted(mut self) -> Vec<RowFault> {
        self.list.sort_unstable_by_key(|fault| fault.row);
        self.list
    }

    /// The message of the first fault.
    pub(crate) fn into_first(self) -> Option<String> {
        self.list.into_iter().next().map(|fault| fault.message)
    }
}
