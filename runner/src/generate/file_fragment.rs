//! Fragments of files: consecutive rows of a dataset with the defective rows between them. Each fragment can be
//! generated alone.

use std::ops::Range;

use crate::generate::dataset_generators::DatasetGenerators;
use crate::generate::datasets::DatasetGenerator;
use crate::generate::planted_defects::DefectPlan;
use crate::generate::row_editor::RowEditor;
use crate::generate::sample_manifest::{DatasetManifest, FileKind, RentalStatistics};
use crate::generate::values::{RandomStream, length, position};

/// The number of clean rows of a full fragment, which has about three megabytes. With fewer rows, the fragments would
/// cost more time to pass to the writer; with more rows, the fragments in flight would take more memory.
const FRAGMENT_ROWS: u64 = 1 << 15;

/// The most clean rows in a file that is not plain.
const UNUSUAL_FILE_ROWS: u64 = 1_000;

/// The name and the value of a column that no contract has.
const UNKNOWN_COLUMN: (&str, &[u8]) = ("remark", b"checked");

/// A fragment that is not generated yet: its dataset, its kind of file, and the ranges of its rows and defective lines.
#[derive(Clone, Debug)]
pub struct FileFragment {
    /// The index of the dataset in [`DatasetGenerators::datasets`].
    pub dataset: usize,
    /// The kind of file that the fragment belongs to.
    pub file: FileKind,
    /// The range of the fragment's clean rows, by their row numbers in the dataset.
    pub rows: Range<u64>,
    /// The range of the fragment's defective lines, which are numbered from 0 through the whole dataset.
    pub defects: Range<u64>,
    /// `true` if this is the last fragment of the dataset's plain files.
    pub is_last: bool,
}

/// The generated content of a fragment: its bytes, and counts of its rows.
#[derive(Debug, Default)]
pub struct FragmentContent {
    /// The text of the fragment's lines, without a header.
    pub bytes: Vec<u8>,
    /// Counts of rows and lines; the manifest's name and list of files stay empty.
    pub counts: DatasetManifest,
    /// Statistics of the clean rows.
    pub statistics: RentalStatistics,
}

impl FileFragment {
    /// Divides a dataset into fragments, in the order in which its files contain them.
    pub fn all_of(
        sample: &DatasetGenerators,
        dataset: usize,
    ) -> impl Iterator<Item = Self> + Send + use<> {
        let rows = sample.datasets()[dataset].rows();
        let defects = sample.defect_lines(sample.datasets()[dataset].as_ref());
        let has_defects = sample.has_defects();
        let unusual_rows = if has_defects {
            (rows / 20).min(UNUSUAL_FILE_ROWS)
        } else {
            0
        };
        let plain_rows = rows - 2 * unusual_rows;
        // Rounded up, so that the first fragment has defects if any fragment has.
        let defects_before = move |row: u64| {
            let lines = (u128::from(defects) * u128::from(row)).div_ceil(u128::from(plain_rows));
            u64::try_from(lines).expect("a part of the lines is no more than all of them")
        };
        let plain = (0..plain_rows.div_ceil(FRAGMENT_ROWS)).map(move |number| {
            let rows = number * FRAGMENT_ROWS..((number + 1) * FRAGMENT_ROWS).min(plain_rows);
            Self {
                dataset,
                file: FileKind::Plain,
                defects: defects_before(rows.start)..defects_before(rows.end),
                is_last: rows.end == plain_rows,
                rows,
            }
        });
        let second = plain_rows + unusual_rows;
        let unusual = [
            (FileKind::Reordered, plain_rows..second),
            (FileKind::UnknownColumn, second..rows),
            (FileKind::HeaderOnly, rows..rows),
            (FileKind::Empty, rows..rows),
        ];
        let unusual = unusual.into_iter().map(move |(file, rows)| Self {
            dataset,
            file,
            defects: 0..0,
            is_last: false,
            rows,
        });
        plain.chain(unusual.filter(move |_| has_defects))
    }

    /// Generates the lines of the fragment and counts them; the result depends only on the fragment and the settings.
    pub fn generate(&self, sample: &DatasetGenerators) -> FragmentContent {
        let dataset = self.dataset(sample);
        let rows = self.rows.end - self.rows.start;
        let mut content = FragmentContent::default();
        let typical_bytes = dataset.description().typical_row_bytes * rows;
        // Reserves a twentieth more than is typical, because growing would copy megabytes.
        content
            .bytes
            .reserve(position(typical_bytes + typical_bytes / 20));
        content.counts.accepted_rows = rows;
        content.counts.lines = rows;
        match self.file {
            FileKind::Plain => self.generate_plain(sample, dataset, &mut content),
            FileKind::Reordered => self.generate_edited(dataset, &mut content, |row| {
                row.reverse();
            }),
            FileKind::UnknownColumn => self.generate_edited(dataset, &mut content, |row| {
                row.insert_second(UNKNOWN_COLUMN.1);
            }),
            FileKind::HeaderOnly | FileKind::Empty => {}
        }
        content
    }

    /// Returns the header of a file that begins with this fragment.
    pub fn header(&self, sample: &DatasetGenerators) -> Vec<u8> {
        let mut columns = self.dataset(sample).description().columns.to_vec();
        match self.file {
            FileKind::Plain | FileKind::HeaderOnly => {}
            FileKind::Reordered => columns.reverse(),
            FileKind::UnknownColumn => columns.insert(1, UNKNOWN_COLUMN.0),
            FileKind::Empty => return Vec::new(),
        }
        (columns.join(",") + "\n").into_bytes()
    }

    /// Returns the generator of the fragment's dataset.
    fn dataset<'a>(&self, sample: &'a DatasetGenerators) -> &'a dyn DatasetGenerator {
        sample.datasets()[self.dataset].as_ref()
    }

    /// Appends the clean rows, each followed by the defective rows that are placed after it; no other fragment affects
    /// the bytes.
    fn generate_plain(
        &self,
        sample: &DatasetGenerators,
        dataset: &dyn DatasetGenerator,
        content: &mut FragmentContent,
    ) {
        let stream = 0x50 + length(&sample.datasets()[..self.dataset]);
        let mut rng = RandomStream::new(sample.seed(), stream).at(self.rows.start);
        let plan = DefectPlan {
            sample,
            dataset,
            rows: self.rows.clone(),
            lines: self.defects.clone(),
            is_last: self.is_last,
        };
        let mut planted = plan.place(&mut rng).into_iter().peekable();
        for row in self.rows.clone() {
            dataset.write(row, &mut content.bytes, &mut content.statistics);
            while let Some(defect) = planted.next_if(|defect| defect.after == row) {
                plan.write(&defect, &mut rng, &mut content.bytes, &mut content.counts);
            }
        }
    }

    /// Appends the clean rows of a file that is not plain, each changed by `edit`.
    fn generate_edited(
        &self,
        dataset: &dyn DatasetGenerator,
        content: &mut FragmentContent,
        edit: impl Fn(&mut RowEditor<'_>),
    ) {
        for number in self.rows.clone() {
            let mut row = RowEditor::new(dataset, number, &mut content.statistics);
            edit(&mut row);
            row.write(&mut content.bytes);
        }
    }
}
