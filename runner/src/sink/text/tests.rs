use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use super::*;
use crate::sink::file::Format;
use crate::sink::parquet::FileSettings;

type Texts = Vec<Option<String>>;

fn schema(is_nullable: bool) -> SchemaRef {
    let field = Field::new("text", DataType::Utf8View, is_nullable);
    Arc::new(Schema::new(vec![field]))
}

/// Batches of uneven sizes, some of them slices.
fn batches(schema: &SchemaRef, texts: &Texts) -> Vec<RecordBatch> {
    let all: ArrayRef = Arc::new(texts.iter().collect::<StringViewArray>());
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

fn written(texts: &Texts, is_nullable: bool, compression: Codec) -> Bytes {
    let schema = schema(is_nullable);
    let batches = batches(&schema, texts);
    let format = Format {
        schema,
        files: FileSettings {
            compression,
            row_group_rows: 50_000,
            ..FileSettings::default()
        },
        row_group_bytes: 64 << 20,
    };
    let mut file = format.begin(batches.last().unwrap()).unwrap();
    file.write(&batches, 1).unwrap();
    let (bytes, rows) = file.end().unwrap();
    assert_eq!(rows, texts.len() as u64);
    bytes
}

fn read(file: &Bytes) -> (ParquetMetaData, Texts) {
    let options = ArrowReaderOptions::new()
        .with_skip_arrow_metadata(true)
        .with_encoding_stats_as_mask(false)
        .with_page_index_policy(PageIndexPolicy::Required);
    let reader =
        ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options).unwrap();
    let metadata = ParquetMetaData::clone(reader.metadata());
    let batches = reader.with_batch_size(1 << 16).build().unwrap();
    let texts = batches.flat_map(|batch| {
        let column = Arc::clone(batch.unwrap().column(0));
        let texts = column.as_string::<i32>().iter();
        texts
            .map(|text| text.map(str::to_owned))
            .collect::<Vec<_>>()
    });
    let texts = texts.collect();
    (metadata, texts)
}

/// What every page says of itself is true of the rows that it holds.
fn check_pages(metadata: &ParquetMetaData, texts: &Texts) {
    let columns = metadata.column_index().unwrap();
    let offsets = metadata.offset_index().unwrap();
    let mut group_start = 0;
    for (group, (columns, offsets)) in columns.iter().zip(offsets).enumerate() {
        let rows = usize::try_from(metadata.row_group(group).num_rows()).unwrap();
        let ColumnIndexMetaData::BYTE_ARRAY(index) = &columns[0] else {
            panic!("the column has no index of its kind");
        };
        let locations = offsets[0].page_locations();
        let sizes = offsets[0].unencoded_byte_array_data_bytes().unwrap();
        assert_eq!(index.num_pages(), locations.len() as u64);
        for (page, location) in locations.iter().enumerate() {
            let first = usize::try_from(location.first_row_index).unwrap();
            let end = locations
                .get(page + 1)
                .map_or(rows, |next| usize::try_from(next.first_row_index).unwrap());
            assert!(first < end && end - first <= PAGE_ROWS);
            let rows = &texts[group_start + first..group_start + end];
            let values: Vec<&String> = rows.iter().flatten().collect();
            let nulls = rows.len() - values.len();
            assert_eq!(index.null_count(page), Some(i64::try_from(nulls).unwrap()));
            let bytes: usize = values.iter().map(|value| value.len()).sum();
            assert_eq!(sizes[page], i64::try_from(bytes).unwrap());
            let (Some(least), Some(greatest)) = (values.iter().min(), values.iter().max()) else {
                assert!(index.is_null_page(page));
                continue;
            };
            let (lower, upper) = (index.min_value(page), index.max_value(page));
            let (lower, upper) = (lower.unwrap(), upper.unwrap());
            assert!(lower <= least.as_bytes() && greatest.as_bytes() <= upper);
            if least.len() <= 64 && greatest.len() <= 64 {
                assert!(lower == least.as_bytes() && upper == greatest.as_bytes());
            }
        }
        group_start += rows;
    }
}

/// Compares with the parquet crate's own writer, and with the rows themselves.
fn check(texts: &Texts, is_nullable: bool) -> ParquetMetaData {
    let schema = schema(is_nullable);
    let properties = FileSettings {
        row_group_rows: 50_000,
        ..FileSettings::default()
    }
    .properties(std::iter::empty(), 64 << 20);
    let mut theirs =
        ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties)).unwrap();
    for batch in batches(&schema, texts) {
        theirs.write(&batch).unwrap();
    }
    let (theirs, _) = read(&theirs.into_inner().unwrap().into());
    let codecs = [Codec::None, Codec::Snappy, Codec::Zstd, Codec::Gzip];
    let mut files = codecs.map(|codec| read(&written(texts, is_nullable, codec)));
    for (ours, found) in &files {
        assert!(found == texts);
        check_pages(ours, texts);
        assert_eq!(ours.num_row_groups(), theirs.num_row_groups());
        for (ours, theirs) in ours.row_groups().iter().zip(theirs.row_groups()) {
            let (ours, theirs) = (ours.column(0), theirs.column(0));
            assert_eq!(ours.statistics(), theirs.statistics());
            assert_eq!(ours.num_values(), theirs.num_values());
            let sizes = [ours, theirs].map(ColumnChunkMetaData::unencoded_byte_array_data_bytes);
            assert_eq!(sizes[0], sizes[1]);
        }
    }
    std::mem::replace(&mut files[1].0, theirs)
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

/// Numbers that look random and are always the same.
fn random(count: usize) -> impl Iterator<Item = usize> {
    let mut state = 7_u64;
    (0..count).map(move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 40).unwrap()
    })
}

#[test]
fn few_values_are_numbered_also_with_nulls_and_long_runs() {
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
    assert_eq!(encodings(&check(&mixed, true)), [DICTIONARY, NUMBERED]);
    let runs: Texts = (0..130_000)
        .map(|row| Some(words[row / 9_999 % 7].to_owned()))
        .collect();
    assert_eq!(encodings(&check(&runs, false)), [DICTIONARY, NUMBERED]);
    check(&runs, true);
    let one = vec![Some("one".to_owned()); 30_000];
    check(&one, false);
}

#[test]
fn columns_without_values_and_nearly_without_are_read_back() {
    check(&vec![None; 25_000], true);
    let mut texts: Texts = vec![None; 45_000];
    texts[44_999] = Some("last".to_owned());
    check(&texts, true);
    check(&vec![Some(String::new())], false);
}

#[test]
fn many_values_are_written_out() {
    let texts: Texts = random(60_000)
        .map(|number| Some(format!("{number:010x}")))
        .collect();
    assert_eq!(encodings(&check(&texts, false)), [PLAIN]);
    let long: Texts = random(3_000)
        .map(|number| (number % 5 > 0).then(|| format!("{}{number}", "€ 100 ".repeat(200))))
        .collect();
    assert_eq!(encodings(&check(&long, true)), [PLAIN]);
}

#[test]
fn a_dictionary_that_grows_too_large_is_given_up_where_it_is_full() {
    // The last batch, from which the estimate is drawn here, holds one value.
    let mut texts: Texts = random(37_000)
        .map(|number| {
            (number % 11 > 0).then(|| format!("a value of its own: {number}, {number:x}"))
        })
        .collect();
    texts.extend(vec![Some("the same".to_owned()); 11_192]);
    assert_eq!(
        encodings(&check(&texts, true)),
        [DICTIONARY, NUMBERED, PLAIN]
    );
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
    let mut column = TextColumn::new(column, Codec::Snappy, true).unwrap();
    let error = column
        .write(&StringViewArray::from(vec![Some("a"), None]))
        .unwrap_err();
    assert!(error.to_string().contains("NULL in `text`"));
}
