//! The items of Map states, as iterations process them and as the context object shows them.

use serde_json::{Map, Value, json};

/// The item that one iteration of a Map processes.
#[derive(Debug, Clone)]
pub(crate) struct MapItem {
    /// The item's number, from 0.
    pub(crate) index: usize,
    /// The field's name if the items are the fields of an object; `None` for the items of an array.
    pub(crate) key: Option<String>,
    /// The item itself, or the value of the field.
    pub(crate) value: Value,
}

impl MapItem {
    /// Overwrites the item in `shown`, which is the value of `$$.Map`. Returns `false` and changes nothing if `shown`
    /// has no item, or if only one of the two items has a key.
    pub(super) fn replaces(&self, shown: &mut Value) -> bool {
        let Some(Value::Object(fields)) = shown.get_mut("Item") else {
            return false;
        };
        if fields.len() != 2 + usize::from(self.key.is_some()) {
            return false;
        }
        let key = self.key.as_ref().map(|key| Value::from(key.as_str()));
        let own = [Some(self.index.into()), key, Some(self.value.clone())];
        for (place, value) in fields.values_mut().zip(own.into_iter().flatten()) {
            *place = value;
        }
        true
    }

    /// Builds the value of `$$.Map`.
    pub(super) fn to_context(&self) -> Value {
        let mut item = Map::new();
        item.insert("Index".to_owned(), self.index.into());
        if let Some(key) = &self.key {
            item.insert("Key".to_owned(), key.clone().into());
        }
        item.insert("Value".to_owned(), self.value.clone());
        json!({"Item": item})
    }
}
