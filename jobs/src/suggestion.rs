//! Suggestions for misspelled names.

/// Returns the known name that differs least from `name`; `None` if every known name differs too much for `name` to be
/// a likely misspelling of it.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    // A third of the letters may differ: beyond that, the guess is more often wrong than right.
    let most = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the hint ``did you mean `x`?``, or a hint that lists the known names if none of them is similar. Without
/// known names, the hint is to declare `name`.
pub(crate) fn suggestion<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    if let Some(near) = nearest(name, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let names = known
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>();
    match names.as_slice() {
        [] => format!("declare `{name}` in `job.toml`, or do not use it"),
        [one] => format!("the only valid name is {one}"),
        names => format!("choose from {}", names.join(", ")),
    }
}

/// Returns the edit distance of two texts: the fewest letters to insert, delete, replace or swap with a neighbor.
fn distance(left: &str, right: &str) -> usize {
    let left = left.chars().collect::<Vec<_>>();
    let right = right.chars().collect::<Vec<_>>();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last = (0..=right.len()).collect::<Vec<_>>();
    for (row, &a) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (at, &b) in right.iter().enumerate() {
            let mut best = (last[at] + usize::from(a != b))
                .min(last[at + 1] + 1)
                .min(current[at] + 1);
            if row > 0 && at > 0 && a == right[at - 1] && left[row - 1] == b {
                best = best.min(before_last[at - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_close_or_none() {
        let known = ["rental_id", "user_id", "partition_by"];
        assert_eq!(nearest("partiton_by", known), Some("partition_by"));
        assert_eq!(nearest("usre_id", known), Some("user_id"));
        assert_eq!(nearest("amount", known), None);
    }
}
