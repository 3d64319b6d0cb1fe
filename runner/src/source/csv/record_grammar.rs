//! The grammar of one record of delimited text, byte by byte. The fast splitter must agree with it.
//!
//! A field that begins with the quote is quoted: it ends at the next quote that is not doubled, and only a delimiter or
//! a line end may follow. A quote anywhere else is an ordinary character. `\n` and `\r\n` end a record; a lone `\r`
//! does not.

use memchr::{memchr, memchr2};

/// The length of the longest record that is read. Without a limit, an unclosed quote could make the rest of a file one
/// record.
pub(crate) const RECORD_LIMIT_BYTES: usize = 1 << 20;

/// The delimiter and the quote of delimited text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// The byte between two fields.
    pub(crate) delimiter: u8,
    /// The byte around a quoted field; `None` if fields are never quoted.
    pub(crate) quote: Option<u8>,
}

/// The kind of content that follows the last byte of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// More text, which completes a record that is still open.
    Text,
    /// Nothing: the object ends.
    End,
    /// A line longer than a record may be, so an open record is too long as well.
    LongLine,
}

/// The range of a field's content in the text of a block, without the quotes around the field.
///
/// Two flags are packed into the highest bits, so that a span takes 8 bytes and a batch's spans stay in the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSpan {
    /// The position of the first byte, combined with the flag `QUOTED`.
    start: u32,
    /// The end of the range, combined with the flag `DOUBLED`.
    end: u32,
}

impl FieldSpan {
    /// The bit of `start` that is set for a quoted field.
    const QUOTED: u32 = 1 << 31;
    /// The bit of `end` that is set for a field with doubled quotes.
    const DOUBLED: u32 = 1 << 31;

    /// Returns the span of an unquoted field.
    pub(crate) fn plain(start: usize, end: usize) -> Self {
        Self {
            start: offset(start),
            end: offset(end),
        }
    }

    /// Returns the span of a quoted field; `doubled` is `true` if the field has doubled quotes.
    fn quoted(start: usize, end: usize, doubled: bool) -> Self {
        Self {
            start: offset(start) | Self::QUOTED,
            end: offset(end) | if doubled { Self::DOUBLED } else { 0 },
        }
    }

    /// Returns the range of the content, without the flags.
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        (self.start & !Self::QUOTED) as usize..(self.end & !Self::DOUBLED) as usize
    }

    /// `true` if the field was quoted.
    pub(crate) fn is_quoted(self) -> bool {
        self.start & Self::QUOTED != 0
    }

    /// `true` if the content has doubled quotes, each of which stands for one quote in the value.
    pub(crate) fn has_doubled_quotes(self) -> bool {
        self.end & Self::DOUBLED != 0
    }
}

/// Converts a position in a block, or a count of its rows, to `u32`.
pub(crate) fn offset(position: usize) -> u32 {
    u32::try_from(position).expect("a block of text is far shorter than 2 GiB")
}

/// The reason why a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The record is longer than [`RECORD_LIMIT_BYTES`].
    TooLong,
    /// A quoted field is still open at the end of the object.
    StillOpen,
    /// A byte other than a delimiter or a line end follows a closing quote.
    TextAfterQuote,
}

/// The result of reading a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A complete record.
    Whole {
        /// The position of the record's line end.
        content_end: usize,
        /// The position of the next record.
        end: usize,
    },
    /// A record that cannot be read. Only its first line is rejected; the next record begins on the next line.
    Broken {
        /// The reason why the record cannot be read.
        why: Broken,
        /// The position of the first line's end.
        content_end: usize,
        /// The position of the next line.
        end: usize,
    },
    /// An incomplete record: the text ends before the record does.
    Open,
}

/// Reads the record that begins at `start` and appends the spans of its fields to `fields`.
///
/// If the record is broken or open, the list keeps the fields that were appended until then; the caller must remove
/// them.
pub(crate) fn read_record(
    text: &[u8],
    start: usize,
    dialect: Dialect,
    beyond: Beyond,
    fields: &mut Vec<FieldSpan>,
) -> Outcome {
    let limit = text.len().min(start + RECORD_LIMIT_BYTES);
    let mut position = start;
    loop {
        let after = match dialect.quote {
            Some(quote) if text.get(position) == Some(&quote) => {
                let content = position + 1;
                match closing_quote(&text[..limit], content, quote) {
                    Some((close, doubled)) => {
                        fields.push(FieldSpan::quoted(content, close, doubled));
                        close + 1
                    }
                    None if limit < text.len() => {
                        return broken(text, start, Broken::TooLong);
                    }
                    None => {
                        return match beyond {
                            Beyond::Text => Outcome::Open,
                            Beyond::End => broken(text, start, Broken::StillOpen),
                            Beyond::LongLine => broken(text, start, Broken::TooLong),
                        };
                    }
                }
            }
            _ => {
                let end = memchr2(dialect.delimiter, b'\n', &text[position..])
                    .map_or(text.len(), |found| position + found);
                let content_end = if text.get(end) == Some(&dialect.delimiter) {
                    end
                } else {
                    before_carriage_return(text, position, end)
                };
                fields.push(FieldSpan::plain(position, content_end));
                content_end
            }
        };
        match &text[after..] {
            [byte, ..] if *byte == dialect.delimiter => position = after + 1,
            [b'\n', ..] => return whole(text, start, after, after + 1),
            [b'\r', b'\n', ..] => return whole(text, start, after, after + 2),
            [b'\r'] | [] if beyond != Beyond::Text => {
                return whole(text, start, after, text.len());
            }
            [b'\r'] | [] => return Outcome::Open,
            _ => {
                // The size is checked first, so that the reason does not depend on where a long line was cut.
                let line_end = memchr(b'\n', &text[after..]).map_or(text.len(), |end| after + end);
                let is_long = line_end - start > RECORD_LIMIT_BYTES + 1;
                let why = if is_long {
                    Broken::TooLong
                } else {
                    Broken::TextAfterQuote
                };
                return broken(text, start, why);
            }
        }
    }
}

/// Returns the length of the line end at a position; 0 if there is none.
pub(crate) fn line_end_length(text: &[u8], position: usize) -> usize {
    match &text[position..] {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => 0,
    }
}

/// Returns the outcome of a complete record: `Whole`, or `Broken` if the record is too long.
fn whole(text: &[u8], start: usize, content_end: usize, end: usize) -> Outcome {
    if content_end - start > RECORD_LIMIT_BYTES {
        return broken(text, start, Broken::TooLong);
    }
    Outcome::Whole { content_end, end }
}

/// Returns the outcome of a broken record. Only its first line is rejected, so that one bad quote costs one line.
fn broken(text: &[u8], start: usize, why: Broken) -> Outcome {
    let line_end = memchr(b'\n', &text[start..]).map(|found| start + found);
    Outcome::Broken {
        why,
        content_end: before_carriage_return(text, start, line_end.unwrap_or(text.len())),
        end: line_end.map_or(text.len(), |position| position + 1),
    }
}

/// Returns the end of a line's content: before the `\r` if one precedes the line end at `end`, else `end`.
fn before_carriage_return(text: &[u8], start: usize, end: usize) -> usize {
    if end > start && text[end - 1] == b'\r' {
        end - 1
    } else {
        end
    }
}

/// Returns the position of the quote that closes a field whose content begins at `content`, and whether doubled quotes
/// precede it.
fn closing_quote(text: &[u8], content: usize, quote: u8) -> Option<(usize, bool)> {
    let mut doubled = false;
    let mut position = content;
    loop {
        let found = position + memchr(quote, text.get(position..)?)?;
        if text.get(found + 1) != Some(&quote) {
            return Some((found, doubled));
        }
        doubled = true;
        position = found + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: Dialect = Dialect {
        delimiter: b',',
        quote: Some(b'"'),
    };

    fn read(text: &str, beyond: Beyond) -> (Outcome, Vec<&str>) {
        let mut fields = Vec::new();
        let outcome = read_record(text.as_bytes(), 0, COMMA, beyond, &mut fields);
        (
            outcome,
            fields.iter().map(|field| &text[field.range()]).collect(),
        )
    }

    #[test]
    fn quoted_fields_may_contain_delimiters_line_ends_and_doubled_quotes() {
        let (outcome, fields) = read("a,\"b,\r\n\"\"c\",d\r\ne", Beyond::End);
        assert_eq!(
            outcome,
            Outcome::Whole {
                content_end: 13,
                end: 15
            }
        );
        assert_eq!(fields, ["a", "b,\r\n\"\"c", "d"]);
    }

    #[test]
    fn a_quote_inside_an_unquoted_field_is_an_ordinary_character() {
        let (_, fields) = read("5\" pipe,x\n", Beyond::End);
        assert_eq!(fields, ["5\" pipe", "x"]);
    }

    #[test]
    fn an_open_quote_gives_up_the_first_line_only_at_the_end_of_the_object() {
        let (outcome, _) = read("a,\"b\nc,d\n", Beyond::End);
        assert_eq!(
            outcome,
            Outcome::Broken {
                why: Broken::StillOpen,
                content_end: 4,
                end: 5
            }
        );
        assert_eq!(read("a,\"b\nc,d\n", Beyond::Text).0, Outcome::Open);
    }

    #[test]
    fn text_after_a_closing_quote_gives_up_the_first_line() {
        let (outcome, _) = read("a,\"b\nc,\"d\n", Beyond::End);
        assert!(matches!(
            outcome,
            Outcome::Broken {
                why: Broken::TextAfterQuote,
                end: 5,
                ..
            }
        ));
    }

    #[test]
    fn a_record_over_the_limit_is_too_long_wherever_its_text_ends() {
        let text = format!("\"{}\",x\nnext\n", "y".repeat(RECORD_LIMIT_BYTES));
        for beyond in [Beyond::Text, Beyond::End] {
            assert!(matches!(
                read(&text, beyond).0,
                Outcome::Broken {
                    why: Broken::TooLong,
                    ..
                }
            ));
        }
    }
}
