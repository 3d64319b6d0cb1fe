//! A path on the first line, a document below: parse, evaluate, insert.
#![no_main]

use drivetrain_statemachine::jsonpath::{Query, ReferencePath};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let (path, document) = text.split_once('\n').unwrap_or((text, "null"));
    let mut document: Value = serde_json::from_str(document).unwrap_or_default();
    if let Ok(query) = Query::parse(path) {
        let answer = query.evaluate_on(&document);
        assert_eq!(
            answer,
            query.evaluate_on(&document),
            "the same path and document give the same answer"
        );
        assert!(query.is_definite() || answer.map_or(true, |answer| answer.is_array()));
    }
    if let Ok(reference) = ReferencePath::parse(path) {
        let before = document.clone();
        match reference.insert(&mut document, Value::from(1)) {
            Ok(()) => assert_eq!(
                reference.get(&document),
                Some(&Value::from(1)),
                "what was put is there"
            ),
            Err(_) => assert_eq!(document, before, "a refused insert changes nothing"),
        }
    }
});
