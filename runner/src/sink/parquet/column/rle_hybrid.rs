//! Parquet's hybrid encoding of small integers: runs of equal values, and groups of eight bit-packed values between
//! them.

/// The smallest number of equal integers that are stored as a run. Fewer are bit-packed, because a run would take as
/// many bytes.
const LEAST_RUN: usize = 8;

/// Returns the number of bits that integers up to `largest` need.
pub(crate) fn width(largest: u32) -> u32 {
    u32::BITS - largest.leading_zeros()
}

/// Appends the encoding of integers that have at most `width` bits each.
pub(crate) fn encode(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let (mut packed, mut at) = (0, 0);
    while at < numbers.len() {
        let number = numbers[at];
        let run = numbers[at..]
            .iter()
            .take_while(|next| **next == number)
            .count();
        // A bit-packed section must have a multiple of eight values: it takes the first values of the run to fill its
        // last group.
        let before = at - packed;
        let filling = before.next_multiple_of(8) - before;
        if run >= LEAST_RUN + filling {
            pack(&numbers[packed..at + filling], width, out);
            repeat(number, run - filling, width, out);
            packed = at + run;
        }
        at += run;
    }
    pack(&numbers[packed..], width, out);
}

/// Appends a run of `times` equal integers.
pub(crate) fn repeat(number: u32, times: usize, width: u32, out: &mut Vec<u8>) {
    header((times as u64) << 1, out);
    let bytes = width.div_ceil(8) as usize;
    out.extend_from_slice(&number.to_le_bytes()[..bytes]);
}

/// Appends bit-packed integers; the last group of eight is padded with zeros.
fn pack(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(8);
    header((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    out.reserve(end - out.len());
    let (mut bits, mut filled) = (0_u64, 0);
    for number in numbers {
        bits |= u64::from(*number) << filled;
        filled += width;
        if filled >= u32::BITS {
            out.extend_from_slice(&bits.to_le_bytes()[..4]);
            bits >>= u32::BITS;
            filled -= u32::BITS;
        }
    }
    out.extend_from_slice(&bits.to_le_bytes()[..filled.div_ceil(8) as usize]);
    out.resize(end, 0);
}

/// Appends the header of a run or a group: an unsigned LEB128 integer.
fn header(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_numbers_of_three_bits_are_packed_as_the_format_describes() {
        let mut out = Vec::new();
        encode(&[0, 1, 2, 3, 4, 5, 6, 7], 3, &mut out);
        assert_eq!(out, [0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010]);
    }

    #[test]
    fn a_run_fills_the_group_before_it_and_is_written_once() {
        let numbers: Vec<u32> = [1, 0, 1]
            .into_iter()
            .chain(std::iter::repeat_n(1, 300))
            .collect();
        let mut out = Vec::new();
        encode(&numbers, 1, &mut out);
        // Six of the run's 301 values fill the first group and 295 remain: 590 as LEB128.
        assert_eq!(out, [0b11, 0b1111_1101, 0xCE, 0x04, 1]);
    }

    #[test]
    fn numbers_without_bits_take_a_header_only() {
        let mut out = Vec::new();
        encode(&[0; 20], width(0), &mut out);
        assert_eq!(out, [40]);
    }
}
