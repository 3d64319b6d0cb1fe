//! Rules for the names of jobs, datasets and columns.

/// `true` if a name is a lower-case letter followed by lower-case letters, digits and underscores, and has at most 255
/// bytes. Athena and Glue accept such names unquoted.
#[must_use]
pub fn is_legal(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && name.len() <= LONGEST
}

/// Maximum length of a name in bytes, which is the limit of Glue.
const LONGEST: usize = 255;

/// Converts any text to a legal name, for example `Vehicle ID` to `vehicle_id`.
#[must_use]
pub fn legalize(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut lower = false;
    for character in text.trim().chars() {
        if character.is_ascii_alphanumeric() {
            if character.is_ascii_uppercase() && lower {
                name.push('_');
            }
            lower = character.is_ascii_lowercase();
            name.push(character.to_ascii_lowercase());
        } else {
            lower = false;
            if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
        }
    }
    let name = name.trim_end_matches('_');
    match name.bytes().next() {
        None => "column".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("c_{name}"),
        Some(_) => name.to_owned(),
    }
    .chars()
    .take(LONGEST)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_letters_digits_and_underscores() {
        assert!(is_legal("rental_2"));
        for wrong in ["", "Rental", "2x", "_x", "a-b", "é"] {
            assert!(!is_legal(wrong), "{wrong}");
        }
    }

    #[test]
    fn any_header_becomes_a_legal_name() {
        for (header, name) in [
            ("Vehicle ID", "vehicle_id"),
            ("vehicleYear", "vehicle_year"),
            ("2nd phone (home)", "c_2nd_phone_home"),
            ("  ", "column"),
            ("Größe", "gr_e"),
            ("ID", "id"),
        ] {
            assert_eq!(legalize(header), name);
            assert!(is_legal(name));
        }
    }
}
