//! Values as Java prints them.

use std::fmt::Write;

use serde_json::{Number, Value};

/// Writes a value as Java prints it: `{a=1, b=[x]}`, text without quotes.
pub(crate) fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => out.push_str(text),
        Value::Number(number) => write_number(number, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_value(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (index, (name, field)) in fields.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                out.push_str(name);
                out.push('=');
                write_value(field, out);
            }
            out.push('}');
        }
        Value::Null => out.push_str("null"),
        Value::Bool(boolean) => out.push_str(if *boolean { "true" } else { "false" }),
    }
}

/// Writes a whole number in digits, and any other number as `Double.toString` does: with an exponent from 10^7 on and
/// below 10^-3.
fn write_number(number: &Number, out: &mut String) {
    let mut digits = itoa::Buffer::new();
    let double = match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(positive), ..) => return out.push_str(digits.format(positive)),
        (_, Some(negative), _) => return out.push_str(digits.format(negative)),
        (.., Some(double)) => double,
        (None, None, None) => return out.push_str(&number.to_string()),
    };
    let size = double.abs();
    let written = if size == 0.0 || (1e-3..1e7).contains(&size) {
        write!(out, "{double:?}")
    } else {
        let text = format!("{double:E}");
        let (digits, exponent) = text.split_once('E').unwrap_or((&text, "0"));
        let point = if digits.contains('.') { "" } else { ".0" };
        write!(out, "{digits}{point}E{exponent}")
    };
    written.expect("writing to a String never fails");
}
