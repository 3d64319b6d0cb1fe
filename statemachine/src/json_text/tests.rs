use serde_json::{Value, json};

use super::escapes::needs_escape;
use super::*;

fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!([
            0,
            9,
            10,
            -10,
            99,
            100,
            u64::MAX,
            i64::MIN,
            2.5,
            1e300,
            -0.0,
            true,
            false
        ]),
        json!({"": {}, "a": [], "b\"\\": "x\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}é\u{10346}\"", "c": [{"d": [[1]]}]}),
        json!("\\\\\"\"".repeat(50)),
    ]
}

#[test]
fn the_text_is_what_serde_writes_and_so_is_its_quoted_form() {
    for value in values() {
        let text = JsonText::of(&value);
        let expected = serde_json::to_string(&value).unwrap();
        assert_eq!(text.as_str(), expected);
        assert_eq!(text.quoted(), serde_json::to_vec(&expected).unwrap());
        assert_eq!(text, JsonText::from(expected));
    }
}

#[test]
fn every_character_that_needs_an_escape_is_found_at_any_position() {
    for length in 1..20 {
        for place in 0..length {
            for character in (0..0x80).map(char::from) {
                let mut text = vec!['x'; length];
                text[place] = character;
                let expected = u8::try_from(character).is_ok_and(needs_escape);
                let text: String = text.into_iter().collect();
                assert_eq!(has_escapes(&text), expected, "{text:?}");
            }
        }
    }
    assert!(!has_escapes(&"é\u{7f}\u{10346}\u{a0}".repeat(9)));
}

#[test]
fn a_field_is_appended_as_if_all_had_been_written() {
    let deep = |depth: usize| (1..depth).fold(json!([]), |inner, _| json!([inner]));
    let mut refused = 0;
    for object in [json!({}), json!({"a\"": [1, "x\n"]}), json!({"b": {}})] {
        for field in values().into_iter().chain([deep(126), deep(127)]) {
            let mut whole = object.clone();
            whole["new\\"] = field.clone();
            let length = serde_json::to_string(&whole).unwrap().len();
            for limit in [usize::MAX, length, length - 1, 1] {
                let expected =
                    JsonText::written(limit, None, |writer| writer.value(&whole, DEEPEST));
                let held = JsonText::of(&object);
                let shared = held.clone();
                let given = [shared, JsonText::of(&object), object.to_string().into()];
                for text in given {
                    let text = text.with_field(limit, "new\\", &field);
                    refused += usize::from(text.is_err());
                    assert_eq!(text.is_ok(), expected.is_ok());
                    if let (Ok(text), Ok(expected)) = (text, &expected) {
                        assert_eq!(text.quoted(), expected.quoted());
                        assert_eq!(text.as_str(), whole.to_string());
                        let more = text.with_field(limit, "more", &json!(1));
                        let fits = limit > length.saturating_add(8);
                        assert_eq!(more.is_ok(), fits);
                    }
                }
                assert_eq!(held.as_str(), object.to_string());
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_limit_counts_the_bytes_of_the_text() {
    for value in values() {
        let length = serde_json::to_string(&value).unwrap().len();
        let within = |limit| JsonText::written(limit, None, |writer| writer.value(&value, DEEPEST));
        assert!(within(length).is_ok());
        let refused = within(length - 1).unwrap_err();
        assert_eq!(refused, Refused::TooLong);
    }
}

#[test]
fn a_value_may_nest_as_deep_as_json_text() {
    let nested = |depth: usize| (1..depth).fold(json!([]), |inner, _| json!([inner]));
    let write =
        |value: Value| JsonText::written(usize::MAX, None, |writer| writer.value(&value, DEEPEST));
    assert!(write(nested(127)).is_ok());
    let refused = write(nested(128)).unwrap_err();
    assert_eq!(refused, Refused::TooDeep);
}
