use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int64Array, RecordBatch, StringViewArray,
};
use arrow::compute::{cast, concat};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit,
    TimestampMicrosecondType,
};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Encoding, PageType, Type};
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use crate::sink::parquet::EncoderKind;
use crate::sink::parquet::column::ColumnEncoder;
use crate::sink::parquet::column::number::NumberKind;
use crate::sink::parquet::column::page::PAGE_ROWS;
use crate::sink::parquet::column::text::TextKind;
use crate::sink::parquet::file_settings::{Codec, FileSettings};
use crate::sink::parquet::file_writer::FileFormat;

type Texts = Vec<Option<String>>;

fn schema(data_type: &DataType, is_nullable: bool) -> SchemaRef {
    let field = Field::new("value", data_type.clone(), is_nullable);
    Arc::new(Schema::new(vec![field]))
}

/// Divides an array into batches of uneven sizes.
fn batches(schema: &SchemaRef, all: &ArrayRef) -> Vec<RecordBatch> {
    let mut sizes = [1, 700, 8_192, 3, 20_001].iter().cycle();
    let mut batches = Vec::new();
    let mut from = 0;
    while from < all.len() {
        let rows = (all.len() - from).min(*sizes.next().expect("they go round"));
        let columns = vec![all.slice(from, rows)];
        batches.push(RecordBatch::try_new(Arc::clone(schema), columns).unwrap());
        from += rows;
    }
    batches
}

/// Returns settings with small row groups, so that a column begins and ends often.
fn settings(compression: Codec) -> FileSettings {
    FileSettings {
        compression,
        row_group_rows: 50_000,
        ..FileSettings::default()
    }
}

fn written(array: &ArrayRef, is_nullable: bool, compression: Codec, encoder: EncoderKind) -> Bytes {
    let schema = schema(array.data_type(), is_nullable);
    let batches = batches(&schema, array);
    let format = FileFormat {
        schema,
        summed: Vec::new(),
        files: settings(compression),
        row_group_bytes: 64 << 20,
        encoder,
    };
    let mut file = format.begin(batches.last().unwrap()).unwrap();
    file.write(&batches, 1).unwrap();
    let ended = file.end().unwrap();
    assert_eq!(ended.rows, array.len() as u64);
    ended.bytes
}

fn read(file: &Bytes, data_type: &DataType) -> (ParquetMetaData, ArrayRef) {
    let options = ArrowReaderOptions::new()
        .with_skip_arrow_metadata(true)
        .with_encoding_stats_as_mask(false)
        .with_page_index_policy(PageIndexPolicy::Required);
    let reader =
        ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options).unwrap();
    let metadata = ParquetMetaData::clone(reader.metadata());
    let batches = reader.with_batch_size(1 << 16).build().unwrap();
    let arrays: Vec<ArrayRef> = batches
        .map(|batch| cast(batch.unwrap().column(0), data_type).unwrap())
        .collect();
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    (metadata, concat(&arrays).unwrap())
}

/// Checks each page's index entries (bounds, NULL count, bytes of text) against the rows that it holds.
fn check_pages(metadata: &ParquetMetaData, array: &ArrayRef) {
    let columns = metadata.column_index().unwrap();
    let offsets = metadata.offset_index().unwrap();
    let mut group_start = 0;
    for (group, (columns, offsets)) in columns.iter().zip(offsets).enumerate() {
        let rows = usize::try_from(metadata.row_group(group).num_rows()).unwrap();
        let locations = offsets[0].page_locations();
        for (page, location) in locations.iter().enumerate() {
            let first = usize::try_from(location.first_row_index).unwrap();
            let end = locations
                .get(page + 1)
                .map_or(rows, |next| usize::try_from(next.first_row_index).unwrap());
            assert!(first < end && end - first <= PAGE_ROWS);
            let rows = array.slice(group_start + first, end - first);
            let nulls = i64::try_from(rows.null_count()).unwrap();
            assert_eq!(columns[0].null_count(page), Some(nulls));
            assert_eq!(
                columns[0].is_null_page(page),
                rows.null_count() == rows.len()
            );
            if columns[0].is_null_page(page) {
                continue;
            }
            match &columns[0] {
                ColumnIndexMetaData::BYTE_ARRAY(index) => {
                    let texts = rows.as_string_view();
                    let sizes = offsets[0].unencoded_byte_array_data_bytes().unwrap();
                    let bytes: usize = texts.iter().flatten().map(str::len).sum();
                    assert_eq!(sizes[page], i64::try_from(bytes).unwrap());
                    let lower = index.min_value(page).unwrap();
                    let upper = index.max_value(page).unwrap();
                    let least = texts.iter().flatten().min().unwrap().as_bytes();
                    let greatest = texts.iter().flatten().max().unwrap().as_bytes();
                    assert!(lower <= least && greatest <= upper);
                    if least.len() <= 64 && greatest.len() <= 64 {
                        assert!(lower == least && upper == greatest);
                    }
                }
                ColumnIndexMetaData::INT32(index) => {
                    let (lower, upper) = (index.min_value(page), index.max_value(page));
                    let bounds = (lower.copied().map(i64::from), upper.copied().map(i64::from));
                    assert_eq!(bounds, least_and_greatest(&rows));
                }
                ColumnIndexMetaData::INT64(index) => {
                    let (lower, upper) = (index.min_value(page), index.max_value(page));
                    let bounds = (lower.copied(), upper.copied());
                    assert_eq!(bounds, least_and_greatest(&rows));
                }
                _ => panic!("the column has no index of its kind"),
            }
        }
        group_start += rows;
    }
}

fn least_and_greatest(array: &ArrayRef) -> (Option<i64>, Option<i64>) {
    let numbers: Vec<i64> = match array.data_type() {
        DataType::Decimal128(_, _) => {
            let decimals = array.as_primitive::<Decimal128Type>().iter().flatten();
            decimals
                .map(|decimal| i64::try_from(decimal).unwrap())
                .collect()
        }
        DataType::Int64 => array.as_primitive::<Int64Type>().iter().flatten().collect(),
        DataType::Timestamp(_, _) => {
            let times = array.as_primitive::<TimestampMicrosecondType>();
            times.iter().flatten().collect()
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().iter().flatten();
            days.map(i64::from).collect()
        }
        _ => {
            let numbers = array.as_primitive::<Int32Type>().iter().flatten();
            numbers.map(i64::from).collect()
        }
    };
    (numbers.iter().min().copied(), numbers.iter().max().copied())
}

/// Writes the rows with both encoders, and compares both files with each other and with the rows.
fn check(array: &ArrayRef, is_nullable: bool) -> ParquetMetaData {
    let codecs = [Codec::None, Codec::Snappy, Codec::Zstd, Codec::Gzip];
    let mut last = None;
    for codec in codecs {
        let [(ours, our_rows), (theirs, their_rows)] =
            [EncoderKind::Own, EncoderKind::ParquetCrate]
                .map(|encoder| written(array, is_nullable, codec, encoder))
                .map(|file| read(&file, array.data_type()));
        assert!(&our_rows == array && &their_rows == array);
        check_pages(&ours, array);
        assert_eq!(ours.num_row_groups(), theirs.num_row_groups());
        for (ours, theirs) in ours.row_groups().iter().zip(theirs.row_groups()) {
            let (ours, theirs) = (ours.column(0), theirs.column(0));
            assert_eq!(ours.statistics(), theirs.statistics());
            assert_eq!(ours.num_values(), theirs.num_values());
            assert_eq!(ours.compression(), theirs.compression());
            let sizes = [ours, theirs].map(ColumnChunkMetaData::unencoded_byte_array_data_bytes);
            assert_eq!(sizes[0], sizes[1]);
        }
        last = Some(ours);
    }
    last.unwrap()
}

fn check_texts(texts: &Texts, is_nullable: bool) -> ParquetMetaData {
    let array: ArrayRef = Arc::new(texts.iter().collect::<StringViewArray>());
    check(&array, is_nullable)
}

fn encodings(metadata: &ParquetMetaData) -> Vec<(PageType, Encoding)> {
    let counts = metadata.row_group(0).column(0).page_encoding_stats();
    let counts = counts.unwrap().iter();
    counts
        .map(|count| (count.page_type, count.encoding))
        .collect()
}

const DICTIONARY: (PageType, Encoding) = (PageType::DICTIONARY_PAGE, Encoding::PLAIN);
const NUMBERED: (PageType, Encoding) = (PageType::DATA_PAGE, Encoding::RLE_DICTIONARY);
const PLAIN: (PageType, Encoding) = (PageType::DATA_PAGE, Encoding::PLAIN);

/// Returns pseudorandom numbers, the same in every run.
fn random(count: usize) -> impl Iterator<Item = usize> {
    let mut state = 7_u64;
    (0..count).map(move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 40).unwrap()
    })
}

fn numbers(count: usize) -> impl Iterator<Item = i64> {
    random(count).map(|number| i64::try_from(number).unwrap())
}

#[test]
fn few_values_use_a_dictionary_even_with_nulls_and_long_runs() {
    let words = [
        "",
        "a",
        "Zürich",
        "twelve bytes",
        "thirteen bytes",
        "a",
        "far beyond what a view holds",
    ];
    let mixed: Texts = random(70_000)
        .map(|number| {
            let word = words.get(number % 8).copied();
            word.map(str::to_owned)
        })
        .collect();
    assert_eq!(
        encodings(&check_texts(&mixed, true)),
        [DICTIONARY, NUMBERED]
    );
    let runs: Texts = (0..130_000)
        .map(|row| Some(words[row / 9_999 % 7].to_owned()))
        .collect();
    assert_eq!(
        encodings(&check_texts(&runs, false)),
        [DICTIONARY, NUMBERED]
    );
    check_texts(&runs, true);
    let one = vec![Some("one".to_owned()); 30_000];
    check_texts(&one, false);
}

#[test]
fn columns_with_no_or_almost_no_values_are_read_back() {
    check_texts(&vec![None; 25_000], true);
    let mut texts: Texts = vec![None; 45_000];
    texts[44_999] = Some("last".to_owned());
    check_texts(&texts, true);
    check_texts(&vec![Some(String::new())], false);
}

#[test]
fn many_values_are_written_plain() {
    let texts: Texts = random(60_000)
        .map(|number| Some(format!("{number:010x}")))
        .collect();
    assert_eq!(encodings(&check_texts(&texts, false)), [PLAIN]);
    let long: Texts = random(3_000)
        .map(|number| (number % 5 > 0).then(|| format!("{}{number}", "€ 100 ".repeat(200))))
        .collect();
    assert_eq!(encodings(&check_texts(&long, true)), [PLAIN]);
}

#[test]
fn pages_after_a_full_dictionary_are_plain() {
    // The last batch, from which the estimate is drawn here, holds one value.
    let mut texts: Texts = random(37_000)
        .map(|number| {
            (number % 11 > 0).then(|| format!("a value of its own: {number}, {number:x}"))
        })
        .collect();
    texts.extend(vec![Some("the same".to_owned()); 11_192]);
    assert_eq!(
        encodings(&check_texts(&texts, true)),
        [DICTIONARY, NUMBERED, PLAIN]
    );
}

#[test]
fn numbers_of_all_types_are_written_as_the_format_defines() {
    let few = |nulls: bool| -> Int64Array {
        numbers(70_000)
            .map(|number| (!nulls || number % 7 > 0).then_some(number % 1_000 - 500))
            .collect()
    };
    let types = [
        DataType::Int32,
        DataType::Int64,
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Decimal128(9, 2),
        DataType::Decimal128(18, 4),
    ];
    for data_type in types {
        for nulls in [false, true] {
            let narrow = matches!(data_type, DataType::Date32);
            let from: ArrayRef = if narrow {
                cast(&few(nulls), &DataType::Int32).unwrap()
            } else {
                Arc::new(few(nulls))
            };
            let metadata = check(&cast(&from, &data_type).unwrap(), nulls);
            assert_eq!(encodings(&metadata), [DICTIONARY, NUMBERED], "{data_type}");
        }
    }
    let many: Int64Array = numbers(60_000)
        .map(|number| Some(number << 24 | number))
        .chain([Some(i64::MIN), Some(i64::MAX)])
        .collect();
    let many: ArrayRef = Arc::new(many);
    assert_eq!(encodings(&check(&many, false)), [PLAIN]);
    check(&(Arc::new(Int64Array::new_null(30_000)) as ArrayRef), true);
}

#[test]
fn a_decimal_with_too_many_digits_is_an_error() {
    let decimals = Decimal128Array::from(vec![1, 3_000_000_000])
        .with_precision_and_scale(9, 2)
        .unwrap();
    let number = NumberKind::of(Type::INT32, decimals.data_type()).unwrap();
    let error = number.read(&(Arc::new(decimals) as ArrayRef)).unwrap_err();
    assert!(error.to_string().contains("3000000000 has more digits"));
}

#[test]
fn null_in_a_column_without_nulls_is_an_error() {
    let column = Arc::new(parquet::schema::types::ColumnDescriptor::new(
        Arc::new(
            parquet::schema::types::Type::primitive_type_builder("text", Type::BYTE_ARRAY)
                .with_repetition(parquet::basic::Repetition::REQUIRED)
                .build()
                .unwrap(),
        ),
        0,
        0,
        parquet::schema::types::ColumnPath::from("text"),
    ));
    let mut column = ColumnEncoder::new(TextKind, column, Codec::Snappy, true).unwrap();
    let error = column
        .write(&StringViewArray::from(vec![Some("a"), None]))
        .unwrap_err();
    assert!(error.to_string().contains("NULL in `text`"));
}
