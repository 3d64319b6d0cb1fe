//! Reads one Parquet object: columns are matched by name, and their types and values are checked against the contract.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit, TimestampNanosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::async_reader::{
    ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder,
};
use drivetrain_jobs::contract::{Column, Origin};
use futures::TryStreamExt;
use parquet::errors::ParquetError;

use crate::error::{Cause, Context};
use crate::source::block_collector::{BlockCollector, BlockNote};
use crate::source::bytes::encoding::show;
use crate::source::column_layout::{extra, missing_columns, path_value};
use crate::source::csv::block_decoder::repeat;
use crate::source::csv::record_grammar::Beyond;
use crate::source::decode_plan::DatasetPlan;
use crate::source::header_hint::Mismatch;
use crate::source::judge::{JudgedRows, Rejected, RowLocation};
use crate::source::keys::late_rejections::Reason;
use crate::source::parquet::range_reader::ParquetObject;
use crate::source::read_context::ReadContext;
use crate::source::row_faults::{RowFaults, rule};
use crate::source::source_file::SourceFile;
use crate::{Error, ErrorKind, Result};

/// The source of a contract's column in a Parquet object.
enum Source {
    /// A column of the object, by its position among the columns that are read.
    Column(usize),
    /// A value from the object's path, as an array of one row.
    Constant(ArrayRef),
}

/// Reads a whole Parquet object into a collector; the line of a row is its number, counted from 1.
///
/// # Errors
/// `QualityGate` if the object is not valid Parquet, or its columns differ from those of the contract; else those of
/// the store and of the collector.
pub(crate) async fn read_parquet(
    reading: &Arc<ReadContext>,
    collector: &Arc<BlockCollector>,
    file: &SourceFile,
) -> Result<()> {
    let (mut batches, sources) = open(reading, collector, file).await?;
    let sources = Arc::new(sources);
    let mut first_line = 1;
    let mut piece = 0;
    while let Some(batch) = next(&mut batches, file).await? {
        let (rank, line, rows) = (file.rank(piece), first_line, batch.num_rows() as u64);
        let (collector, name) = (Arc::clone(collector), Arc::clone(&file.name));
        let sources = Arc::clone(&sources);
        reading
            .on_thread(move || {
                let judged = judge(&collector, &name, &sources, &batch)?;
                collector.take(&name, rank, note(line), judged)
            })
            .await?;
        reading.progress.add_rows(rows);
        first_line += rows;
        piece += 1;
    }
    Ok(())
}

/// Moves rows that decoding accepted and that were rejected later from a Parquet object to the quarantine.
///
/// `ranks` lists the rows to reject per batch, in ascending order. The object is read again, because accepted rows keep
/// no location.
///
/// # Errors
/// Those of [`read_parquet`].
pub(crate) async fn revisit_parquet(
    reading: &Arc<ReadContext>,
    collector: &Arc<BlockCollector>,
    file: &SourceFile,
    ranks: Vec<(u64, BTreeMap<u32, Reason>)>,
) -> Result<()> {
    let (mut batches, sources) = open(reading, collector, file).await?;
    let mut ranks = ranks.into_iter().peekable();
    let mut piece = 0;
    while let Some(batch) = next(&mut batches, file).await? {
        let rank = file.rank(piece);
        piece += 1;
        let Some((_, rows)) = ranks.next_if(|(wanted, _)| *wanted == rank) else {
            continue;
        };
        let note = collector
            .state()
            .notes
            .remove(&rank)
            .expect("each batch that gave rows left a note");
        let columns = columns(&collector.judge.plan, &file.name, &sources, &batch)?;
        let mut skipped = note.rejected_records.iter().peekable();
        let mut accepted = 0;
        let mut rejected = Vec::new();
        for record in 0..batch.num_rows() {
            let ordinal = crate::source::csv::record_grammar::offset(record);
            if skipped.next_if_eq(&&ordinal).is_some() {
                continue;
            }
            if let Some(reason) = rows.get(&accepted) {
                let mut place = place(&collector.judge.plan, &columns, record);
                place.line += note.first_line;
                place.last_line += note.first_line;
                rejected.push(Rejected {
                    place,
                    fault: reason.fault(collector, record),
                });
            }
            accepted += 1;
        }
        collector.take_late(&file.name, rank, &rejected)?;
        collector
            .hold
            .drop_rows(rank, rows.keys().copied().collect());
    }
    Ok(())
}

/// The batches of an object, decoded as they are requested.
type Batches = ParquetRecordBatchStream<ParquetObject>;

/// Opens an object: reads the footer, and matches the object's columns with those of the contract.
async fn open(
    reading: &ReadContext,
    collector: &BlockCollector,
    file: &SourceFile,
) -> Result<(Batches, Vec<Source>)> {
    let plan = &collector.judge.plan;
    let reader = ParquetObject {
        store: Arc::clone(&file.store),
        meta: file.meta.clone(),
        progress: reading.progress.clone(),
    };
    let builder = ParquetRecordBatchStreamBuilder::new(reader)
        .await
        .map_err(|error| unreadable(error, file))?;
    let schema = Arc::clone(builder.schema());
    let names = schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect::<Vec<_>>();
    collector
        .state()
        .report
        .add_extra_columns(&extra(&plan.contract, &names));
    let (sources, roots) = match_columns(plan, file, &schema, &names)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let batches = builder
        .with_projection(mask)
        .with_batch_size(reading.batch_rows)
        .build()
        .map_err(|error| unreadable(error, file))?;
    Ok((batches, sources))
}

/// Returns the source of each contract column, and the indices of the object's columns that must be read. A position in
/// a source counts only the columns that are read.
///
/// # Errors
/// `QualityGate` if a column is missing or has the wrong type, or a path column has no valid value.
fn match_columns(
    plan: &DatasetPlan,
    file: &SourceFile,
    schema: &SchemaRef,
    names: &[String],
) -> Result<(Vec<Source>, Vec<usize>)> {
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    let mut found = Vec::new();
    for column in &plan.contract.columns {
        let Origin::Field(name) = &column.origin else {
            continue;
        };
        match names.iter().position(|candidate| candidate == name) {
            None => missing.push(name.as_str()),
            Some(root) => {
                let data_type = schema.field(root).data_type();
                if !fits(data_type, &column.kind.arrow()) {
                    wrong.push(format!(
                        "`{name}`: expected {}, got {data_type}",
                        column.kind
                    ));
                }
                found.push(root);
            }
        }
    }
    if !missing.is_empty() {
        let mismatch = Mismatch {
            missing: &missing,
            found: names,
            has_others: !found.is_empty(),
        };
        return Err(missing_columns(&file.name, &mismatch).hint(mismatch.hint_of_parquet()));
    }
    if !wrong.is_empty() {
        return Err(Error::new(
            ErrorKind::QualityGate,
            format!(
                "columns of `{}` have the wrong type: {}",
                file.name,
                wrong.join("; ")
            ),
        )
        .hint("write the file with the contract's types, or correct the types in the contract"));
    }
    let mut roots = found.clone();
    roots.sort_unstable();
    roots.dedup();
    let mut fields = found.into_iter();
    let sources = plan
        .contract
        .columns
        .iter()
        .zip(&plan.readers)
        .map(|(column, reader)| match &column.origin {
            Origin::Path(name) => {
                path_value(reader, &file.name, &file.folders(), name).map(Source::Constant)
            }
            Origin::Field(_) => {
                let root = fields.next().expect("each field was found");
                let position = roots.binary_search(&root);
                Ok(Source::Column(
                    position.expect("each found field is among the roots"),
                ))
            }
        })
        .collect::<Result<Vec<_>>>()?;
    Ok((sources, roots))
}

/// `true` if every value of the type `found` is also a value of the contract's type, so that the cast loses nothing.
///
/// Timestamps of any unit pass; [`find_faults`] rejects those that microseconds cannot represent.
fn fits(found: &DataType, wanted: &DataType) -> bool {
    use DataType as T;
    match (found, wanted) {
        (T::Dictionary(_, values), wanted) => fits(values, wanted),
        (T::Utf8 | T::LargeUtf8 | T::Utf8View, T::Utf8View)
        | (T::Int8 | T::Int16 | T::UInt8 | T::UInt16, T::Int32)
        | (T::Int8 | T::Int16 | T::Int32 | T::UInt8 | T::UInt16 | T::UInt32, T::Int64)
        | (T::Float16 | T::Float32, T::Float64) => true,
        // The largest value has 20 digits.
        (T::UInt64, T::Decimal128(wanted, 0)) => *wanted >= 20,
        (T::Decimal128(found, scale), T::Decimal128(wanted, wanted_scale)) => {
            scale == wanted_scale && found <= wanted
        }
        (T::Timestamp(_, found), T::Timestamp(_, wanted)) => found.is_some() == wanted.is_some(),
        (found, wanted) => found == wanted,
    }
}

/// Reads the next batch; `None` at the end of the object.
async fn next(batches: &mut Batches, file: &SourceFile) -> Result<Option<RecordBatch>> {
    batches
        .try_next()
        .await
        .map_err(|error| unreadable(error, file))
}

/// Decides which rows of a batch are accepted: finds faults in the values, then applies row rules and references.
fn judge(
    collector: &BlockCollector,
    file: &str,
    sources: &[Source],
    batch: &RecordBatch,
) -> Result<JudgedRows> {
    let plan = &collector.judge.plan;
    let rows = batch.num_rows();
    let columns = columns(plan, file, sources, batch)?;
    let mut faults = RowFaults::new(rows);
    for ((column, array), source) in plan.contract.columns.iter().zip(&columns).zip(sources) {
        find_faults(column, array, source, batch, &mut faults);
    }
    let mut judged = JudgedRows {
        lines: rows as u64,
        ..JudgedRows::default()
    };
    let place = |row: usize| place(plan, &columns, row);
    collector
        .judge
        .judge(&columns, rows, faults, place, &mut judged)?;
    Ok(judged)
}

/// Casts the columns of a batch to the contract's types, in contract order.
fn columns(
    plan: &DatasetPlan,
    file: &str,
    sources: &[Source],
    batch: &RecordBatch,
) -> Result<Vec<ArrayRef>> {
    plan.contract
        .columns
        .iter()
        .zip(sources)
        .map(|(column, source)| match source {
            Source::Constant(value) => repeat(value, batch.num_rows()),
            Source::Column(position) => cast(batch.column(*position), &column.kind.arrow())
                .context(
                    ErrorKind::QualityGate,
                    format!(
                        "column `{}` of `{file}` cannot be read as {}",
                        column.name, column.kind
                    ),
                ),
        })
        .collect()
}

/// Records a fault for each NULL in a column that must not be NULL, and for each timestamp that is not a whole
/// microsecond.
fn find_faults(
    column: &Column,
    array: &ArrayRef,
    source: &Source,
    batch: &RecordBatch,
    faults: &mut RowFaults,
) {
    let name = column.name.as_str().into();
    if !column.nullable && array.null_count() > 0 {
        for row in (0..array.len()).filter(|row| array.is_null(*row)) {
            faults.add(row, Some(&name), rule::NOT_NULL, || {
                format!("expected {}, got NULL", column.kind)
            });
        }
    }
    let Source::Column(position) = source else {
        return;
    };
    let original = batch.column(*position);
    if matches!(
        original.data_type(),
        DataType::Timestamp(TimeUnit::Nanosecond, _)
    ) {
        let values = original.as_primitive::<TimestampNanosecondType>();
        for row in 0..values.len() {
            if values.is_valid(row) && values.value(row) % 1000 != 0 {
                faults.add(row, Some(&name), rule::TYPE, || {
                    "expected a timestamp in whole microseconds, got one with nanoseconds"
                        .to_owned()
                });
            }
        }
    }
}

/// Returns the location of a row: its number in the batch, counted from 0, as the line, and its values as the raw text.
fn place(plan: &DatasetPlan, columns: &[ArrayRef], row: usize) -> RowLocation {
    let options = FormatOptions::default().with_null("NULL");
    let values = plan
        .contract
        .columns
        .iter()
        .zip(columns)
        .map(|(column, array)| {
            let value = ArrayFormatter::try_new(array.as_ref(), &options)
                .map_or_else(|_| "?".to_owned(), |values| values.value(row).to_string());
            format!("{}={value}", column.name)
        })
        .collect::<Vec<_>>();
    RowLocation {
        line: row as u64,
        last_line: row as u64,
        byte_offset: 0,
        raw_text: show(values.join(", ").as_bytes()),
    }
}

/// Returns the note of a batch. It has no range, because a batch is found again by its rank.
fn note(first_line: u64) -> BlockNote {
    BlockNote {
        start: 0,
        end: 0,
        beyond: Beyond::End,
        first_line,
        width: 0,
        rejected_records: Vec::new(),
    }
}

/// Converts an error of the Parquet reader: to the store's error if it wraps one, otherwise to an error about invalid
/// Parquet.
fn unreadable(error: ParquetError, file: &SourceFile) -> Error {
    // A store's error comes wrapped; any other error means that the bytes are invalid.
    let message = format!("`{}` cannot be read as Parquet", file.name);
    let hint = "write the file again: it is truncated, damaged, or not Parquet";
    match error {
        ParquetError::External(source) => match source.downcast::<object_store::Error>() {
            Ok(error) => crate::source::bytes::ranges::store_error(*error, &file.name),
            Err(source) => Error::new(ErrorKind::QualityGate, message)
                .caused_by(Cause::Parquet(ParquetError::External(source)))
                .hint(hint),
        },
        error => Error::new(ErrorKind::QualityGate, message)
            .caused_by(Cause::Parquet(error))
            .hint(hint),
    }
}
