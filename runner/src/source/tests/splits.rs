//! Random texts, cut at any place and read by several threads, compared with one thread that reads byte by byte.

use super::*;
use crate::source::csv::record_grammar::{
    Beyond, Broken, Dialect, Outcome, RECORD_LIMIT_BYTES, read_record,
};

/// Numbers that look random and are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

/// The line and the fields of each row as the grammar alone reads it; `None` in place of the fields of a rejected line.
type Expected = Vec<(i64, Option<Vec<String>>)>;

/// Reads by the grammar alone, from the first byte to the last.
fn by_grammar(text: &str) -> Expected {
    let dialect = Dialect {
        delimiter: b',',
        quote: Some(b'"'),
    };
    let (mut position, mut line, mut expected) = (0, 1, Vec::new());
    while position < text.len() {
        let rest = &text[position..];
        let blank = if rest.starts_with("\r\n") {
            2
        } else {
            usize::from(rest.starts_with('\n'))
        };
        let blank = if rest == "\r" { 1 } else { blank };
        if blank > 0 {
            position += blank;
            line += 1;
            continue;
        }
        let mut fields = Vec::new();
        let outcome = read_record(text.as_bytes(), position, dialect, Beyond::End, &mut fields);
        let end = match outcome {
            Outcome::Whole { end, .. } => {
                let values = fields.iter().map(|field| {
                    let value = &text[field.range()];
                    if field.is_quoted() {
                        value.replace("\"\"", "\"")
                    } else {
                        value.to_owned()
                    }
                });
                let values: Vec<_> = values.collect();
                expected.push((line, (values.len() == 3).then_some(values)));
                end
            }
            Outcome::Broken { end, .. } => {
                expected.push((line, None));
                end
            }
            Outcome::Open => unreachable!("the text ends the object"),
        };
        line += i64::try_from(text[position..end].matches('\n').count()).unwrap();
        position = end;
    }
    expected
}

async fn by_blocks(text: &str, threads: usize, block_bytes: usize, batch_rows: usize) -> Expected {
    let contract = with_csv(contract("a string, b string, c string"), |format| {
        format.header = false;
        format.nulls = vec!["\u{1}".to_owned()];
    });
    let settings = ReadSettings {
        threads,
        batch_rows,
        block_bytes: Some(block_bytes),
        ..settings()
    };
    let inputs = vec![input("t", contract, &[("a.csv", text.to_owned())]).await];
    let sources = read_with(inputs, &settings).await.unwrap();
    let mut bad = faults(&sources)
        .await
        .into_iter()
        .map(|(line, ..)| line)
        .peekable();
    let mut expected = Vec::new();
    for row in rows(&sources, "t").await {
        expected.push((0, Some(row)));
    }
    expected.extend(std::iter::from_fn(|| bad.next().map(|line| (line, None))));
    expected
}

/// Returns accepted rows in order, then the lines of rejected ones.
fn in_two(expected: Expected) -> Expected {
    let (sound, bad): (Vec<_>, Vec<_>) = expected.into_iter().partition(|(_, row)| row.is_some());
    sound
        .into_iter()
        .map(|(_, row)| (0, row))
        .chain(bad)
        .collect()
}

#[tokio::test]
async fn rows_do_not_depend_on_how_the_text_is_cut() {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let pieces = [
        "a", "bc", ",", ",", "\"", "\"\"", "\n", "\n", "\r\n", "\r", "é", "\",\"", "\"\n",
        "1,2,3\n",
    ];
    for round in 0..400 {
        let length = random.below(60);
        let text: String = (0..length).map(|_| random.pick(&pieces)).collect();
        if text.starts_with(['\r', '\n']) && text.trim_matches(['\r', '\n']).is_empty() {
            continue;
        }
        let expected = in_two(by_grammar(&text));
        for (threads, block_bytes) in [
            (1, 1 << 20),
            (2, 1),
            (3, 1 + usize::try_from(random.below(20)).unwrap()),
        ] {
            let rows = 1 + usize::try_from(random.below(4)).unwrap();
            let found = by_blocks(&text, threads, block_bytes, rows).await;
            assert_eq!(
                found, expected,
                "round {round}: {text:?} in blocks of {block_bytes}"
            );
        }
    }
}

#[tokio::test]
async fn valid_texts_are_read_as_the_csv_crate_reads_them() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let pieces = [
        "a",
        "bc",
        "1.5",
        ",",
        "\"",
        "\n",
        "\r\n",
        "é",
        " ",
        "long enough for no inline view",
    ];
    for _ in 0..40 {
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        let mut expected = Vec::new();
        for _ in 0..=random.below(400) {
            let quoted = random.below(10) == 0;
            let row: Vec<String> = (0..3)
                .map(|column| {
                    let pieces = if quoted { &pieces[..] } else { &pieces[..3] };
                    let count = random.below(4) + u64::from(column == 0);
                    (0..count).map(|_| random.pick(pieces)).collect()
                })
                .collect();
            writer.write_record(&row).unwrap();
            expected.push((0, Some(row)));
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.as_bytes());
        let read: Vec<Vec<String>> = reader.deserialize().map(Result::unwrap).collect();
        assert!(
            read.iter()
                .zip(&expected)
                .all(|(read, row)| Some(read) == row.1.as_ref())
        );
        for block_bytes in [7, 100, 5_000, 1 << 20] {
            assert_eq!(by_blocks(&text, 3, block_bytes, 64).await, expected);
        }
    }
}

#[test]
fn the_fast_reader_agrees_with_the_grammar_on_long_texts() {
    use crate::source::csv::record_splitter::{Filled, Records, Splitter};
    let mut random = Random(7);
    let dialect = Dialect {
        delimiter: b',',
        quote: Some(b'"'),
    };
    for quotes in [0, 2_000, 50] {
        let text: String = (0..20_000)
            .map(|row| {
                if quotes > 0 && random.below(quotes) == 0 {
                    random
                        .pick(&[
                            "\"a\nb\",\"\"\"\",c\n",
                            "x,\"open\n",
                            "p\"q,r\"s,t\r\n",
                            "\r1,2,3\n",
                            "\n",
                            "1,2\r\n",
                        ])
                        .to_owned()
                } else {
                    format!("{row},{},{}\n", random.below(1 << 40), random.below(100))
                }
            })
            .collect();
        let mut splitter = Splitter::new(text.as_bytes(), dialect, Beyond::End);
        let mut records = Records::new(3);
        let filled = splitter.fill(&mut records, usize::MAX);
        assert_eq!(filled, Filled::Done);
        let (mut position, mut index) = (0, 0);
        while position < text.len() {
            if text[position..].starts_with('\n') {
                position += 1;
                continue;
            }
            let mut fields = Vec::new();
            let outcome = read_record(text.as_bytes(), position, dialect, Beyond::End, &mut fields);
            let record = &records.list[index];
            let line = text[..position].matches('\n').count();
            assert_eq!(
                (record.start as usize, record.line as usize),
                (position, line)
            );
            match outcome {
                Outcome::Whole { content_end, end } => {
                    assert_eq!(record.end as usize, content_end);
                    if fields.len() == 3 {
                        assert_eq!(records.fields[index * 3..][..3], fields);
                    }
                    position = end;
                }
                Outcome::Broken { end, .. } => position = end,
                Outcome::Open => unreachable!("the text ends the object"),
            }
            index += 1;
        }
        assert_eq!(index, records.list.len());
    }
}

#[tokio::test]
async fn an_open_quote_is_given_up_after_a_mebibyte_in_blocks_of_any_size() {
    let filler = "1,2,3\n".repeat(RECORD_LIMIT_BYTES / 6 + 10);
    let text = format!("a,b,c\nx,\"open,z\n{filler}p,q,r\n");
    let expected = in_two(by_grammar(&text));
    for block_bytes in [70_000, 1 << 20, 8 << 20] {
        assert_eq!(by_blocks(&text, 2, block_bytes, 8192).await, expected);
    }
    let mut fields = Vec::new();
    let dialect = Dialect {
        delimiter: b',',
        quote: Some(b'"'),
    };
    assert!(matches!(
        read_record(text.as_bytes(), 6, dialect, Beyond::End, &mut fields),
        Outcome::Broken {
            why: Broken::TooLong,
            ..
        }
    ));
}
