//! Duplicate keys in the objects of a JSON text.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::diagnostics::diagnostic::{Code, Diagnostic};
use crate::diagnostics::place::places;
use crate::json_pointer::PointerWalk;

/// Returns a warning for each duplicate key in an object of a JSON text, with its place.
///
/// JSON parsers silently drop the earlier value. Text that is not JSON gets no warnings here: its parser reports the
/// error.
///
/// ```
/// let found = drivetrain_statemachine::duplicate_keys("{\"days\": 1,\n \"days\": 2}");
/// assert_eq!(found[0].pointer.as_deref(), Some("/days"));
/// assert_eq!(found[0].place.map(|place| place.line), Some(2));
/// ```
#[must_use]
pub fn duplicate_keys(text: &str) -> Vec<Diagnostic> {
    let mut found = unplaced_duplicate_keys(text);
    let pointers: Vec<&str> = found
        .iter()
        .filter_map(|one| one.pointer.as_deref())
        .collect();
    let places = places(text, &pointers);
    for (one, place) in found.iter_mut().zip(places) {
        one.place = Some(place);
    }
    found
}

/// Returns the warnings of [`duplicate_keys`] without line and column, so that the caller can compute all places in one
/// pass.
pub(crate) fn unplaced_duplicate_keys(text: &str) -> Vec<Diagnostic> {
    let mut walk = PointerWalk::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // A syntax error is ignored here, because the caller's parser reports it.
    let _ = DuplicateKeyFinder(&mut walk).deserialize(&mut deserializer);
    walk.into_problems()
}

/// A visitor of one value, which collects a warning for each duplicate key in the value.
struct DuplicateKeyFinder<'w>(&'w mut PointerWalk<Diagnostic>);

impl<'de> DeserializeSeed<'de> for DuplicateKeyFinder<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DuplicateKeyFinder<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            let again = seen.contains(&name);
            self.0.in_field(&name, |walk| {
                if again {
                    walk.note(|pointer| duplicate_warning(&name, pointer));
                }
                fields.next_value_seed(DuplicateKeyFinder(walk))
            })?;
            seen.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            let item = self.0.in_item(index, |walk| {
                items.next_element_seed(DuplicateKeyFinder(walk))
            })?;
            if item.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Builds the warning about a duplicate key, at the pointer that both values share.
fn duplicate_warning(name: &str, pointer: &str) -> Diagnostic {
    Diagnostic::warning(
        Code::DuplicateKey,
        pointer,
        format!(
            "the key `{name}` occurs more than once in this object, and only its last value counts"
        ),
    )
    .hint("rename or remove one of the duplicate keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys_of_one_object_are_found() {
        let found = |text: &str| -> Vec<String> {
            let found = duplicate_keys(text).into_iter();
            found.filter_map(|one| one.pointer).collect()
        };
        assert_eq!(
            found(r#"{"a": [{"b": 1, "b": 2.5}], "c": {"b": null}, "a": -1, "\u0061": true}"#),
            ["/a/0/b", "/a", "/a"]
        );
        assert!(found(r#"{"a": {"a": "a"}, "b": [{"a": 1}, {"a": 1}]}"#).is_empty());
        assert!(found("").is_empty());
    }
}
