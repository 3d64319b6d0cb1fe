//! The functions that AWS adds to `JSONata` or removes from it, and those that [`bounding_rewrite`] inserts to enforce
//! limits.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;
use std::rc::Rc;

use jsonata_core::evaluator::{Evaluator, EvaluatorError};
use jsonata_core::value::{JValue, with_stack};
use serde_json::Value;

use crate::digest::digest;
use crate::java::random::JavaRandom;
use crate::json_text::parse_json;
use crate::jsonata::evaluation_meter::{EvaluationMeter, MAX_SEQUENCE_ITEMS};
use crate::jsonata::{bounding_rewrite, json_conversion};
use crate::scope::{Host, Random};

/// The longest text that is matched against a pattern: every match becomes an object of several hundred bytes.
const MAX_SUBJECT_BYTES: usize = 512 << 10;

/// The weight per byte of a replacement that a callback returns: `$replace` holds all replacements until it ends.
const REPLACED_WEIGHT: u64 = 16;
/// The memory of a replacement besides its text, in bytes.
const REPLACED_BYTES: u64 = 64;
/// The largest width of a field in a date picture: a 64-bit integer can hold any number of that many digits.
const MAX_FIELD_WIDTH: f64 = 18.0;
/// The most digit signs that a field in a date picture may have.
const MAX_DIGITS: usize = 18;
/// The largest number that may be formatted in Roman numerals; its text has ten thousand letters.
const MAX_ROMAN: f64 = 10_000_000.0;

/// The result of a function that the evaluator calls: a value or the evaluator's error.
type FunctionResult = Result<JValue, EvaluatorError>;

/// Registers the functions that an expression names. Returns the source of the random numbers that these functions
/// draw.
pub(super) fn register(
    evaluator: &mut Evaluator,
    host: &Host,
    meter: &Rc<EvaluationMeter>,
    names: &BTreeSet<String>,
) -> Result<Rc<RefCell<Random>>, EvaluatorError> {
    let random = Rc::new(RefCell::new(host.random.clone()));
    for name in names {
        register_function(evaluator, name, host, meter, &random)?;
    }
    Ok(random)
}

/// Registers one function by its name; ignores names that neither AWS nor [`bounding_rewrite`] defines.
fn register_function(
    evaluator: &mut Evaluator,
    name: &str,
    host: &Host,
    meter: &Rc<EvaluationMeter>,
    random: &Rc<RefCell<Random>>,
) -> Result<(), EvaluatorError> {
    let drawn = Rc::clone(random);
    let limits = Rc::clone(meter);
    match name {
        "random" => {
            evaluator.register_fn_override(name, move |arguments: &[JValue]| {
                match arguments.first() {
                    Some(JValue::Number(seed)) => Ok(JValue::Number(
                        JavaRandom::from_seed(whole(*seed)).fraction(),
                    )),
                    _ => Ok(JValue::Number(drawn.borrow_mut().fraction())),
                }
            })
        }
        "uuid" => evaluator.register_fn(name, move |_: &[JValue]| {
            Ok(JValue::from(drawn.borrow_mut().uuid()))
        }),
        "now" => {
            let now = json_conversion::instant(host.now);
            evaluator.register_fn_override(name, move |_: &[JValue]| Ok(JValue::from(now.as_str())))
        }
        "millis" => {
            #[expect(
                clippy::cast_precision_loss,
                reason = "JSONata's milliseconds are doubles; dates stay below 2^53"
            )]
            let millis = host.now.timestamp_millis() as f64;
            evaluator.register_fn_override(name, move |_: &[JValue]| Ok(JValue::Number(millis)))
        }
        "eval" => evaluator.register_fn_override(name, |_: &[JValue]| {
            Err(EvaluatorError::ReferenceError(
                "T1006: Attempted to invoke a non-function".to_owned(),
            ))
        }),
        "pad" => evaluator
            .register_fn_override(name, move |arguments: &[JValue]| pad(arguments, &limits)),
        "hash" => evaluator.register_fn(name, hash),
        "partition" => evaluator.register_fn(name, partition),
        "range" => {
            evaluator.register_fn(name, move |arguments: &[JValue]| range(arguments, &limits))
        }
        "parse" => {
            evaluator.register_fn(name, move |arguments: &[JValue]| parse(arguments, &limits))
        }
        _ => register_scale(evaluator, name, limits),
    }
}

/// Registers a function that [`bounding_rewrite`] inserts; ignores other names, which the evaluator knows or rejects.
fn register_scale(
    evaluator: &mut Evaluator,
    name: &str,
    limits: Rc<EvaluationMeter>,
) -> Result<(), EvaluatorError> {
    match name {
        bounding_rewrite::WEIGH => evaluator.register_fn(name, move |arguments: &[JValue]| {
            let value = argument(arguments, 0);
            if matches!(
                value,
                JValue::String(_) | JValue::Array(_) | JValue::Object(_)
            ) {
                limits.weigh(value)?;
            }
            Ok(value.clone())
        }),
        bounding_rewrite::FITS => evaluator.register_fn(name, move |arguments: &[JValue]| {
            limits.weigh(argument(arguments, 0))?;
            Ok(JValue::Bool(true))
        }),
        bounding_rewrite::SEPARATOR => {
            evaluator.register_fn(name, move |arguments: &[JValue]| {
                let gaps = argument(arguments, 0).as_array().map_or(0, Vec::len);
                allow_product(&limits, gaps, argument(arguments, 1))
            })
        }
        bounding_rewrite::REPLACEMENT => {
            evaluator.register_fn(name, move |arguments: &[JValue]| {
                let cuts = argument(arguments, 0).as_str().map_or(0, str::len) + 1;
                allow_product(&limits, cuts, argument(arguments, 1))
            })
        }
        bounding_rewrite::REPLACED => evaluator.register_fn(name, move |arguments: &[JValue]| {
            if let JValue::String(text) = argument(arguments, 0) {
                let bytes = text.len() as u64 + REPLACED_BYTES;
                limits.charge(bytes.saturating_mul(REPLACED_WEIGHT))?;
            }
            Ok(argument(arguments, 0).clone())
        }),
        bounding_rewrite::IS_FUNCTION => evaluator.register_fn(name, |arguments: &[JValue]| {
            Ok(JValue::Bool(argument(arguments, 0).is_function()))
        }),
        bounding_rewrite::PICTURE => evaluator.register_fn(name, move |arguments: &[JValue]| {
            if let JValue::String(picture) = argument(arguments, 0) {
                check_picture(picture, &limits)?;
            }
            Ok(argument(arguments, 0).clone())
        }),
        bounding_rewrite::WRITABLE => {
            evaluator.register_fn(name, move |arguments: &[JValue]| {
                match (argument(arguments, 0), argument(arguments, 1)) {
                    (JValue::Number(number), JValue::String(picture))
                        if number.abs() > MAX_ROMAN && picture.contains(['I', 'i']) =>
                    {
                        Err(limits.exceed())
                    }
                    (value, _) => Ok(value.clone()),
                }
            })
        }
        bounding_rewrite::DISTINCT => evaluator.register_fn(name, |arguments: &[JValue]| {
            Ok(distinct(argument(arguments, 0)))
        }),
        bounding_rewrite::SUBJECT => evaluator.register_fn(name, move |arguments: &[JValue]| {
            match argument(arguments, 0) {
                JValue::String(text) if text.len() > MAX_SUBJECT_BYTES => Err(limits.exceed()),
                value => Ok(value.clone()),
            }
        }),
        _ => Ok(()),
    }
}

/// Rejects a date picture that would break the evaluator: one with a field that does not start with a letter, or that
/// asks for more digits than a number has, as `[Y,999999999]` does.
fn check_picture(picture: &str, meter: &EvaluationMeter) -> Result<(), EvaluatorError> {
    for field in fields(picture) {
        let field: String = field.split_whitespace().collect();
        match field.chars().next() {
            Some(component) if !component.is_ascii_alphabetic() => {
                let message = format!(
                    "D3132: Unknown component specifier {component} in date/time picture string"
                );
                return Err(EvaluatorError::EvaluationError(message));
            }
            _ => {}
        }
        // The widths follow the last comma; those before it group digits.
        let (presentation, widths) = field.rsplit_once(',').unwrap_or((&field, ""));
        let digits = presentation
            .chars()
            .filter(|character| character.is_numeric() || *character == '#')
            .count();
        let is_wide = |width: &str| {
            width
                .parse::<f64>()
                .is_ok_and(|width| width > MAX_FIELD_WIDTH)
        };
        if digits > MAX_DIGITS || widths.split('-').any(is_wide) {
            return Err(meter.exceed());
        }
    }
    Ok(())
}

/// Returns the bracketed fields of a date picture; `[[` is an escaped bracket.
fn fields(picture: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = picture;
    while let Some((_, after)) = rest.split_once('[') {
        if let Some(escaped) = after.strip_prefix('[') {
            rest = escaped;
            continue;
        }
        let Some((field, after)) = after.split_once(']') else {
            break;
        };
        fields.push(field);
        rest = after;
    }
    fields
}

/// Returns the distinct items, in one pass over their canonical texts.
fn distinct(value: &JValue) -> JValue {
    let JValue::Array(items) = value else {
        return value.clone();
    };
    if items.len() <= 1 {
        return value.clone();
    }
    let mut seen = HashSet::with_capacity(items.len());
    let kept = items.iter().filter(|item| {
        let mut key = String::new();
        write_key(item, &mut key);
        seen.insert(key)
    });
    JValue::Array(items.with_items(kept.cloned().collect()))
}

/// Writes a canonical text of a value: equal values have equal texts, because fields are sorted by name.
fn write_key(value: &JValue, key: &mut String) {
    match value {
        JValue::Array(items) => {
            key.push('[');
            for item in items {
                with_stack(|| write_key(item, key));
                key.push(',');
            }
            key.push(']');
        }
        JValue::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            key.push('{');
            for (name, field) in sorted {
                key.push_str(&Value::from(name.as_str()).to_string());
                with_stack(|| write_key(field, key));
                key.push(',');
            }
            key.push('}');
        }
        // A function equals only itself.
        JValue::Lambda(function) => write!(key, "function {:p}", Rc::as_ptr(function))
            .expect("writing to a String never fails"),
        JValue::Number(number) if *number == 0.0 => key.push('0'),
        scalar => key.push_str(&scalar.to_string()),
    }
}

/// Checks that `times` copies of a text fit the memory limit, and returns the text.
fn allow_product(meter: &EvaluationMeter, times: usize, text: &JValue) -> FunctionResult {
    if let JValue::String(text) = text {
        meter.allow_text((times as u64).saturating_mul(text.len() as u64))?;
    }
    Ok(text.clone())
}

/// Returns the argument at `place`, counted from 0; undefined if it is missing.
fn argument(arguments: &[JValue], place: usize) -> &JValue {
    arguments.get(place).unwrap_or(&JValue::Undefined)
}

/// Builds the error of an argument of the wrong type; `place` counts from 1.
fn refused(function: &str, place: usize) -> EvaluatorError {
    EvaluatorError::TypeError(format!(
        "T0410: Argument {place} of function \"{function}\" does not match function signature"
    ))
}

/// Returns the argument at `place`, counted from 0; fails if it is not a finite number.
fn number(arguments: &[JValue], place: usize, function: &str) -> Result<f64, EvaluatorError> {
    match argument(arguments, place) {
        JValue::Number(number) if number.is_finite() => Ok(*number),
        _ => Err(refused(function, place + 1)),
    }
}

/// Truncates a number towards zero, as AWS's functions do.
#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates at the ends of the whole numbers"
)]
fn whole(number: f64) -> i64 {
    number.trunc() as i64
}

/// Evaluates `$partition(array, size)`: the array cut into arrays of at most `size` items.
fn partition(arguments: &[JValue]) -> FunctionResult {
    let items = match argument(arguments, 0) {
        JValue::Undefined => return Ok(JValue::Undefined),
        JValue::Array(items) => items.to_vec(),
        single => vec![single.clone()],
    };
    let size = usize::try_from(whole(number(arguments, 1, "partition")?))
        .ok()
        .filter(|size| *size > 0)
        .ok_or_else(|| {
            EvaluatorError::EvaluationError("The size of a partition must be positive".to_owned())
        })?;
    Ok(JValue::array(
        items
            .chunks(size)
            .map(|chunk| JValue::array(chunk.to_vec()))
            .collect(),
    ))
}

/// Evaluates `$range(first, last, step)`; all three are truncated towards zero.
#[expect(clippy::cast_precision_loss, reason = "JSONata's numbers are doubles")]
fn range(arguments: &[JValue], meter: &EvaluationMeter) -> FunctionResult {
    let bound = |place| number(arguments, place, "range").map(|number| i128::from(whole(number)));
    let (first, last, step) = (bound(0)?, bound(1)?, bound(2)?);
    if step == 0 {
        return Err(EvaluatorError::EvaluationError(
            "The step of a range must not be zero".to_owned(),
        ));
    }
    let count = (last - first) / step + 1;
    if (last - first).signum() == -step.signum() {
        return Ok(JValue::array(Vec::new()));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > MAX_SEQUENCE_ITEMS {
        return Err(meter.exceed());
    }
    let numbers = std::iter::successors(Some(first), |number| Some(number + step));
    Ok(JValue::array(
        numbers
            .take(count)
            .map(|number| JValue::Number(number as f64))
            .collect(),
    ))
}

/// Evaluates `$hash(text, algorithm)`: the hash of the text in hexadecimal digits.
fn hash(arguments: &[JValue]) -> FunctionResult {
    let data = match argument(arguments, 0) {
        JValue::Undefined => return Ok(JValue::Undefined),
        JValue::String(data) => data,
        _ => return Err(refused("hash", 1)),
    };
    let JValue::String(algorithm) = argument(arguments, 1) else {
        return Err(refused("hash", 2));
    };
    digest(algorithm, data.as_bytes())
        .map(JValue::from)
        .ok_or_else(|| {
            EvaluatorError::EvaluationError(format!(
                "The hash algorithm {algorithm} is not supported"
            ))
        })
}

/// Evaluates `$parse(text)`: the value of a JSON text.
fn parse(arguments: &[JValue], meter: &EvaluationMeter) -> FunctionResult {
    let text = match argument(arguments, 0) {
        JValue::Undefined => return Ok(JValue::Undefined),
        JValue::String(text) => text,
        _ => return Err(refused("parse", 1)),
    };
    meter.allow_text(text.len() as u64)?;
    parse_json(text)
        .map(|value| json_conversion::from_json(&value))
        .map_err(|error| {
            if error.too_deep {
                meter.exceed()
            } else {
                let message = format!("The text is not JSON: {}", error.source);
                EvaluatorError::EvaluationError(message)
            }
        })
}

/// Evaluates `$pad(text, width, filling)`: pads on the right, or on the left if the width is negative.
fn pad(arguments: &[JValue], meter: &EvaluationMeter) -> FunctionResult {
    let text = match argument(arguments, 0) {
        JValue::Undefined => return Ok(JValue::Undefined),
        JValue::String(text) => text,
        _ => return Err(refused("pad", 1)),
    };
    let width = whole(number(arguments, 1, "pad")?);
    let filling = match argument(arguments, 2) {
        JValue::String(filling) if !filling.is_empty() => filling.as_ref(),
        JValue::String(_) | JValue::Undefined => " ",
        _ => return Err(refused("pad", 3)),
    };
    let missing = width
        .unsigned_abs()
        .saturating_sub(text.chars().count() as u64);
    meter.allow_text((text.len() as u64).saturating_add(missing.saturating_mul(4)))?;
    let missing = usize::try_from(missing).unwrap_or(usize::MAX);
    let padding: String = filling.chars().cycle().take(missing).collect();
    Ok(JValue::from(if width < 0 {
        padding + text
    } else {
        text.to_string() + &padding
    }))
}
