//! Roots on a volume that is full, read-only, owned by another user or without hard links, or on two volumes. The tests
//! mount volumes, so they need root: `sudo -E cargo test --test it -- --ignored bad_volume`. `.ci/run services` runs
//! them if it is root.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::process_output::ProcessOutput;
use crate::support::sandbox::Sandbox;

/// A volume that is unmounted at the end of the test.
struct Volume(PathBuf);

impl Volume {
    #[track_caller]
    fn memory(at: &Path, options: &str) -> Self {
        Self::mount(
            at,
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]),
        )
    }

    #[track_caller]
    fn mount(at: &Path, command: &mut Command) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let done = command.arg(at).output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        Self(at.to_owned())
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        Command::new("umount").arg(&self.0).status().ok();
    }
}

/// A file that is attached as a block device.
struct Device(String);

impl Device {
    #[track_caller]
    fn of(image: &Path) -> Self {
        let found = Command::new("losetup")
            .args(["--find", "--show"])
            .arg(image)
            .output()
            .unwrap();
        assert!(
            found.status.success(),
            "{}",
            String::from_utf8_lossy(&found.stderr)
        );
        Self(String::from_utf8(found.stdout).unwrap().trim().to_owned())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        Command::new("losetup")
            .args(["--detach", &self.0])
            .status()
            .ok();
    }
}

fn sandbox(rentals: u64) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.json(&format!("generate --rentals {rentals} --seed 1 --out data"));
    sandbox
}

fn facts(sandbox: &Sandbox, flags: &str) -> ProcessOutput {
    sandbox.run(&format!("run rental_facts --input data {flags}"))
}

/// Asserts that there is no table and no record.
#[track_caller]
fn assert_nothing_published(sandbox: &Sandbox, lake: &str) {
    let files = sandbox.files(lake);
    let seen =
        |name: &&(String, Vec<u8>)| !name.0.starts_with("_drivetrain/") || name.0.contains("/log/");
    assert_eq!(files.iter().filter(seen).count(), 0);
}

#[test]
#[ignore = "mounts volumes, which needs root"]
fn a_disk_that_fills_while_parts_are_staged_publishes_nothing_and_is_left_clean() {
    let sandbox = sandbox(3_000);
    for options in ["size=300k", "size=1m", "size=10m,nr_inodes=60"] {
        let _small = Volume::memory(&sandbox.path("small"), options);
        let ran = facts(&sandbox, "--output small");
        ran.fails(
            1,
            &[
                "the disk that holds `",
                "/small` is full",
                "free space on that disk",
            ],
        );
        assert_nothing_published(&sandbox, "small");
        assert_eq!(
            sandbox
                .files("small/_drivetrain/rental_facts/staging")
                .len(),
            0
        );
    }
    // With enough space, the same command succeeds.
    let _roomy = Volume::memory(&sandbox.path("small"), "size=64m");
    facts(&sandbox, "--output small").succeeds();
}

#[test]
#[ignore = "mounts volumes, which needs root"]
fn a_disk_that_fills_while_rows_are_spilled_is_reported_with_the_setting_to_change() {
    let sandbox = sandbox(100_000);
    for size in ["256k", "4m", "16m"] {
        let _small = Volume::memory(&sandbox.path("small"), &format!("size={size}"));
        let ran = facts(
            &sandbox,
            "--output lake --memory-limit 64MiB --spill-dir small",
        );
        ran.fails(1, &["hint:", "--spill-dir", "--memory-limit"]);
        assert_eq!(
            sandbox.files("small").len(),
            0,
            "nothing is left in the spill directory"
        );
        assert_nothing_published(&sandbox, "lake");
    }
}

#[test]
#[ignore = "mounts volumes, which needs root"]
fn tables_on_another_volume_than_the_log_are_refused_at_the_start() {
    let sandbox = sandbox(300);
    let _other = Volume::memory(&sandbox.path("lake/_drivetrain"), "size=8m");
    let says = ["are on different volumes", "put both folders on one volume"];
    facts(&sandbox, "--output lake").fails(1, &says);
    assert_nothing_published(&sandbox, "lake");
    let _table = Volume::memory(&sandbox.path("lake2/rental_facts"), "size=8m");
    facts(&sandbox, "--output lake2").fails(1, &says);
    assert_nothing_published(&sandbox, "lake2");
}

#[test]
#[ignore = "mounts volumes, which needs root"]
fn an_output_that_may_not_be_written_is_refused_before_anything_is_read() {
    let sandbox = sandbox(300);
    let read_only = Volume::memory(&sandbox.path("lake"), "ro");
    let ran = facts(&sandbox, "--output lake");
    ran.fails(
        1,
        &[
            "no permission on `",
            "/lake`",
            "check the owner and the mode",
        ],
    );
    assert!(!ran.stderr.contains("read  "), "{}", ran.stderr);
    facts(&sandbox, "--output lake/below").fails(
        1,
        &[
            "cannot create `",
            "/lake/below`",
            "folder that this user may create and write to",
        ],
    );
    drop(read_only);

    // Root may write anywhere, so another user runs the binary.
    std::fs::create_dir_all(sandbox.path("theirs")).unwrap();
    let as_nobody = |flags: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command
            .arg(env!("CARGO_BIN_EXE_drivetrain"))
            .args(flags.split(' '));
        ProcessOutput::from(command.current_dir(sandbox.path("")).output().unwrap())
    };
    let open = |below: &str, mode: &str| {
        let status = Command::new("chmod")
            .args(["-R", mode])
            .arg(sandbox.path(below))
            .status();
        assert!(status.unwrap().success());
    };
    open("", "a+rX");
    let says = [
        "no permission on `",
        "/theirs`",
        "check the owner and the mode",
    ];
    as_nobody("run rental_facts --input data --output theirs").fails(1, &says);
    assert_nothing_published(&sandbox, "theirs");

    open("theirs", "a+rwX");
    open("data/raw/users/part-00000.csv", "000");
    let says = [
        "raw/users/part-00000.csv`: no permission on",
        "check the owner and the mode",
    ];
    as_nobody("run rental_facts --input data --output theirs").fails(1, &says);
    open("data/raw/users", "000");
    as_nobody("run rental_facts --input data --output theirs")
        .fails(1, &["raw/users`: no permission on", "hint:"]);
    assert_nothing_published(&sandbox, "theirs");
}

#[test]
#[ignore = "mounts volumes, which needs root, and exFAT in user space (the package `exfat-fuse`, and `exfatprogs`)"]
fn a_volume_without_hard_links_is_refused_before_anything_is_read() {
    let sandbox = sandbox(300);
    let image = sandbox.path("image");
    std::fs::File::create(&image)
        .unwrap()
        .set_len(64 << 20)
        .unwrap();
    let made = Command::new("mkfs.exfat").arg(&image).output().unwrap();
    assert!(made.status.success());
    let device = Device::of(&image);
    let _exfat = Volume::mount(
        &sandbox.path("lake"),
        Command::new("mount.exfat-fuse").arg(&device.0),
    );
    let ran = facts(&sandbox, "--output lake");
    ran.fails(
        1,
        &[
            "the volume of `",
            "/lake` does not support hard links",
            "ext4",
        ],
    );
    assert!(!ran.stderr.contains("read  "), "{}", ran.stderr);
    assert_nothing_published(&sandbox, "lake");
}
