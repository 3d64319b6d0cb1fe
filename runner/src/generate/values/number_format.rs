//! Formats numbers without `std::fmt`, which would cost more than the rest of a row.

/// Appends a number in decimal digits.
#[inline]
pub fn write_number(mut value: u64, out: &mut Vec<u8>) {
    let mut text = [0; 20];
    let mut start = text.len();
    loop {
        start -= 1;
        text[start] = digit(value % 10);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[start..]);
}

/// Appends the last `N` digits of a number, with leading zeros.
#[inline]
pub fn write_padded<const N: usize>(mut value: u64, out: &mut Vec<u8>) {
    let mut text = [0; N];
    for place in text.iter_mut().rev() {
        *place = digit(value % 10);
        value /= 10;
    }
    out.extend_from_slice(&text);
}

/// Appends an amount of cents in the format of the raw files: `450.0`, `12.5`, `99.95`.
#[inline]
pub fn write_amount(cents: u64, out: &mut Vec<u8>) {
    write_number(cents / 100, out);
    out.push(b'.');
    if cents.is_multiple_of(10) {
        out.push(digit(cents / 10 % 10));
    } else {
        write_padded::<2>(cents, out);
    }
}

/// Returns the ASCII digit of a value below 10.
#[inline]
fn digit(value: u64) -> u8 {
    b'0' + value.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_amounts_are_written_in_full() {
        let mut out = Vec::new();
        for value in [0, 7, 1_000, u64::MAX] {
            write_number(value, &mut out);
            out.push(b' ');
        }
        write_padded::<5>(42, &mut out);
        for cents in [45_000, 1_250, 9_995, 5] {
            out.push(b' ');
            write_amount(cents, &mut out);
        }
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "0 7 1000 18446744073709551615 00042 450.0 12.5 99.95 0.05"
        );
    }
}
