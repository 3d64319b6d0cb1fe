//! Lists the files of a folder in the response format of `listObjectsV2`.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// The size and the time of change of an object. A listing is a map from keys to such entries.
#[derive(Clone, Copy, Debug)]
pub struct ListedObject {
    /// Length of the object's body; part of the entity tag.
    size_bytes: u64,
    /// Time of the last change, 1970-01-01 for an object in memory; part of the entity tag.
    modified: DateTime<Utc>,
}

impl ListedObject {
    /// Creates the entry of an object that is kept in memory, from its size.
    #[must_use]
    pub fn of_size(size_bytes: usize) -> Self {
        Self {
            size_bytes: size_bytes as u64,
            modified: DateTime::UNIX_EPOCH,
        }
    }
}

/// Lists the files of a folder and its subfolders, by key. Does not follow symbolic links, because they may lead out of
/// the folder.
///
/// # Errors
/// The error of the first folder or file that cannot be read.
pub fn files(folder: &Path) -> std::io::Result<BTreeMap<String, ListedObject>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let key = format!("{prefix}{name}");
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                waiting.push((entry.path(), format!("{key}/")));
            } else if metadata.is_file() {
                let listed = ListedObject {
                    size_bytes: metadata.len(),
                    modified: metadata.modified()?.into(),
                };
                found.insert(key, listed);
            }
        }
    }
    Ok(found)
}

/// Returns the response to a `listObjectsV2` request: one page of the listing, or all objects if there is no `MaxKeys`.
#[must_use]
pub fn page(bucket: &str, objects: BTreeMap<String, ListedObject>, request: &Value) -> Value {
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let prefix = text("Prefix");
    let after = match text("ContinuationToken") {
        "" => text("StartAfter"),
        token => token,
    };
    let most = request["MaxKeys"]
        .as_u64()
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(usize::MAX);
    let mut matching = objects
        .into_iter()
        .filter(|(key, _)| key.starts_with(prefix) && (after.is_empty() || key.as_str() > after));
    let contents: Vec<Value> = matching.by_ref().take(most).map(described).collect();
    let more = matching.next().is_some();
    let mut page = json!({
        "Name": bucket,
        "Prefix": prefix,
        "KeyCount": contents.len(),
        "IsTruncated": more,
    });
    if more {
        page["NextContinuationToken"] = contents
            .last()
            .map_or(Value::Null, |last| last["Key"].clone());
    }
    page["Contents"] = Value::Array(contents);
    page
}

/// Formats an object as an item of `Contents`.
fn described((key, listed): (String, ListedObject)) -> Value {
    let modified = listed.modified.to_rfc3339_opts(SecondsFormat::Secs, true);
    let tag = format!(
        "\"{:x}-{:x}\"",
        listed.size_bytes,
        listed.modified.timestamp_micros()
    );
    json!({
        "Key": key,
        "LastModified": modified,
        "ETag": tag,
        "Size": listed.size_bytes,
        "StorageClass": "STANDARD",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_continues_after_the_last_key_of_the_one_before() {
        let objects: BTreeMap<String, ListedObject> = ["a/1", "a/2", "a/3", "b"]
            .map(|key| (key.to_owned(), ListedObject::of_size(7)))
            .into();
        let keys = |page: &Value| -> Vec<String> {
            let contents = page["Contents"].as_array().unwrap();
            contents
                .iter()
                .map(|one| one["Key"].as_str().unwrap().to_owned())
                .collect()
        };
        let first = page("x", objects.clone(), &json!({"Prefix": "a/", "MaxKeys": 2}));
        assert_eq!(keys(&first), ["a/1", "a/2"]);
        let token = first["NextContinuationToken"].clone();
        let second = page(
            "x",
            objects,
            &json!({"Prefix": "a/", "ContinuationToken": token}),
        );
        assert_eq!(keys(&second), ["a/3"]);
        assert_eq!(second["NextContinuationToken"], Value::Null);
    }
}
