//! A block: consecutive rows of a dataset with the dirt between them, made alone.

use std::ops::Range;

use super::datasets::Dataset;
use super::defects::{Class, Fault};
use super::row_editor::Record;
use super::sample::Sample;
use super::sample_manifest::{DatasetAccount, Facts, FileKind, Planted};
use super::values::{Draw, Stream, length, position};

/// Rows of a block: about three megabytes, large against the cost of handing it over, small against memory.
const BLOCK_ROWS: u64 = 1 << 15;

/// The most clean rows in a file of unusual shape.
const ODD_FILE_ROWS: u64 = 1_000;

/// How many rows refer to a rejected row through each reference.
const CASCADES: u64 = 3;

/// The number of the first such row: far above those of other rows, clean or dirty.
const FIRST_CASCADE: u64 = 1 << 38;

/// The column that no contract knows, and what stands in it.
const UNKNOWN_COLUMN: (&str, &[u8]) = ("remark", b"checked");

/// What is to be made.
#[derive(Clone, Debug)]
pub struct Block {
    /// The dataset's position in the sample.
    pub dataset: usize,
    /// What kind of file the rows go to.
    pub file: FileKind,
    /// The clean rows.
    pub rows: Range<u64>,
    /// The dirty lines, numbered over the dataset.
    pub dirt: Range<u64>,
    /// Whether the block ends the dataset's plain files.
    pub is_last: bool,
}

/// A block's bytes and what is in them.
#[derive(Debug, Default)]
pub struct Made {
    /// The lines.
    pub bytes: Vec<u8>,
    /// Their account; without a name and files.
    pub account: DatasetAccount,
    /// The facts of the clean rows.
    pub facts: Facts,
}

impl Block {
    /// The blocks of the dataset at that position, in the order in which they are written.
    pub fn all_of(sample: &Sample, dataset: usize) -> impl Iterator<Item = Block> + Send + use<> {
        let rows = sample.datasets()[dataset].rows();
        let dirt = sample.dirty_lines(sample.datasets()[dataset].as_ref());
        let has_dirt = sample.has_dirt();
        let odd_rows = if has_dirt {
            (rows / 20).min(ODD_FILE_ROWS)
        } else {
            0
        };
        let plain_rows = rows - 2 * odd_rows;
        // Rounded up: the first block has dirt wherever there is any.
        let dirt_before = move |row: u64| {
            let lines = (u128::from(dirt) * u128::from(row)).div_ceil(u128::from(plain_rows));
            u64::try_from(lines).expect("a part of the lines is no more than all of them")
        };
        let plain = (0..plain_rows.div_ceil(BLOCK_ROWS)).map(move |number| {
            let rows = number * BLOCK_ROWS..((number + 1) * BLOCK_ROWS).min(plain_rows);
            Block {
                dataset,
                file: FileKind::Plain,
                dirt: dirt_before(rows.start)..dirt_before(rows.end),
                is_last: rows.end == plain_rows,
                rows,
            }
        });
        let second = plain_rows + odd_rows;
        let odd = [
            (FileKind::Reordered, plain_rows..second),
            (FileKind::UnknownColumn, second..rows),
            (FileKind::HeaderOnly, rows..rows),
            (FileKind::Empty, rows..rows),
        ];
        let odd = odd.into_iter().map(move |(file, rows)| Block {
            dataset,
            file,
            dirt: 0..0,
            is_last: false,
            rows,
        });
        plain.chain(odd.filter(move |_| has_dirt))
    }

    /// Makes the rows.
    pub fn make(&self, sample: &Sample) -> Made {
        let dataset = self.dataset(sample);
        let mut made = Made::default();
        let typical = dataset.typical_row_bytes() * (self.rows.end - self.rows.start);
        // A twentieth more than is typical: growing would copy megabytes.
        made.bytes.reserve(position(typical + typical / 20));
        made.account.accepted_rows = self.rows.end - self.rows.start;
        made.account.lines = made.account.accepted_rows;
        match self.file {
            FileKind::Plain => self.make_plain(sample, dataset, &mut made),
            FileKind::Reordered => self.make_odd(dataset, &mut made, |record| {
                record.reverse();
            }),
            FileKind::UnknownColumn => self.make_odd(dataset, &mut made, |record| {
                record.insert_second(UNKNOWN_COLUMN.1);
            }),
            FileKind::HeaderOnly | FileKind::Empty => {}
        }
        made
    }

    /// The header of a file that begins with this block.
    pub fn header(&self, sample: &Sample) -> Vec<u8> {
        let mut columns = self.dataset(sample).columns().to_vec();
        match self.file {
            FileKind::Plain | FileKind::HeaderOnly => {}
            FileKind::Reordered => columns.reverse(),
            FileKind::UnknownColumn => columns.insert(1, UNKNOWN_COLUMN.0),
            FileKind::Empty => return Vec::new(),
        }
        (columns.join(",") + "\n").into_bytes()
    }

    fn dataset<'a>(&self, sample: &'a Sample) -> &'a dyn Dataset {
        sample.datasets()[self.dataset].as_ref()
    }

    fn make_plain(&self, sample: &Sample, dataset: &dyn Dataset, made: &mut Made) {
        let dirt_stream = 0x50 + length(&sample.datasets()[..self.dataset]);
        let mut draw = Stream::new(sample.seed(), dirt_stream).at(self.rows.start);
        let mut planted = self.plan(sample, dataset, &mut draw).into_iter().peekable();
        for row in self.rows.clone() {
            dataset.write(row, &mut made.bytes, &mut made.facts);
            while let Some(slot) = planted.next_if(|slot| slot.after == row) {
                let earlier = draw.between(self.rows.start, row);
                slot.write(sample, dataset, earlier, &mut draw, made);
            }
        }
    }

    fn make_odd(&self, dataset: &dyn Dataset, made: &mut Made, change: impl Fn(&mut Record<'_>)) {
        for row in self.rows.clone() {
            let mut record = Record::new(dataset, row, &mut made.facts);
            change(&mut record);
            record.write(&mut made.bytes);
        }
    }

    /// Says which dirt comes after which row.
    fn plan(&self, sample: &Sample, dataset: &dyn Dataset, draw: &mut Draw) -> Vec<Slot> {
        let mut slots = Vec::new();
        let faults = dataset.faults();
        let every_class = length(faults) + 4;
        let mut next = self.dirt.start;
        let mut left = self.dirt.end - self.dirt.start;
        let mut put = |after: u64, what: What, lines: u64, left: &mut u64| {
            // Valid rows for dirt are numbered from the first that is not clean.
            let row = dataset.rows() + next;
            slots.push(Slot { after, row, what });
            next += lines;
            *left -= lines;
        };
        if self.dirt.start == 0 && left > 0 {
            put(self.anywhere(draw), What::Fault(faults[0]), 1, &mut left);
            if left > every_class {
                put(self.anywhere(draw), What::Overlong, 1, &mut left);
            }
        }
        if left > every_class && (!dataset.is_quoted() || self.is_last) {
            put(self.unclosed_after(dataset), What::Unclosed, 1, &mut left);
        }
        let first_turn = position((self.dirt.start + 1) % length(faults));
        for fault in faults.iter().cycle().skip(first_turn) {
            if left == 0 {
                break;
            }
            if fault.lines() <= left {
                let after = self.after(fault, dataset, draw);
                put(after, What::Fault(*fault), fault.lines(), &mut left);
            }
        }
        self.plan_cascades(sample, dataset, draw, &mut slots);
        // Nothing may stand behind a quote that the end of the file is to find open.
        slots.sort_by_key(|slot| (slot.after, matches!(slot.what, What::Unclosed)));
        slots
    }

    /// Lets a few rows refer to each dataset's first dirty row, whose key is readable.
    fn plan_cascades(
        &self,
        sample: &Sample,
        dataset: &dyn Dataset,
        draw: &mut Draw,
        slots: &mut Vec<Slot>,
    ) {
        if self.rows.start > 0 {
            return;
        }
        let dirty = dataset
            .references()
            .iter()
            .filter(|reference| sample.dirty_lines(sample.dataset(reference.1)) > 0)
            .flat_map(|reference| (0..CASCADES).map(move |_| *reference));
        for (number, (column, to)) in (FIRST_CASCADE..).zip(dirty) {
            slots.push(Slot {
                after: self.anywhere(draw),
                row: number,
                what: What::Cascade(column, to),
            });
        }
    }

    fn anywhere(&self, draw: &mut Draw) -> u64 {
        draw.between(self.rows.start, self.rows.end - 1)
    }

    /// Where no clean row holds quotes, dirt that does stands in the first eighth of its block: what is left of the block
    /// after [`Block::unclosed_after`] is more than a mebibyte without any.
    fn after(&self, fault: &Fault, dataset: &dyn Dataset, draw: &mut Draw) -> u64 {
        if fault.class == Class::TwoLines && !dataset.is_quoted() {
            let eighth = (self.rows.end - self.rows.start) / 8;
            draw.between(self.rows.start, self.rows.start + eighth)
        } else {
            self.anywhere(draw)
        }
    }

    fn unclosed_after(&self, dataset: &dyn Dataset) -> u64 {
        if dataset.is_quoted() {
            self.rows.end - 1
        } else {
            let quarter = (self.rows.end - self.rows.start).div_ceil(4);
            (self.rows.start + quarter).min(self.rows.end - 1)
        }
    }
}

/// Dirt at its place.
struct Slot {
    after: u64,
    row: u64,
    what: What,
}

enum What {
    Fault(Fault),
    Overlong,
    Unclosed,
    Cascade(&'static str, &'static str),
}

impl Slot {
    fn write(
        &self,
        sample: &Sample,
        dataset: &dyn Dataset,
        earlier: u64,
        draw: &mut Draw,
        made: &mut Made,
    ) {
        let mut record = Record::new(dataset, self.row, &mut Facts::default());
        let (class, lines) = match &self.what {
            What::Fault(fault) => {
                record.spoil(sample, fault.change, earlier, draw);
                (Some(fault.class), fault.lines())
            }
            What::Overlong => {
                record.lengthen();
                (Some(Class::OverlongRecord), 1)
            }
            What::Unclosed => {
                record.open_quote();
                (Some(Class::UnclosedQuote), 1)
            }
            What::Cascade(column, to) => {
                let to = sample.dataset(to);
                record.refer(column, to, to.rows());
                (None, 1)
            }
        };
        record.write(&mut made.bytes);
        made.account.lines += lines;
        match class {
            Some(class) => made
                .account
                .rejected
                .entry(class)
                .or_default()
                .add(Planted { rows: 1, lines }),
            None => made.account.cascaded_rows += 1,
        }
    }
}
