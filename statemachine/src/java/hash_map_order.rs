//! The order of `java.util.HashMap`, in which AWS's interpreter keeps the fields of objects that it builds.

use serde_json::{Map, Value};

/// Sorts an object's fields into the order in which a Java `HashMap` with these fields lists them.
pub(crate) fn sorted(fields: Map<String, Value>) -> Map<String, Value> {
    let mut entries: Vec<(String, Value)> = fields.into_iter().collect();
    sort_by_key(&mut entries, |(name, _)| name);
    entries.into_iter().collect()
}

/// Sorts items by the `HashMap` bucket of their key; items of one bucket keep their order.
///
/// Java's map starts with 16 buckets and doubles their number whenever it is more than three quarters full.
pub(crate) fn sort_by_key<T>(items: &mut [T], key: impl Fn(&T) -> &str) {
    let mut buckets: usize = 16;
    while items.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    items.sort_by_cached_key(|item| spread(hash(key(item))) as usize & (buckets - 1));
}

/// Computes Java's `String.hashCode`, over UTF-16 units.
fn hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash: u32, unit| {
        hash.wrapping_mul(31).wrapping_add(u32::from(unit))
    })
}

/// Mixes the upper bits of a hash code into the lower ones, which select the bucket.
fn spread(hash: u32) -> u32 {
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_listed_as_java_lists_them() {
        let mut keys = ["Iterations", "Values"];
        sort_by_key(&mut keys, |key| key);
        assert_eq!(keys, ["Values", "Iterations"]);
    }

    #[test]
    fn a_fuller_map_has_more_buckets() {
        assert_eq!(hash("hello"), 99_162_322);
        let names: Vec<String> = (0..13).map(|index| format!("key{index}")).collect();
        let mut keys: Vec<&str> = names.iter().map(String::as_str).collect();
        sort_by_key(&mut keys, |key| key);
        let buckets: Vec<u32> = keys.iter().map(|key| spread(hash(key)) & 31).collect();
        assert!(buckets.is_sorted());
    }
}
