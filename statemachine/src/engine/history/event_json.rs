//! An event as JSON, in the shape of AWS's `GetExecutionHistory`.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::engine::clock::date_text;
use crate::engine::history::event::{Details, Event};
use crate::json_text::{JsonText, has_escapes};

/// Calls a macro with the JSON key and the field of all [`Details`] except `name`, in the order in which they are
/// written. `write_at` and `Serialize` both use this list.
macro_rules! each_field {
    ($entry:ident) => {
        $entry! {
            "index": index,
            "length": length,
            "input": input,
            "output": output,
            "assignedVariables": assigned_variables,
            "resourceType": resource_type,
            "resource": resource,
            "region": region,
            "parameters": parameters,
            "timeoutInSeconds": timeout_in_seconds,
            "heartbeatInSeconds": heartbeat_in_seconds,
            "roleArn": role_arn,
            "mapRunArn": map_run_arn,
            "workerName": worker_name,
            "error": error,
            "cause": cause,
            "location": location,
            "state": state,
        }
    };
}

impl Event {
    /// Appends the event to `out` as JSON, with a timestamp that the caller has formatted.
    ///
    /// The text equals the one that `Serialize` gives, but is written several times faster.
    pub(super) fn write_at(&self, timestamp: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"timestamp\":\"");
        match <&[u8; 24]>::try_from(timestamp.as_bytes()) {
            // Copying a number of bytes that the compiler knows needs no function call.
            Ok(usual) => out.extend_from_slice(usual),
            Err(_) => out.extend_from_slice(timestamp.as_bytes()),
        }
        out.extend_from_slice(self.event_type.between_timestamp_and_id().as_bytes());
        self.id.write(out);
        out.extend_from_slice(b",\"previousEventId\":");
        self.previous_event_id.write(out);
        if !self.event_type.details_key().is_empty() {
            out.extend_from_slice(self.event_type.start_of_details().as_bytes());
            self.details.write_fields(out);
            out.push(b'}');
        }
        out.push(b'}');
    }
}

impl Details {
    /// Appends the fields that are set and their `truncated` notes, separated by commas.
    fn write_fields(&self, out: &mut Vec<u8>) {
        let start = out.len();
        macro_rules! write {
            ($($key:literal: $field:ident,)*) => {
                $(if let Some(value) = &self.$field {
                    out.extend_from_slice(concat!("\"", $key, "\":").as_bytes());
                    value.write(out);
                    out.push(b',');
                })*
            };
        }
        if let Some(name) = &self.name {
            out.extend_from_slice(b"\"name\":");
            name.write(out);
            out.push(b',');
        }
        each_field!(write);
        for (present, note) in [
            (
                self.input.is_some(),
                &b"\"inputDetails\":{\"truncated\":false},"[..],
            ),
            (
                self.output.is_some(),
                &b"\"outputDetails\":{\"truncated\":false},"[..],
            ),
            (
                self.assigned_variables.is_some(),
                &b"\"assignedVariablesDetails\":{\"truncated\":false},"[..],
            ),
        ] {
            if present {
                out.extend_from_slice(note);
            }
        }
        if out.len() > start {
            out.pop();
        }
    }
}

/// A value in an event that can append itself to a buffer as JSON.
trait WriteJson {
    /// Appends the value as compact JSON.
    fn write(&self, out: &mut Vec<u8>);
}

impl WriteJson for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }
}

impl WriteJson for usize {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }
}

impl WriteJson for JsonText {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.quoted());
    }
}

impl WriteJson for str {
    fn write(&self, out: &mut Vec<u8>) {
        if has_escapes(self) {
            serde_json::to_writer(out, self)
                .expect("a text is valid JSON, and writing to memory never fails");
            return;
        }
        out.push(b'"');
        out.extend_from_slice(self.as_bytes());
        out.push(b'"');
    }
}

impl WriteJson for String {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_str().write(out);
    }
}

impl WriteJson for Map<String, Value> {
    fn write(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(out, self)
            .expect("a map is valid JSON, and writing to memory never fails");
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &date_text(self.timestamp))?;
        map.serialize_entry("type", self.event_type.as_str())?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("previousEventId", &self.previous_event_id)?;
        let key = self.event_type.details_key();
        if !key.is_empty() {
            map.serialize_entry(key, &self.details)?;
        }
        map.end()
    }
}

/// Adds `truncated: false` for each input, output and set of variables, as AWS does.
impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Truncation {
            truncated: bool,
        }
        let mut map = serializer.serialize_map(None)?;
        macro_rules! serialize {
            ($($key:literal: $field:ident,)*) => {
                $(if let Some(value) = &self.$field {
                    map.serialize_entry($key, value)?;
                })*
            };
        }
        if let Some(name) = &self.name {
            map.serialize_entry("name", &**name)?;
        }
        each_field!(serialize);
        for (key, present) in [
            ("inputDetails", self.input.is_some()),
            ("outputDetails", self.output.is_some()),
            (
                "assignedVariablesDetails",
                self.assigned_variables.is_some(),
            ),
        ] {
            if present {
                map.serialize_entry(key, &Truncation { truncated: false })?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::engine::history::event::EventType;

    fn event(event_type: EventType, details: Details) -> Event {
        Event {
            execution: "arn".into(),
            timestamp: DateTime::UNIX_EPOCH,
            id: 2,
            previous_event_id: 0,
            event_type,
            details,
        }
    }

    fn written(event: &Event) -> String {
        let mut out = Vec::new();
        event.write_at(&date_text(event.timestamp), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_has_the_shape_of_aws() {
        let event = event(
            EventType::PassStateEntered,
            Details {
                name: Some("A".into()),
                input: Some("{}".into()),
                ..Details::default()
            },
        );
        let expected = r#"{"timestamp":"1970-01-01T00:00:00.000Z","type":"PassStateEntered","id":2,"previousEventId":0,"stateEnteredEventDetails":{"name":"A","input":"{}","inputDetails":{"truncated":false}}}"#;
        assert_eq!(written(&event), expected);
    }

    #[test]
    fn writing_and_serializing_give_the_same() {
        let texts = || Some("a\"b\\\n\u{1}é".to_owned());
        let full = Details {
            name: texts().map(Into::into),
            index: Some(0),
            length: Some(usize::MAX),
            input: texts().map(JsonText::from),
            output: Some(JsonText::of(&json!({"k\"": [1.5, "x\\\t", null]}))),
            assigned_variables: json!({"v": "1", "w\n": "\"\""}).as_object().cloned(),
            resource_type: texts(),
            resource: texts(),
            region: Some(String::new()),
            parameters: Some("{}".into()),
            timeout_in_seconds: Some(0),
            heartbeat_in_seconds: Some(u64::MAX),
            role_arn: texts(),
            map_run_arn: texts(),
            worker_name: texts(),
            error: texts(),
            cause: texts(),
            location: texts(),
            state: texts(),
        };
        for event_type in EventType::ALL {
            for details in [Details::default(), full.clone()] {
                let event = event(*event_type, details);
                assert_eq!(written(&event), serde_json::to_string(&event).unwrap());
            }
        }
    }
}
