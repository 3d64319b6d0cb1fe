//! Objects that cannot be read: broken compression, archives, unsupported formats.

use crate::support::sample_jobs::{run_changed_sales, write_small_job};
use crate::support::sandbox::Sandbox;

#[test]
fn compressed_data_that_cannot_be_unpacked_fails_the_gate_with_the_files_name() {
    for (bytes, kind) in [
        (&b"\x1f\x8b\x08\x00 no more of it"[..], "gzip"),
        (b"\x28\xb5\x2f\xfd no more of it", "zstd"),
        (b"BZh91AY&SY no more of it", "bzip2"),
    ] {
        run_changed_sales(|sandbox| sandbox.write("sales/sample/raw/orders/more.csv.gz", bytes))
            .fails(
                4,
                &[
                    "raw/orders/more.csv.gz` cannot be decompressed as",
                    kind,
                    "truncated",
                ],
            );
    }
    let parquet = "[inputs.orders]\nformat = \"parquet\"";
    run_changed_sales(|sandbox| sandbox.replace("sales/job.toml", "[inputs.orders]", parquet))
        .fails(4, &["orders.csv` cannot be read as Parquet"]);
}

#[test]
fn unsupported_formats_are_named() {
    for (bytes, format) in [
        (
            &b"PK\x03\x04 orders.csv"[..],
            "is a zip archive, which is not supported",
        ),
        (
            b"\xfd7zXZ\0 orders.csv",
            "is an xz file, which is not supported",
        ),
    ] {
        run_changed_sales(|sandbox| sandbox.write("sales/sample/raw/orders/more.csv", bytes))
            .fails(
                4,
                &[
                    "raw/orders/more.csv` ",
                    format,
                    "compressed with gzip, zstd or bzip2",
                ],
            );
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bytes_after_gzip_and_double_compression_are_named() {
    let sandbox = Sandbox::new();
    write_small_job(&sandbox, "id", "int not null");
    let run = "run ./small --input data --output lake";
    let two_members = [gzip(b"id\n1\n"), gzip(b"2\n")].concat();
    let followed = |more: &[u8]| [two_members.as_slice(), more].concat();
    let says = [
        "c.gz",
        "bytes that are not gzip follow the last member",
        "hint: remove the bytes that follow the compressed data",
    ];
    for more in [b"x".as_slice(), b"id\n3\n", b"\x1fx", b"\x1fno gzip at all"] {
        sandbox.write("data/raw/c/c.gz", followed(more));
        if more == b"\x1fx" {
            // These two bytes may begin another gzip member.
            sandbox.run(run).fails(4, &["c.gz", "hint: "]);
        } else {
            sandbox.run(run).fails(4, &says);
        }
    }
    for (twice, called) in [
        (gzip(&two_members), "compressed twice: gzip within gzip"),
        (gzip(b"PK\x03\x04and more"), "a zip archive"),
        (gzip(b"PAR1and more"), "a Parquet file compressed with gzip"),
    ] {
        sandbox.write("data/raw/c/c.gz", twice);
        sandbox.run(run).fails(4, &["c.gz", called, "hint: "]);
    }
    sandbox.write("data/raw/c/c.gz", &two_members[..two_members.len() - 3]);
    sandbox
        .run(run)
        .fails(4, &["c.gz", "hint: write the object again"]);
    sandbox.write("data/raw/c/c.gz", &two_members);
    sandbox.run(run).succeeds();
    assert_eq!(
        sandbox.query("select id from o order by id", "lake"),
        ["1", "2"]
    );
}

#[test]
fn the_hint_of_an_error_precedes_the_location_of_the_rejected_rows() {
    let sandbox = Sandbox::new();
    write_small_job(&sandbox, "id", "int not null");
    sandbox.write("data/raw/c/1.csv", "id\n1\nno number\n");
    sandbox.write("data/raw/c/2.gz", &gzip(b"id\n2\n")[..12]);
    sandbox.run("run ./small --input data --output lake").fails(
        4,
        &[
            "2.gz",
            "hint: write the object again",
            "the rejected rows are in",
        ],
    );
}
