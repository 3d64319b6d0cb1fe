//! The parser of paths, which accepts and rejects the same paths as Jayway.

use crate::error::Error;
use crate::jsonpath::character_cursor::{CharacterCursor, unescape};
use crate::jsonpath::query::Query;
use crate::jsonpath::query_root::{MAX_TEXT_BYTES, split_root};
use crate::jsonpath::syntax_tree::{
    FilterCondition, MAX_NESTING, QueryArgument, QueryFunction, QueryStep, QuerySteps, Slice,
};

/// The most steps of a path. Documents nest at most 128 levels, so a path of more steps than this finds nothing.
const MAX_STEPS: usize = 256;
impl Query {
    /// Parses a path that starts with `$`, `$$` or `$name`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExpression`](crate::ErrorKind::InvalidExpression) if the text is not a path.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(Error::invalid_expression(format!(
                "the path has {} bytes, expected at most {MAX_TEXT_BYTES}",
                text.len()
            )));
        }
        let (root, rest) = split_root(text)?;
        let characters: Vec<char> = rest.chars().collect();
        let steps = QuerySteps::parse(&characters, 0)?;
        for step in &steps.list {
            match step {
                QueryStep::Function(function) if !function.is_known() => {
                    return Err(Error::invalid_expression(format!(
                        "the path calls `{function}`, which is not a JSONPath function"
                    )));
                }
                _ => {}
            }
        }
        let plain = steps.is_plain();
        Ok(Self {
            text: text.to_owned(),
            root,
            steps,
            plain,
        })
    }
}

impl QuerySteps {
    /// Parses the text after a path's root: either empty, or steps that start with `.` or `[`.
    pub(super) fn parse(characters: &[char], nesting: usize) -> Result<Self, Error> {
        if nesting > MAX_NESTING {
            return Err(Error::invalid_expression(format!(
                "filters and function arguments nest deeper than {MAX_NESTING} levels"
            )));
        }
        let blanks = characters
            .iter()
            .rev()
            .take_while(|character| **character == ' ')
            .count();
        let characters = &characters[..characters.len() - blanks];
        if characters.last() == Some(&'.') {
            return Err(Error::invalid_expression("a path must not end with `.`"));
        }
        let mut parser = QueryParser {
            cursor: CharacterCursor::new(characters),
            steps: Vec::new(),
            nesting,
        };
        match parser.cursor.current() {
            None => {}
            Some('.' | '[') => parser.read_all()?,
            Some(other) => {
                return Err(Error::invalid_expression(format!(
                    "expected `.` or `[` after the root of the path, got `{other}`"
                )));
            }
        }
        Ok(Self::new(parser.steps))
    }
}

/// A parser of a path's steps.
struct QueryParser<'a> {
    /// The position in the characters after the root.
    cursor: CharacterCursor<'a>,
    /// The steps read so far.
    steps: Vec<QueryStep>,
    /// The depth of filters and arguments around the path.
    nesting: usize,
}

impl QueryParser<'_> {
    /// Reads all steps. Like Jayway, ignores one character left over after a complete step.
    fn read_all(&mut self) -> Result<(), Error> {
        loop {
            if self.steps.len() > MAX_STEPS {
                return Err(Error::invalid_expression(format!(
                    "the path has more than {MAX_STEPS} steps"
                )));
            }
            let needs_more = match self.cursor.current() {
                Some('.') => {
                    self.read_dots()?;
                    true
                }
                Some('[') => {
                    let step = self.read_bracket()?;
                    self.steps.push(step);
                    false
                }
                Some('*') => {
                    self.cursor.position += 1;
                    self.steps.push(QueryStep::Wildcard);
                    false
                }
                _ => {
                    let step = self.read_name()?;
                    self.steps.push(step);
                    false
                }
            };
            if !needs_more && self.cursor.is_tail() {
                return Ok(());
            }
        }
    }

    /// Reads `.` or `..`, after which a step must follow.
    fn read_dots(&mut self) -> Result<(), Error> {
        self.cursor.position += 1;
        if self.cursor.is_at('.') {
            self.cursor.position += 1;
            self.steps.push(QueryStep::Scan);
        }
        match self.cursor.current() {
            None | Some('.') => Err(self.unexpected("a field name")),
            Some(_) => Ok(()),
        }
    }

    /// Builds the error for an unexpected character, or for the end of the path, at the position.
    fn unexpected(&self, expected: &str) -> Error {
        Error::invalid_expression(format!(
            "expected {expected}, got {}",
            self.cursor.rest_or_end(self.cursor.position, "path")
        ))
    }

    /// Reads `name` or `name(..)`.
    fn read_name(&mut self) -> Result<QueryStep, Error> {
        let start = self.cursor.position;
        if matches!(self.cursor.current(), None | Some(' ')) {
            return Err(self.unexpected("a field name"));
        }
        let mut end = start;
        while let Some(character) = self.cursor.at(end) {
            match character {
                ' ' => {
                    return Err(Error::invalid_expression(format!(
                        "a field name with a space must be quoted in brackets, as in `['first name']`, got `{}`",
                        self.cursor.text(start, self.cursor.len())
                    )));
                }
                '.' | '[' => break,
                '(' => {
                    self.cursor.position = end;
                    return self.read_function(self.cursor.text(start, end));
                }
                _ => end += 1,
            }
        }
        self.cursor.position = end;
        Ok(QueryStep::Fields {
            names: vec![self.cursor.text(start, end)],
            quote: '\'',
        })
    }

    /// Reads a call's arguments, from its opening bracket. An unknown name is only reported once the path is complete.
    fn read_function(&mut self, name: String) -> Result<QueryStep, Error> {
        let open = self.cursor.position;
        let close = self.cursor.find_closing(open, '(', ')', false)?;
        let arguments = split_arguments(self.cursor.slice(open + 1, close))
            .into_iter()
            .map(|characters| self.read_argument(characters))
            .collect::<Result<Vec<_>, _>>()?;
        self.cursor.position = close + 1;
        Ok(QueryStep::Function(QueryFunction::new(name, arguments)))
    }

    /// Parses one argument: a path from the document (`$`) or the current value (`@`), or a JSON literal.
    fn read_argument(&self, characters: &[char]) -> Result<QueryArgument, Error> {
        match characters.first() {
            Some('$') => Ok(QueryArgument::Path {
                from_root: true,
                steps: QuerySteps::parse(&characters[1..], self.nesting + 1)?,
            }),
            Some('@') => Ok(QueryArgument::Path {
                from_root: false,
                steps: QuerySteps::parse(&characters[1..], self.nesting + 1)?,
            }),
            _ => {
                let text: String = characters.iter().collect();
                serde_json::from_str(&text)
                    .map(QueryArgument::Literal)
                    .map_err(|source| {
                        Error::invalid_expression(format!(
                            "the argument `{text}` of a function is neither a path nor JSON"
                        ))
                        .caused_by(source)
                    })
            }
        }
    }

    /// Reads `['name']`, `[0]`, `[1:2]`, `[*]` or `[?(..)]`.
    fn read_bracket(&mut self) -> Result<QueryStep, Error> {
        match self.cursor.significant_after(self.cursor.position) {
            Some((_, quote @ ('\'' | '"'))) => self.read_quoted(quote),
            Some((_, character))
                if character.is_ascii_digit() || matches!(character, '-' | ':') =>
            {
                self.read_array()
            }
            Some((star, '*')) => match self.cursor.significant_after(star) {
                Some((close, ']')) => {
                    self.cursor.position = close + 1;
                    Ok(QueryStep::Wildcard)
                }
                _ => Err(Error::invalid_expression(format!(
                    "expected `]` after `[*`, got {}",
                    self.cursor.rest_or_end(star + 1, "path")
                ))),
            },
            Some((mark, '?')) => self.read_filter(mark),
            _ => Err(Error::invalid_expression(format!(
                "expected a quoted name, an index, `*` or `?(` in brackets, got `{}`",
                self.cursor.text(self.cursor.position, self.cursor.len())
            ))),
        }
    }

    /// Reads one or more names in brackets, all in the same quotes.
    fn read_quoted(&mut self, quote: char) -> Result<QueryStep, Error> {
        let mut names = Vec::new();
        let mut expects_name = true;
        let mut place = self.cursor.position;
        loop {
            let Some((next, character)) = self.cursor.significant_after(place) else {
                return Err(Error::invalid_expression(format!(
                    "`{}` has no closing `]`",
                    self.cursor.text(self.cursor.position, self.cursor.len())
                )));
            };
            place = match character {
                ']' if !expects_name => {
                    self.cursor.position = next + 1;
                    return Ok(QueryStep::Fields { names, quote });
                }
                ',' if !expects_name => {
                    expects_name = true;
                    next
                }
                other if other == quote && expects_name => {
                    let end = self.cursor.find_unescaped(next, quote).ok_or_else(|| {
                        Error::invalid_expression(format!(
                            "the name `{}` has no closing `{quote}`",
                            self.cursor.text(next, self.cursor.len())
                        ))
                    })?;
                    names.push(unescape(self.cursor.slice(next + 1, end))?);
                    expects_name = false;
                    end
                }
                _ => {
                    let expected = if expects_name {
                        format!("a name in `{quote}` after `,`")
                    } else {
                        "`,` or `]` after a name in brackets".to_owned()
                    };
                    return Err(Error::invalid_expression(format!(
                        "expected {expected}, got `{}`",
                        self.cursor.text(next, self.cursor.len())
                    )));
                }
            };
        }
    }

    /// Reads `[0]`, `[0,1]` or a slice.
    fn read_array(&mut self) -> Result<QueryStep, Error> {
        let start = self.cursor.position + 1;
        let end = self.cursor.find(start, ']').ok_or_else(|| {
            Error::invalid_expression(format!(
                "`{}` has no closing `]`",
                self.cursor.text(self.cursor.position, self.cursor.len())
            ))
        })?;
        let text = self.cursor.text(start, end);
        let text = text.trim_matches(' ');
        let step = if text.contains(':') {
            QueryStep::Slice(slice(text)?)
        } else {
            QueryStep::Indices(indices(text)?)
        };
        self.cursor.position = end + 1;
        Ok(step)
    }

    /// Reads `[?(..)]`; `mark` is the index of the `?`.
    fn read_filter(&mut self, mark: usize) -> Result<QueryStep, Error> {
        let Some((open, '(')) = self.cursor.significant_after(mark) else {
            return Err(Error::invalid_expression(format!(
                "expected `(` after `[?`, got {}",
                self.cursor.rest_or_end(mark + 1, "path")
            )));
        };
        let close = self.cursor.find_closing(open, '(', ')', true)?;
        let Some((end, ']')) = self.cursor.significant_after(close) else {
            return Err(Error::invalid_expression(format!(
                "expected `]` after the filter `{}`",
                self.cursor.text(open, close + 1)
            )));
        };
        let condition =
            FilterCondition::parse(self.cursor.slice(open, close + 1), self.nesting + 1)?;
        self.cursor.position = end + 1;
        Ok(QueryStep::Filter(Box::new(condition)))
    }
}

/// Parses the bounds of a slice; at least one is required.
fn slice(text: &str) -> Result<Slice, Error> {
    // A third bound, the step, is parsed and ignored; text after a third colon is not parsed.
    let mut bounds = text.split(':').map(|bound| match bound {
        "" => Ok(None),
        digits => whole_number(digits).map(Some),
    });
    let from = bounds.next().transpose()?.flatten();
    let to = bounds.next().transpose()?.flatten();
    if text
        .contains(|character: char| !character.is_ascii_digit() && !matches!(character, '-' | ':'))
    {
        return Err(Error::invalid_expression(format!(
            "`[{text}]` is not a valid slice, expected whole numbers separated by `:`"
        )));
    }
    match (from, to) {
        (Some(from), Some(to)) => Ok(Slice::Between(from, to)),
        (Some(from), None) => Ok(Slice::From(from)),
        (None, Some(to)) => Ok(Slice::To(to)),
        (None, None) => Err(Error::invalid_expression(format!(
            "the slice `[{text}]` must have a start or an end"
        ))),
    }
}

/// Parses indices that are separated by commas.
fn indices(text: &str) -> Result<Vec<i32>, Error> {
    text.split(',')
        .map(|index| whole_number(index.trim_matches(' ')))
        .collect()
}

/// Parses an index, which may be negative but has no `+`.
fn whole_number(text: &str) -> Result<i32, Error> {
    text.parse()
        .ok()
        .filter(|_| !text.starts_with('+'))
        .ok_or_else(|| {
            Error::invalid_expression(format!(
                "`{text}` is not a valid array index, expected a whole number from {} to {}",
                i32::MIN,
                i32::MAX
            ))
        })
}

/// Splits a function's arguments at the commas outside quotes and brackets.
fn split_arguments(characters: &[char]) -> Vec<&[char]> {
    let mut arguments = Vec::new();
    let (mut start, mut depth, mut quoted, mut escaped) = (0, 0_usize, false, false);
    for (place, character) in characters.iter().enumerate() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                arguments.push(&characters[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    arguments.push(&characters[start..]);
    arguments
        .into_iter()
        .map(trim)
        .filter(|argument| !argument.is_empty())
        .collect()
}

/// Returns the characters without the blanks around them.
fn trim(characters: &[char]) -> &[char] {
    let start = characters
        .iter()
        .take_while(|character| character.is_whitespace())
        .count();
    let end = characters
        .iter()
        .rev()
        .take_while(|character| character.is_whitespace())
        .count();
    &characters[start..characters.len().saturating_sub(end).max(start)]
}
