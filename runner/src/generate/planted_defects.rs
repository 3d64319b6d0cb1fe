//! Chooses the defective rows of a fragment and their positions between the clean rows.

use std::ops::Range;

use crate::generate::dataset_generators::DatasetGenerators;
use crate::generate::datasets::DatasetGenerator;
use crate::generate::defects::{Defect, DefectKind};
use crate::generate::row_editor::RowEditor;
use crate::generate::sample_manifest::{DatasetManifest, DefectCount, RentalStatistics};
use crate::generate::values::{Rng, length, position};

/// The number of rows that refer to a rejected row, for each column that refers to another dataset.
const CASCADED_ROWS: u64 = 3;

/// The number of the first row that refers to a rejected row; it is far above the numbers of all other rows.
const FIRST_CASCADED_ROW: u64 = 1 << 38;

/// The clean rows of a fragment, and the defective lines to place between them.
pub struct DefectPlan<'a> {
    /// The generators of all datasets, for references to their keys.
    pub sample: &'a DatasetGenerators,
    /// The generator of the fragment's dataset.
    pub dataset: &'a dyn DatasetGenerator,
    /// The range of the fragment's clean rows, by their row numbers in the dataset.
    pub rows: Range<u64>,
    /// The range of the fragment's defective lines, which are numbered from 0 through the whole dataset.
    pub lines: Range<u64>,
    /// `true` if this is the last fragment of the dataset's plain files.
    pub is_last: bool,
}

/// A defective row, and its position in the fragment.
pub struct PlantedDefect {
    /// The number of the clean row after which the defective row is written.
    pub after: u64,
    /// The number of the valid row to which the defect is applied; no clean row has this number.
    row: u64,
    /// The change that makes the valid row defective.
    content: DefectContent,
}

/// A change to a valid row that makes the contract reject it.
enum DefectContent {
    /// One of the defects that the dataset's description lists.
    Defect(Defect),
    /// A last field that alone is longer than a row may be.
    Overlong,
    /// A quote that the row opens and never closes.
    UnclosedQuote,
    /// A valid row in which a column (the first name) refers to a rejected row of another dataset (the second name).
    Cascaded(&'static str, &'static str),
}

impl DefectPlan<'_> {
    /// Chooses the defective rows and their positions, and returns them in the order in which they are written.
    pub fn place(&self, rng: &mut Rng) -> Vec<PlantedDefect> {
        let mut planted = Vec::new();
        let has_quotes = self.dataset.description().has_quotes;
        let defects = self.dataset.description().defects;
        let every_kind = length(defects) + 4;
        let mut next = self.lines.start;
        let mut left = self.lines.end - self.lines.start;
        let mut plant = |after: u64, content: DefectContent, lines: u64, left: &mut u64| {
            // Row numbers above those of the clean rows give valid rows that the sample does not contain.
            let row = self.dataset.rows() + next;
            planted.push(PlantedDefect {
                after,
                row,
                content,
            });
            next += lines;
            *left -= lines;
        };
        if self.lines.start == 0 && left > 0 {
            plant(
                self.anywhere(rng),
                DefectContent::Defect(defects[0]),
                1,
                &mut left,
            );
            if left > every_kind {
                plant(self.anywhere(rng), DefectContent::Overlong, 1, &mut left);
            }
        }
        if left > every_kind && (!has_quotes || self.is_last) {
            plant(
                self.before_quote(),
                DefectContent::UnclosedQuote,
                1,
                &mut left,
            );
        }
        let first = position((self.lines.start + 1) % length(defects));
        for defect in defects.iter().cycle().skip(first) {
            if left == 0 {
                break;
            }
            if defect.lines() <= left {
                let after = self.place_of(defect, rng);
                plant(
                    after,
                    DefectContent::Defect(*defect),
                    defect.lines(),
                    &mut left,
                );
            }
        }
        self.place_cascaded(rng, &mut planted);
        // After the same clean row, an unclosed quote comes last: in the next mebibyte, no other quote may close it.
        planted.sort_by_key(|defect| {
            let is_unclosed = matches!(defect.content, DefectContent::UnclosedQuote);
            (defect.after, is_unclosed)
        });
        planted
    }

    /// Adds a few rows that refer to the first defective row of another dataset, whose key is readable. Does nothing
    /// unless the fragment is the first one of its dataset.
    fn place_cascaded(&self, rng: &mut Rng, planted: &mut Vec<PlantedDefect>) {
        if self.rows.start > 0 {
            return;
        }
        let references = self.dataset.description().references.iter();
        let cascaded = references
            .filter(|reference| self.sample.defect_lines(self.sample.dataset(reference.1)) > 0)
            .flat_map(|reference| (0..CASCADED_ROWS).map(move |_| *reference));
        for (row, (column, dataset)) in (FIRST_CASCADED_ROW..).zip(cascaded) {
            planted.push(PlantedDefect {
                after: self.anywhere(rng),
                row,
                content: DefectContent::Cascaded(column, dataset),
            });
        }
    }

    /// Returns the number of a random clean row of the fragment.
    fn anywhere(&self, rng: &mut Rng) -> u64 {
        rng.between(self.rows.start, self.rows.end - 1)
    }

    /// Returns the number of the clean row after which a defect is placed.
    ///
    /// If clean rows have no quotes, defects with quotes are placed in the first eighth of the fragment, so that more
    /// than a mebibyte without quotes follows an unclosed quote.
    fn place_of(&self, defect: &Defect, rng: &mut Rng) -> u64 {
        if defect.kind == DefectKind::TwoLines && !self.dataset.description().has_quotes {
            let eighth = (self.rows.end - self.rows.start) / 8;
            rng.between(self.rows.start, self.rows.start + eighth)
        } else {
            self.anywhere(rng)
        }
    }

    /// Returns the number of the clean row after which an unclosed quote is placed.
    fn before_quote(&self) -> u64 {
        if self.dataset.description().has_quotes {
            self.rows.end - 1
        } else {
            let quarter = (self.rows.end - self.rows.start).div_ceil(4);
            (self.rows.start + quarter).min(self.rows.end - 1)
        }
    }

    /// Appends a defective row to `out`, and counts it.
    pub fn write(
        &self,
        planted: &PlantedDefect,
        rng: &mut Rng,
        out: &mut Vec<u8>,
        counts: &mut DatasetManifest,
    ) {
        let earlier = rng.between(self.rows.start, planted.after);
        let mut ignored = RentalStatistics::default();
        let mut row = RowEditor::new(self.dataset, planted.row, &mut ignored);
        let (kind, lines) = match &planted.content {
            DefectContent::Defect(defect) => {
                row.mutate(self.sample, defect.mutation, earlier, rng);
                (Some(defect.kind), defect.lines())
            }
            DefectContent::Overlong => {
                row.lengthen();
                (Some(DefectKind::OverlongRecord), 1)
            }
            DefectContent::UnclosedQuote => {
                row.open_quote();
                (Some(DefectKind::UnclosedQuote), 1)
            }
            DefectContent::Cascaded(column, dataset) => {
                let dataset = self.sample.dataset(dataset);
                row.refer(column, dataset, dataset.rows());
                (None, 1)
            }
        };
        row.write(out);
        counts.lines += lines;
        match kind {
            Some(kind) => {
                let count = counts.rejected.entry(kind).or_default();
                count.add(DefectCount { rows: 1, lines });
            }
            None => counts.cascaded_rows += 1,
        }
    }
}
