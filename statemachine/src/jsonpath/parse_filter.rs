//! The parser of filters, `[?(..)]`.

use regex::RegexBuilder;

use crate::error::Error;
use crate::jsonpath::character_cursor::{CharacterCursor, unescape};
use crate::jsonpath::filter_literal;
use crate::jsonpath::syntax_tree::{
    FilterCondition, FilterOperand, FilterOperator, FilterPath, FilterPattern, MAX_NESTING,
    QuerySteps,
};

/// The memory limit of a compiled pattern: enough for any pattern of a real filter, too little to exhaust the memory.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Every operator by its name. Operators that are words are not case-sensitive.
const OPERATORS: &[(&str, FilterOperator)] = &[
    (">=", FilterOperator::GreaterOrEqual),
    ("<=", FilterOperator::LessOrEqual),
    ("==", FilterOperator::Equal),
    ("===", FilterOperator::SameTypeEqual),
    ("!=", FilterOperator::NotEqual),
    ("!==", FilterOperator::NotSameTypeEqual),
    ("<", FilterOperator::Less),
    (">", FilterOperator::Greater),
    ("=~", FilterOperator::Matches),
    ("NIN", FilterOperator::NotIn),
    ("IN", FilterOperator::In),
    ("CONTAINS", FilterOperator::Contains),
    ("ALL", FilterOperator::Never),
    ("SIZE", FilterOperator::Size),
    ("EXISTS", FilterOperator::Exists),
    ("TYPE", FilterOperator::Never),
    ("MATCHES", FilterOperator::Never),
    ("EMPTY", FilterOperator::Empty),
    ("SUBSETOF", FilterOperator::SubsetOf),
    ("ANYOF", FilterOperator::AnyOf),
    ("NONEOF", FilterOperator::NoneOf),
];

impl FilterCondition {
    /// Parses the condition of a filter with the brackets around it; `nesting` is the depth of filters around it.
    pub(super) fn parse(characters: &[char], nesting: usize) -> Result<Self, Error> {
        let mut parser = FilterParser {
            cursor: CharacterCursor::new(characters),
            nesting,
            doubt: None,
        };
        let condition = parser.read_or()?;
        if parser.cursor.skip_blanks().in_bounds() {
            if let Some(error) = parser.doubt {
                return Err(error);
            }
            let rest = parser
                .cursor
                .text(parser.cursor.position, parser.cursor.len());
            return Err(Error::invalid_expression(format!(
                "expected an operator or the end of the filter, got `{rest}`"
            )));
        }
        Ok(condition)
    }
}

/// A parser of a filter's condition.
struct FilterParser<'a> {
    /// The position in the filter's characters.
    cursor: CharacterCursor<'a>,
    /// The depth of filters and brackets around the position.
    nesting: usize,
    /// The error of the last failed comparison, whose path was parsed as a test for existence instead. It is reported
    /// if the rest of the filter cannot be parsed.
    doubt: Option<Error>,
}

impl FilterParser<'_> {
    /// Reads conditions separated by `||`, which binds less tightly than `&&`.
    fn read_or(&mut self) -> Result<FilterCondition, Error> {
        let mut conditions = vec![self.read_and()?];
        while self.read_word("||") {
            conditions.push(self.read_and()?);
        }
        Ok(if conditions.len() == 1 {
            conditions.remove(0)
        } else {
            FilterCondition::Or(conditions)
        })
    }

    /// Reads conditions separated by `&&`.
    fn read_and(&mut self) -> Result<FilterCondition, Error> {
        let mut conditions = vec![self.read_operand()?];
        while self.read_word("&&") {
            conditions.push(self.read_operand()?);
        }
        Ok(if conditions.len() == 1 {
            conditions.remove(0)
        } else {
            FilterCondition::And(conditions)
        })
    }

    /// Moves past `word` and the blanks before it. Returns `false` and does not move if anything else follows.
    fn read_word(&mut self, word: &str) -> bool {
        let start = self.cursor.position;
        self.cursor.skip_blanks();
        let end = self.cursor.position + word.len();
        if end <= self.cursor.len() && self.cursor.text(self.cursor.position, end) == word {
            self.cursor.position = end;
            return true;
        }
        self.cursor.position = start;
        false
    }

    /// Reads one operand of `&&`; fails if filters nest too deeply.
    fn read_operand(&mut self) -> Result<FilterCondition, Error> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(Error::invalid_expression(format!(
                "the conditions of a filter nest deeper than {MAX_NESTING} levels"
            )));
        }
        let condition = self.read_operand_within();
        self.nesting -= 1;
        condition
    }

    /// Reads a negation, a condition in brackets or a comparison.
    fn read_operand_within(&mut self) -> Result<FilterCondition, Error> {
        let start = self.cursor.skip_blanks().position;
        if self.cursor.is_at('!') {
            self.cursor.position += 1;
            if !matches!(self.cursor.skip_blanks().current(), Some('$' | '@')) {
                return Ok(FilterCondition::Not(Box::new(self.read_operand()?)));
            }
            self.cursor.position = start;
        }
        if self.cursor.is_at('(') {
            self.cursor.position += 1;
            let condition = self.read_or()?;
            if !self.cursor.skip_blanks().is_at(')') {
                return Err(self.doubt.take().unwrap_or_else(|| {
                    Error::invalid_expression(format!(
                        "expected an operator or `)` in a filter, got {}",
                        self.cursor.rest_or_end(self.cursor.position, "filter")
                    ))
                }));
            }
            self.cursor.position += 1;
            return Ok(condition);
        }
        self.read_comparison()
    }

    /// Reads a comparison, or a path alone, which tests for existence.
    fn read_comparison(&mut self) -> Result<FilterCondition, Error> {
        let negated = self.cursor.is_at('!');
        let left = self.read_value()?;
        let end = self.cursor.position;
        if let Some(operator) = self.read_operator() {
            match self.read_value() {
                Ok(right) => {
                    return Ok(FilterCondition::Compare {
                        left,
                        operator,
                        right,
                    });
                }
                Err(error) if !matches!(left, FilterOperand::Path(_)) => return Err(error),
                // The text after the path is not a comparison. The error is returned if that text cannot be parsed
                // otherwise.
                Err(error) => self.doubt = Some(error),
            }
        }
        self.cursor.position = end;
        match left {
            FilterOperand::Path(path) => Ok(FilterCondition::Exists {
                path,
                expected: !negated,
            }),
            _ => Err(Error::invalid_expression(format!(
                "expected a comparison operator after a literal in a filter, got {}",
                self.cursor.rest_or_end(end, "filter")
            ))),
        }
    }

    /// Reads an operator, which is either signs or a word; `None` if the text is not an operator.
    fn read_operator(&mut self) -> Option<FilterOperator> {
        let start = self.cursor.skip_blanks().position;
        let is_sign = |character: char| matches!(character, '<' | '>' | '=' | '~' | '!');
        let signs = self.cursor.current().is_some_and(is_sign);
        while self.cursor.current().is_some_and(|character| {
            if signs {
                is_sign(character)
            } else {
                character != ' '
            }
        }) {
            self.cursor.position += 1;
        }
        let word = self.cursor.text(start, self.cursor.position);
        OPERATORS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&word))
            .map(|(_, operator)| *operator)
    }

    /// Reads a side of a comparison. The first character determines its type.
    fn read_value(&mut self) -> Result<FilterOperand, Error> {
        match self.cursor.skip_blanks().current() {
            Some('$' | '@') => self.read_path(),
            Some('!') => {
                self.cursor.position += 1;
                match self.cursor.skip_blanks().current() {
                    Some('$' | '@') => self.read_path(),
                    _ => Err(Error::invalid_expression(
                        "expected a path after `!` in a filter",
                    )),
                }
            }
            Some(quote @ ('\'' | '"')) => self.read_text(quote),
            Some('t') => self.read_keyword("true", FilterOperand::Boolean(true)),
            Some('f') => self.read_keyword("false", FilterOperand::Boolean(false)),
            Some('n') => self.read_keyword("null", FilterOperand::Null),
            Some('[') => self.read_json('[', ']'),
            Some('{') => self.read_json('{', '}'),
            Some('/') => self.read_pattern(),
            _ => self.read_number(),
        }
    }

    /// Reads `true`, `false` or `null`, and returns its operand.
    fn read_keyword(
        &mut self,
        keyword: &str,
        operand: FilterOperand,
    ) -> Result<FilterOperand, Error> {
        let end = self.cursor.position + keyword.len();
        if self.cursor.text(self.cursor.position, end) != keyword {
            return Err(Error::invalid_expression(format!(
                "expected `{keyword}` or a text in quotes in a filter, got `{}`",
                self.cursor.text(self.cursor.position, end)
            )));
        }
        self.cursor.position = end;
        Ok(operand)
    }

    /// Reads a quoted text.
    fn read_text(&mut self, quote: char) -> Result<FilterOperand, Error> {
        let start = self.cursor.position;
        let end = self.cursor.find_unescaped(start, quote).ok_or_else(|| {
            Error::invalid_expression(format!(
                "the text `{}` in a filter has no closing `{quote}`",
                self.cursor.text(start, self.cursor.len())
            ))
        })?;
        self.cursor.position = end + 1;
        Ok(FilterOperand::Text(unescape(
            self.cursor.slice(start + 1, end),
        )?))
    }

    /// Reads an array or object literal up to its closing bracket.
    fn read_json(&mut self, open: char, close: char) -> Result<FilterOperand, Error> {
        let start = self.cursor.position;
        let end = self.cursor.find_closing(start, open, close, false)?;
        self.cursor.position = end + 1;
        filter_literal::parse(self.cursor.slice(start, end + 1)).map(FilterOperand::Json)
    }

    /// Reads a number. Any text that does not begin like a value is reported as an error here.
    fn read_number(&mut self) -> Result<FilterOperand, Error> {
        let start = self.cursor.position;
        while self.cursor.current().is_some_and(|character| {
            character.is_ascii_digit() || matches!(character, '-' | '.' | 'e' | 'E')
        }) {
            self.cursor.position += 1;
        }
        let text = self.cursor.text(start, self.cursor.position);
        filter_literal::number(&text)
            .map(FilterOperand::Number)
            .ok_or_else(|| {
                Error::invalid_expression(format!(
                    "expected a path or a literal in a filter, got {}",
                    self.cursor.rest_or_end(start, "filter")
                ))
            })
    }

    /// Reads `/pattern/` with Java's flags; the pattern must match the whole text.
    fn read_pattern(&mut self) -> Result<FilterOperand, Error> {
        let start = self.cursor.position;
        let end = self.cursor.find_unescaped(start, '/').ok_or_else(|| {
            Error::invalid_expression(format!(
                "the pattern `{}` in a filter has no closing `/`",
                self.cursor.text(start, self.cursor.len())
            ))
        })?;
        self.cursor.position = end + 1;
        let source = self.cursor.text(start + 1, end);
        let flags = self.cursor.position;
        while self
            .cursor
            .current()
            .is_some_and(|flag| "dixmsuU".contains(flag))
        {
            self.cursor.position += 1;
        }
        let flags = self.cursor.slice(flags, self.cursor.position);
        // The line end closes a comment, which the flag `x` allows.
        let end = if flags.contains(&'x') { "\n" } else { "" };
        let mut builder = RegexBuilder::new(&format!(r"\A(?:{source}{end})\z"));
        builder
            .size_limit(MAX_PATTERN_BYTES)
            .dfa_size_limit(MAX_PATTERN_BYTES);
        // The other flags, for Unix lines and Unicode classes, are always on here.
        builder
            .case_insensitive(flags.contains(&'i'))
            .ignore_whitespace(flags.contains(&'x'))
            .multi_line(flags.contains(&'m'))
            .dot_matches_new_line(flags.contains(&'s'));
        let regex = builder.build().map_err(|error| {
            Error::invalid_expression(format!(
                "`/{source}/` is not a valid regular expression in a filter"
            ))
            .caused_by(error)
        })?;
        Ok(FilterOperand::Pattern(FilterPattern { regex }))
    }

    /// Reads a path up to an operator, a blank or a closing bracket that was opened before the path.
    fn read_path(&mut self) -> Result<FilterOperand, Error> {
        let start = self.cursor.position;
        let from_root = self.cursor.is_at('$');
        self.cursor.position += 1;
        while self.cursor.in_bounds() {
            if self.cursor.is_at('[') {
                self.cursor.position =
                    self.cursor
                        .find_closing(self.cursor.position, '[', ']', false)?
                        + 1;
            }
            match self.cursor.current() {
                None | Some('<' | '>' | '=' | '~' | '!' | ' ') => break,
                Some(')') if !self.closes_function(start) => break,
                Some(_) => self.cursor.position += 1,
            }
        }
        let steps = QuerySteps::parse(
            self.cursor.slice(start + 1, self.cursor.position),
            self.nesting,
        )?;
        Ok(FilterOperand::Path(FilterPath { from_root, steps }))
    }

    /// Returns `true` if the `)` at the position closes a call such as `.name()`.
    fn closes_function(&self, start: usize) -> bool {
        match self.cursor.significant_before() {
            Some((open, '(')) => self.cursor.slice(start + 1, open).contains(&'.'),
            _ => false,
        }
    }
}
