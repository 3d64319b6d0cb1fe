//! `drivetrain new job`: creates a job folder.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use drivetrain_jobs::draft::{self, CsvSample};
use drivetrain_jobs::job::JobFile;
use drivetrain_jobs::name;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;
use simd_csv::ZeroCopyReaderBuilder;

use crate::cli::NewJobArgs;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::store::RAW;
use crate::terminal::printer::{Answer, ToText};
use crate::terminal::shell_word::shell_word;

/// The number of bytes at the beginning of a CSV file that a draft is based on: usually several thousand rows.
const SAMPLE_BYTES: u64 = 1 << 20;

/// Magic bytes at the beginning of a Parquet file.
const PARQUET_MAGIC: &[u8] = b"PAR1";

/// Delimiters that a drafted CSV file may have. If several give the header the same number of columns, the first in
/// this list is chosen.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Writes a job folder: a working example, or with `--from` a contract that is drafted from a file.
///
/// # Errors
/// `Usage` for an invalid name, or if the folder already exists; `InputMissing` if the file of `--from` does not exist;
/// `QualityGate` if that file's columns cannot be read.
pub fn new_job(args: &NewJobArgs) -> Result<Answer> {
    let folder = PathBuf::from(&args.name);
    let job = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if !name::is_legal(job) || job == RAW {
        return Err(Error::new(ErrorKind::Usage, format!("`{job}` is not a valid job name"))
            .hint("use lower-case letters, digits and underscores, with a letter first; `raw` is reserved"));
    }
    if folder.exists() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{}` already exists", folder.display()),
        )
        .hint("choose another name, or remove the folder"));
    }
    let files = match &args.from {
        None => draft::example(job),
        Some(file) => drafted(job, file)?,
    };
    write(&folder, &files)?;
    Ok(Answer::done(WrittenJob {
        folder: folder.display().to_string(),
        path: as_path(&folder),
        files: files.iter().map(|file| file.name.clone()).collect(),
        is_draft: args.from.is_some(),
    }))
}

/// Answer with the job folder that was written, and the next step.
#[derive(Serialize)]
struct WrittenJob {
    /// Path of the new folder, as the user gave it.
    folder: String,
    /// The same path as an argument of later commands, which would take a bare name for that of a bundled job.
    #[serde(skip)]
    path: String,
    /// Paths of the written files, relative to the folder.
    files: Vec<String>,
    /// `true` if the contract was drafted from a file.
    #[serde(skip)]
    is_draft: bool,
}

impl ToText for WrittenJob {
    fn text(&self) -> String {
        let folder = &self.folder;
        let path = &self.path;
        let next = if self.is_draft {
            format!(
                "correct the contract in {folder}/job.toml, then run: drivetrain check {}",
                shell_word(path)
            )
        } else {
            let sample = draft::SAMPLE_FOLDER;
            format!(
                "try it: drivetrain run {} --input {} --output {}",
                shell_word(path),
                shell_word(&format!("{path}/{sample}")),
                shell_word(&format!("{path}-output"))
            )
        };
        let files = self.files.join(", ");
        format!("created {folder} with {files}\n{next}\n")
    }
}

/// Returns the path of a folder as text that is not a bare name: relative paths begin with `./` or `../`.
fn as_path(folder: &Path) -> String {
    if folder.is_absolute() || folder.starts_with(".") || folder.starts_with("..") {
        folder.display().to_string()
    } else {
        format!("./{}", folder.display())
    }
}

/// Writes the files of a job folder, and creates their parent folders.
fn write(folder: &Path, files: &[JobFile]) -> Result<()> {
    for file in files {
        let path = folder.join(&file.name);
        let cannot = || format!("cannot write `{}`", path.display());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).context(ErrorKind::Failed, cannot())?;
        }
        fs::write(&path, &file.text).context(ErrorKind::Failed, cannot())?;
    }
    Ok(())
}

/// Drafts the files of a job folder from a Parquet or text file of a dataset.
fn drafted(job: &str, path: &Path) -> Result<Vec<JobFile>> {
    if let Some(url) = path.to_str().filter(|text| text.contains("://")) {
        let message = format!("`--from {url}` is not a local file");
        return Err(Error::new(ErrorKind::Usage, message)
            .hint("copy a file of the dataset to this machine, then pass the copy with `--from`"));
    }
    let missing = format!("cannot read `{}`", path.display());
    let file = fs::File::open(path).context(ErrorKind::InputMissing, &missing)?;
    let mut head = Vec::new();
    file.take(SAMPLE_BYTES)
        .read_to_end(&mut head)
        .context(ErrorKind::Failed, &missing)?;
    let dataset = name::legalize(
        path.file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or("data"),
    );
    if head.starts_with(PARQUET_MAGIC) {
        let file = fs::File::open(path).context(ErrorKind::InputMissing, &missing)?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).context(
            ErrorKind::QualityGate,
            format!("`{}` is not a readable Parquet file", path.display()),
        )?;
        return Ok(draft::from_parquet(job, &dataset, reader.schema()));
    }
    if head.is_empty() {
        let message = format!("`{}` is empty", path.display());
        return Err(Error::new(ErrorKind::QualityGate, message)
            .hint("pass another file of the dataset, with a header and rows"));
    }
    let sample = csv_sample(&head).ok_or_else(|| {
        Error::new(ErrorKind::QualityGate, format!("`{}` has no readable header", path.display()))
            .hint("`--from` takes a Parquet file, or UTF-8 text with a header and with LF or CRLF as line ends; decompress a compressed file first")
    })?;
    Ok(draft::from_csv(job, &dataset, &sample))
}

/// Splits the beginning of a file by the delimiter that gives the header the most columns. Returns `None` if the header
/// is not UTF-8, has control characters other than tabs, or names no column.
fn csv_sample(head: &[u8]) -> Option<CsvSample> {
    let whole_lines = match head.iter().rposition(|byte| *byte == b'\n') {
        Some(end) if head.len() as u64 == SAMPLE_BYTES => &head[..=end],
        _ => head,
    };
    // A run rejects single rows that are not UTF-8, but without a readable header no contract can be drafted.
    let end = whole_lines.iter().position(|byte| *byte == b'\n');
    let first = &whole_lines[..end.unwrap_or(whole_lines.len())];
    let header = std::str::from_utf8(first.strip_suffix(b"\r").unwrap_or(first)).ok()?;
    if header.contains(|character: char| character.is_control() && character != '\t') {
        return None;
    }
    DELIMITERS
        .iter()
        .filter_map(|delimiter| {
            let mut rows = records(whole_lines, *delimiter)?.into_iter();
            let header: Vec<String> = rows
                .next()?
                .into_iter()
                .map(Option::unwrap_or_default)
                .collect();
            Some(CsvSample {
                delimiter: *delimiter,
                header,
                rows: rows.collect(),
            })
        })
        .rev()
        .max_by_key(|sample| sample.header.len())
        .filter(|sample| sample.header.iter().any(|name| !name.is_empty()))
}

/// Parses a text as CSV and returns its rows with the header, but without rows that are not UTF-8; an empty field is
/// `None`.
///
/// Returns `None` if the text is not CSV.
fn records(text: &[u8], delimiter: u8) -> Option<Vec<Vec<Option<String>>>> {
    let mut reader = ZeroCopyReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text);
    let mut records = Vec::new();
    while let Some(record) = reader.read_byte_record().ok()? {
        let fields = (0..record.len()).map(|at| {
            let field = record.unescape(at).unwrap_or_default();
            let empty = record.get(at).is_none_or(<[u8]>::is_empty);
            let text = String::from_utf8(field.into_owned()).ok()?;
            Some((!empty).then_some(text))
        });
        records.extend(fields.collect::<Option<Vec<_>>>());
    }
    Some(records)
}
