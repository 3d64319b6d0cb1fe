//! Places defective rows between the clean rows of a fragment.

use std::ops::Range;

use crate::generate::dataset_generators::DatasetGenerators;
use crate::generate::datasets::DatasetGenerator;
use crate::generate::defects::{Defect, DefectKind};
use crate::generate::row_editor::RowEditor;
use crate::generate::sample_manifest::{DatasetManifest, DefectCount, RentalStatistics};
use crate::generate::values::{Rng, length, position};

/// The number of rows that refer to a rejected row, per column that refers to another dataset.
const CASCADED_ROWS: u64 = 3;

/// The number of the first such row, far above those of all other rows.
const FIRST_CASCADED_ROW: u64 = 1 << 38;

/// The rows of a fragment, and the defective lines that go between them.
pub struct DefectPlan<'a> {
    /// All datasets, for references.
    pub sample: &'a DatasetGenerators,
    /// The dataset that gets the defects.
    pub dataset: &'a dyn DatasetGenerator,
    /// The clean rows.
    pub rows: Range<u64>,
    /// The defective lines, numbered through the dataset.
    pub lines: Range<u64>,
    /// `true` if no plain rows follow in the dataset.
    pub is_last: bool,
}

/// A defective row and its place.
pub struct PlantedDefect {
    /// The clean row that it follows.
    pub after: u64,
    /// The number of the valid row that the defect is applied to; no clean row has it.
    row: u64,
    /// The change to that row.
    content: Content,
}

/// A change to a valid row that makes the contract reject it.
enum Content {
    /// One of the dataset's own defects.
    Defect(Defect),
    /// A last field that is longer than a record may be.
    Overlong,
    /// A quote that the row opens and does not close.
    UnclosedQuote,
    /// A valid row whose column refers to the rejected row of a dataset.
    Cascaded(&'static str, &'static str),
}

impl DefectPlan<'_> {
    /// Chooses the defective rows and their places, in the order of the places.
    pub fn place(&self, rng: &mut Rng) -> Vec<PlantedDefect> {
        let mut planted = Vec::new();
        let has_quotes = self.dataset.description().has_quotes;
        let defects = self.dataset.description().defects;
        let every_kind = length(defects) + 4;
        let mut next = self.lines.start;
        let mut left = self.lines.end - self.lines.start;
        let mut plant = |after: u64, content: Content, lines: u64, left: &mut u64| {
            // Numbers above those of the clean rows give valid rows that are not in the sample yet.
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
                Content::Defect(defects[0]),
                1,
                &mut left,
            );
            if left > every_kind {
                plant(self.anywhere(rng), Content::Overlong, 1, &mut left);
            }
        }
        if left > every_kind && (!has_quotes || self.is_last) {
            plant(self.before_quote(), Content::UnclosedQuote, 1, &mut left);
        }
        let first = position((self.lines.start + 1) % length(defects));
        for defect in defects.iter().cycle().skip(first) {
            if left == 0 {
                break;
            }
            if defect.lines() <= left {
                let after = self.place_of(defect, rng);
                plant(after, Content::Defect(*defect), defect.lines(), &mut left);
            }
        }
        self.place_cascaded(rng, &mut planted);
        // An unclosed quote is last at its place: it must reach the end of the file or a mebibyte without quotes.
        planted.sort_by_key(|defect| {
            let is_unclosed = matches!(defect.content, Content::UnclosedQuote);
            (defect.after, is_unclosed)
        });
        planted
    }

    /// Lets a few rows of the first fragment refer to the first defective row of each dataset, whose key is readable.
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
                content: Content::Cascaded(column, dataset),
            });
        }
    }

    /// Draws a clean row of the fragment.
    fn anywhere(&self, rng: &mut Rng) -> u64 {
        rng.between(self.rows.start, self.rows.end - 1)
    }

    /// Returns the place of a defect.
    ///
    /// If clean rows have no quotes, defects with quotes are in the first eighth of the fragment, so that more than a mebibyte
    /// without quotes follows an unclosed one.
    fn place_of(&self, defect: &Defect, rng: &mut Rng) -> u64 {
        if defect.kind == DefectKind::TwoLines && !self.dataset.description().has_quotes {
            let eighth = (self.rows.end - self.rows.start) / 8;
            rng.between(self.rows.start, self.rows.start + eighth)
        } else {
            self.anywhere(rng)
        }
    }

    /// Returns the place of an unclosed quote.
    fn before_quote(&self) -> u64 {
        if self.dataset.description().has_quotes {
            self.rows.end - 1
        } else {
            let quarter = (self.rows.end - self.rows.start).div_ceil(4);
            (self.rows.start + quarter).min(self.rows.end - 1)
        }
    }

    /// Appends a defective row and counts it.
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
            Content::Defect(defect) => {
                row.mutate(self.sample, defect.mutation, earlier, rng);
                (Some(defect.kind), defect.lines())
            }
            Content::Overlong => {
                row.lengthen();
                (Some(DefectKind::OverlongRecord), 1)
            }
            Content::UnclosedQuote => {
                row.open_quote();
                (Some(DefectKind::UnclosedQuote), 1)
            }
            Content::Cascaded(column, dataset) => {
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
