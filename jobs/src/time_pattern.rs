//! Patterns of dates and times: the subset of `strftime` that a contract may use.

use thiserror::Error;

/// A parsed pattern: the sequence of items that a text must match from its first to its last character.
///
/// | directive | text | | directive | text |
/// |---|---|---|---|---|
/// | `%Y` | year, 4 digits | | `%H` | hour, 2 digits, 00-23 |
/// | `%y` | year, 2 digits: 69-99 are 19.., 00-68 are 20.. | | `%M` | minute, 2 digits |
/// | `%m` | month, 2 digits | | `%S` | second, 2 digits, 00-59 |
/// | `%b` | month, the first three letters of its English name, in any case | | `%f` | fraction of a second, 1 to 6 digits |
/// | `%d` | day of the month, 2 digits | | `%.f` | nothing, or a point and a fraction of 1 to 6 digits |
/// | `%e` | day of the month, 1 or 2 digits, or a space and a digit | | `%z` | offset: `Z`, `+hh`, `+hhmm` or `+hh:mm` |
/// | `%F` | `%Y-%m-%d` | | `%T` | `%H:%M:%S` |
/// | `%%` | a percent sign | | | |
///
/// Any other character matches itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimePattern {
    /// Items in the order in which a text must match them.
    items: Vec<Item>,
}

/// An item of a pattern: a literal character, or a directive for one component of a date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A character that matches itself.
    Literal(char),
    /// `%Y`: the year, four digits.
    Year,
    /// `%y`: the year, two digits. 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068.
    ShortYear,
    /// `%m`: the month, two digits from 01 to 12.
    Month,
    /// `%b`: the first three letters of the month's English name, in any case.
    MonthName,
    /// `%d`: the day of the month, two digits from 01 to 31.
    Day,
    /// `%e`: the day of the month, one or two digits, or a space and one digit.
    SpacedDay,
    /// `%H`: the hour, two digits from 00 to 23.
    Hour,
    /// `%M`: the minute, two digits from 00 to 59.
    Minute,
    /// `%S`: the second, two digits from 00 to 59. Leap seconds are refused.
    Second,
    /// `%f`: the fraction of a second, one to six digits.
    Fraction,
    /// `%.f`: nothing, or a point and a fraction of one to six digits.
    PointFraction,
    /// `%z`: the offset from UTC: `Z`, or `+` or `-` followed by `hh`, `hhmm` or `hh:mm`.
    Offset,
}

impl TimePattern {
    /// Parses a pattern of directives and literal characters.
    ///
    /// # Errors
    /// `Unknown` for a directive that [`TimePattern`] does not list, `LonePercent` for a percent sign at the end,
    /// `Twice` for a component that occurs twice.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let mut items = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                items.push(Item::Literal(character));
                continue;
            }
            let directive = characters.next().ok_or(PatternError::LonePercent)?;
            match directive {
                'Y' => items.push(Item::Year),
                'y' => items.push(Item::ShortYear),
                'm' => items.push(Item::Month),
                'b' => items.push(Item::MonthName),
                'd' => items.push(Item::Day),
                'e' => items.push(Item::SpacedDay),
                'H' => items.push(Item::Hour),
                'M' => items.push(Item::Minute),
                'S' => items.push(Item::Second),
                'f' => items.push(Item::Fraction),
                'z' => items.push(Item::Offset),
                '%' => items.push(Item::Literal('%')),
                'F' => items.extend(DATE),
                'T' => items.extend(TIME),
                '.' => match characters.next() {
                    Some('f') => items.push(Item::PointFraction),
                    other => {
                        return Err(PatternError::Unknown(format!(
                            ".{}",
                            other.map_or(String::new(), String::from)
                        )));
                    }
                },
                other => return Err(PatternError::Unknown(other.to_string())),
            }
        }
        let pattern = Self { items };
        pattern.check_for_duplicates()?;
        Ok(pattern)
    }

    /// Checks that the pattern describes a date without a time of day or an offset.
    ///
    /// # Errors
    /// `Missing` if there is no year, month or day; `TimeInDate` if there is an hour, minute, second, fraction or
    /// offset.
    pub(crate) fn gives_a_date(&self) -> Result<(), PatternError> {
        self.check_for_a_date()?;
        match self
            .components()
            .find(|component| *component > Component::Day)
        {
            Some(_) => Err(PatternError::TimeInDate),
            None => Ok(()),
        }
    }

    /// Checks that the pattern describes a date, and that a time of day in it has no gap, such as seconds without
    /// minutes. `utc` is `true` if the column has a zone, which an offset requires.
    ///
    /// # Errors
    /// `Missing` if there is no year, month or day; `Gap` for minutes without hours, seconds without minutes, or a
    /// fraction without seconds; `OffsetWithoutZone` for an offset if `utc` is `false`.
    pub(crate) fn gives_a_timestamp(&self, utc: bool) -> Result<(), PatternError> {
        self.check_for_a_date()?;
        let has = |component| self.components().any(|found| found == component);
        for (component, needed, names) in [
            (
                Component::Minute,
                Component::Hour,
                ("a minute", "an hour (`%H`)"),
            ),
            (
                Component::Second,
                Component::Minute,
                ("a second", "a minute (`%M`)"),
            ),
            (
                Component::Fraction,
                Component::Second,
                ("a fraction", "a second (`%S`)"),
            ),
        ] {
            if has(component) && !has(needed) {
                return Err(PatternError::Gap(names.0, names.1));
            }
        }
        if has(Component::Offset) && !utc {
            return Err(PatternError::OffsetWithoutZone);
        }
        Ok(())
    }

    /// Returns the items in the order in which a text must match them.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Iterates over the date and time components that the items describe.
    fn components(&self) -> impl Iterator<Item = Component> {
        self.items.iter().filter_map(|item| item.component())
    }

    /// Checks that no component occurs twice.
    fn check_for_duplicates(&self) -> Result<(), PatternError> {
        let mut seen = Vec::new();
        for component in self.components() {
            if seen.contains(&component) {
                return Err(PatternError::Twice(component.name()));
            }
            seen.push(component);
        }
        Ok(())
    }

    /// Checks that year, month and day are present.
    fn check_for_a_date(&self) -> Result<(), PatternError> {
        match [Component::Year, Component::Month, Component::Day]
            .into_iter()
            .find(|needed| !self.components().any(|component| component == *needed))
        {
            Some(missing) => Err(PatternError::Missing(missing.name())),
            None => Ok(()),
        }
    }
}

/// Items to which `%F` expands: `%Y-%m-%d`.
const DATE: [Item; 5] = [
    Item::Year,
    Item::Literal('-'),
    Item::Month,
    Item::Literal('-'),
    Item::Day,
];
/// Items to which `%T` expands: `%H:%M:%S`.
const TIME: [Item; 5] = [
    Item::Hour,
    Item::Literal(':'),
    Item::Minute,
    Item::Literal(':'),
    Item::Second,
];

impl Item {
    /// Returns the component that the item describes, `None` for a literal character.
    fn component(self) -> Option<Component> {
        Some(match self {
            Self::Literal(_) => return None,
            Self::Year | Self::ShortYear => Component::Year,
            Self::Month | Self::MonthName => Component::Month,
            Self::Day | Self::SpacedDay => Component::Day,
            Self::Hour => Component::Hour,
            Self::Minute => Component::Minute,
            Self::Second => Component::Second,
            Self::Fraction | Self::PointFraction => Component::Fraction,
            Self::Offset => Component::Offset,
        })
    }
}

/// A component of a timestamp. The components of a date and a time are ordered from the coarsest to the finest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Component {
    /// Year, of four or two digits.
    Year,
    /// Month, as a number or a name.
    Month,
    /// Day of the month.
    Day,
    /// Hour of the day.
    Hour,
    /// Minute of the hour.
    Minute,
    /// Second of the minute.
    Second,
    /// Fraction of a second.
    Fraction,
    /// Offset from UTC. It compares greater than `Day`, so that a date with an offset is refused.
    Offset,
}

impl Component {
    /// Returns the name of the component with its directive, for messages.
    fn name(self) -> &'static str {
        match self {
            Self::Year => "a year (`%Y`)",
            Self::Month => "a month (`%m`)",
            Self::Day => "a day (`%d`)",
            Self::Hour => "an hour (`%H`)",
            Self::Minute => "a minute (`%M`)",
            Self::Second => "a second (`%S`)",
            Self::Fraction => "a fraction (`%f`)",
            Self::Offset => "an offset (`%z`)",
        }
    }
}

/// Reason why a text is not a valid pattern, or why a pattern does not suit the type of its column.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// A directive that is not in [`TimePattern`]'s table.
    #[error("unknown directive `%{0}`")]
    Unknown(String),
    /// The last character is a percent sign.
    #[error("the pattern ends in a single `%`")]
    LonePercent,
    /// Two directives describe the same component.
    #[error("the pattern contains more than one directive for {0}")]
    Twice(&'static str),
    /// A component of the date is missing.
    #[error("the pattern lacks {0}")]
    Missing(&'static str),
    /// The pattern of a date contains a time of day or an offset.
    #[error("the pattern of a `date` contains a time of day or an offset")]
    TimeInDate,
    /// A component of the time is present although the next coarser component is missing.
    #[error("the pattern contains {0} without {1}")]
    Gap(&'static str, &'static str),
    /// The pattern contains an offset, but the column has no zone.
    #[error("the pattern contains an offset (`%z`), but no zone is declared")]
    OffsetWithoutZone,
}

impl PatternError {
    /// Returns the hint: how to correct the pattern.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::TimeInDate => "use the type `timestamp`, and cast the value to a date in SQL",
            Self::OffsetWithoutZone => {
                "remove `%z`; or, in a column, add `zone = \"UTC\"` to store the timestamps in UTC"
            }
            Self::LonePercent => "write `%%` for a percent sign, or remove the `%`",
            Self::Twice(_) => {
                "keep one of them: `%F` stands for `%Y-%m-%d`, and `%T` for `%H:%M:%S`"
            }
            Self::Missing(_) => "write year, month and day, for example `%Y-%m-%d`",
            Self::Gap(..) => "add the missing directive, or remove the directives that need it",
            Self::Unknown(_) => {
                "valid directives are `%Y %y %m %b %d %e %H %M %S %f %.f %z %F %T %%`"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorthands_are_their_long_forms() {
        assert_eq!(
            TimePattern::parse("%F %T"),
            TimePattern::parse("%Y-%m-%d %H:%M:%S")
        );
        assert_eq!(
            TimePattern::parse("%d.%b %%").map(|pattern| pattern.items),
            Ok(vec![
                Item::Day,
                Item::Literal('.'),
                Item::MonthName,
                Item::Literal(' '),
                Item::Literal('%')
            ])
        );
    }

    #[test]
    fn invalid_patterns_are_refused() {
        for (text, error) in [
            ("%Q", PatternError::Unknown("Q".to_owned())),
            ("%.3f", PatternError::Unknown(".3".to_owned())),
            ("%Y%", PatternError::LonePercent),
            ("%Y %y", PatternError::Twice("a year (`%Y`)")),
        ] {
            assert_eq!(TimePattern::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_pattern_is_checked_against_the_type_of_its_column() {
        let parse = |text| TimePattern::parse(text).expect("the test's pattern is right");
        assert_eq!(parse("%e %b %y").gives_a_date(), Ok(()));
        assert_eq!(parse("%F %H").gives_a_date(), Err(PatternError::TimeInDate));
        assert_eq!(
            parse("%m-%d").gives_a_date(),
            Err(PatternError::Missing("a year (`%Y`)"))
        );
        assert_eq!(parse("%F").gives_a_timestamp(false), Ok(()));
        assert_eq!(
            parse("%F %H:%S").gives_a_timestamp(false),
            Err(PatternError::Gap("a second", "a minute (`%M`)"))
        );
        assert_eq!(
            parse("%FT%T%.f%z").gives_a_timestamp(false),
            Err(PatternError::OffsetWithoutZone)
        );
        assert_eq!(parse("%FT%T%.f%z").gives_a_timestamp(true), Ok(()));
    }
}
