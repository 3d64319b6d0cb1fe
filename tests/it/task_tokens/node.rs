//! The node of a run: its shutdown, its loss as a spot instance, its lack of memory, and EMR.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use super::{HeldRun, Mode, TOKEN, assert_failure, sandbox};
use crate::support::metadata_service::MetadataService;
use crate::support::process_output::{ProcessOutput, child_of, in_shell, signal, signal_process};
use crate::support::s3_gate::{S3Request, When};
use crate::support::sandbox::Sandbox;
use crate::support::task_server::TaskServer;

fn a_shutdown_of_the_system_is_answered_as_a_lost_node(mode: Mode) {
    let server = TaskServer::start();
    let mut run = HeldRun::new(&server, mode, "");
    run.sandbox
        .write("bin/systemctl", "#!/bin/sh\necho stopping\nexit 1\n");
    let program = run.sandbox.path("bin/systemctl");
    std::fs::set_permissions(program, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        run.sandbox.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    run.sandbox.set("PATH", &path);
    let (_held, process) = run.start(When::Before, S3Request::sends_part);
    // A system that shuts down signals every process.
    if mode == Mode::Supervised {
        signal_process(child_of(process.id()), "TERM");
    }
    signal(&process, "TERM");
    ProcessOutput::wait_for(process).fails(75, &["the system shuts down", "another node"]);
    assert_failure(&server, "Drivetrain.NodeLost");
    assert!(!run.is_committed());
}

/// Makes the processes of a run ask this service.
fn ask(run: &mut HeldRun, service: &MetadataService) {
    run.sandbox
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service.endpoint);
    run.sandbox.set("AWS_EC2_METADATA_DISABLED", "false");
}

fn a_notice_does_not_stop_a_run_that_commits_soon(mode: Mode) {
    let server = TaskServer::start();
    let mut run = HeldRun::new(&server, mode, "");
    let service = MetadataService::with_notice();
    ask(&mut run, &service);
    let (held, process) = run.start(When::Before, S3Request::sends_part);
    let began = Instant::now();
    while !service
        .requested_paths()
        .iter()
        .any(|path| path.ends_with("/spot/instance-action"))
    {
        assert!(began.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(50));
    }
    held.resume();
    let ended = ProcessOutput::wait_for(process);
    ended
        .succeeds()
        .prints_to_stderr(&["EC2 will terminate this spot instance at 2099-12-01T08:22:00Z"]);
    assert!(run.is_committed());
}

#[test]
#[ignore = "waits for a minute: cargo test --test it -- --ignored after_a_notice"]
fn a_run_that_does_not_commit_within_a_minute_after_a_notice_stops() {
    let service = MetadataService::with_notice();
    let runs = [Mode::Supervised, Mode::InProcess].map(|mode| {
        let server = TaskServer::start();
        let mut run = HeldRun::new(&server, mode, "");
        ask(&mut run, &service);
        let (held, process) = run.start(When::Before, S3Request::sends_part);
        (server, run, held, process, Instant::now())
    });
    for (server, run, _held, process, began) in runs {
        ProcessOutput::wait_for(process)
            .fails(75, &["EC2 will terminate", "nothing was published"]);
        assert!(
            began.elapsed() > Duration::from_secs(55),
            "{:?}",
            began.elapsed()
        );
        assert_failure(&server, "Drivetrain.NodeLost");
        assert!(!run.is_committed());
        assert_eq!(run.s3.open_uploads(), Vec::<String>::new());
    }
}

/// A control group with a memory limit, which a test creates as root.
struct LimitedGroup(PathBuf);

impl LimitedGroup {
    fn with_bytes(bytes: u64) -> Self {
        let root = Path::new("/sys/fs/cgroup");
        let (folder, file) = if root.join("memory").is_dir() {
            (root.join("memory"), "memory.limit_in_bytes")
        } else {
            (root.to_owned(), "memory.max")
        };
        let folder = folder.join(format!("drivetrain-test-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(file), bytes.to_string()).unwrap();
        // Swap would only delay the end.
        let swap = folder.join("memory.swap.max");
        if swap.exists() {
            std::fs::write(swap, "0").unwrap();
        }
        Self(folder)
    }

    /// Returns the command in a shell that has joined the group.
    fn command(&self, command: &Command) -> Command {
        let join = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", self.0.display());
        in_shell(&join, command)
    }
}

impl Drop for LimitedGroup {
    fn drop(&mut self) {
        std::fs::remove_dir(&self.0).ok();
    }
}

#[test]
#[ignore = "makes a control group, which needs root: cargo test --test it -- --ignored lack_of_memory"]
fn a_child_that_the_system_kills_is_a_lack_of_memory() {
    let server = TaskServer::start();
    let sandbox = Sandbox::with_variables(server.variables());
    sandbox
        .run("generate --rentals 1000000 --out data")
        .succeeds();
    let group = LimitedGroup::with_bytes(160 << 20);
    let line = format!(
        "run rental_facts --input data --output out --memory-limit 8GiB --task-token {TOKEN}"
    );
    let words: Vec<&str> = line.split(' ').collect();
    let run = group.command(&sandbox.command(&words)).spawn().unwrap();
    ProcessOutput::wait_for(run).fails(1, &["for lack of memory", "`--memory-limit`"]);
    assert_failure(&server, "Drivetrain.OutOfMemory");
}

#[test]
#[ignore = "mounts folders, which needs root: cargo test --test it -- --ignored node_of_emr"]
fn a_run_on_a_node_of_emr_names_its_step_and_is_busy() {
    let server = TaskServer::start();
    let sandbox = sandbox(&server);
    let step = "mnt/var/lib/hadoop/steps/s-1TEST";
    sandbox.write(
        "mnt/var/lib/info/job-flow.json",
        "{\"jobFlowId\": \"j-1TEST\", \"instanceGroups\": []}",
    );
    sandbox.write(&format!("{step}/controller"), "");
    sandbox.write("emr/metricscollector/other", "");
    let root = sandbox.path("");
    let root = root.display();
    // `/emr` exists on no other machine.
    let script = format!(
        "mount --bind {root}/mnt /mnt && mkdir -p /emr && mount --bind {root}/emr /emr && cd /{step} && exec \"$@\""
    );
    let run = |flags: &str| {
        let job = sandbox.path("sales");
        let line = format!(
            "run {} --input {root}/sales/sample --output {root}/out --task-token {TOKEN} {flags}",
            job.display()
        );
        with_mounts(&sandbox, &script, &line)
    };
    let report = run("--output-format json").json(0);
    assert_eq!(
        report["emr"],
        serde_json::json!({"cluster_id": "j-1TEST", "step_id": "s-1TEST"})
    );
    let touched = sandbox
        .path("emr/metricscollector/isbusy")
        .metadata()
        .unwrap();
    let age = SystemTime::now().duration_since(touched.modified().unwrap());
    assert!(age.unwrap() < Duration::from_mins(1));
    run("--max-rejected 2").fails(2, &["--max-rejected"]);
    let last = server.calls().pop().unwrap();
    assert_eq!(last.body["error"], "Drivetrain.Usage");
    let cause = last.body["cause"].as_str().unwrap();
    assert!(
        cause.contains("steps/s-1TEST/stderr.gz") && cause.contains("j-1TEST"),
        "{cause}"
    );
    std::fs::remove_dir("/emr").ok();
}

#[test]
#[ignore = "mounts folders, which needs root: cargo test --test it -- --ignored node_of_emr"]
fn a_run_on_a_node_of_emr_spills_to_a_disk_for_data() {
    let sandbox = Sandbox::new();
    sandbox
        .run("generate --rentals 300000 --out data")
        .succeeds();
    let line = "run rental_facts --input data --output out --memory-limit 64MiB";
    // A disk that is too small shows that it is used.
    let script = "mount -t tmpfs -o size=256k tmpfs /mnt && mkdir -p /mnt/var/lib/info && \
         echo '{\"jobFlowId\": \"j-1TEST\"}' > /mnt/var/lib/info/job-flow.json && exec \"$@\"";
    with_mounts(&sandbox, script, line).fails(1, &["cannot be spilled to `/mnt`"]);
}

/// Runs the binary after a script has mounted folders, which only this process sees.
fn with_mounts(sandbox: &Sandbox, script: &str, line: &str) -> ProcessOutput {
    let words: Vec<&str> = line.split_whitespace().collect();
    let shell = in_shell(script, &sandbox.command(&words));
    let mut unshared = Command::new("unshare");
    unshared.args(["--mount", "--propagation", "private"]);
    unshared.arg(shell.get_program()).args(shell.get_args());
    unshared.current_dir(shell.get_current_dir().unwrap());
    unshared.envs(
        shell
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    unshared.output().unwrap().into()
}

in_both_modes! {
    a_shutdown_of_the_system_is_answered_as_a_lost_node,
    a_notice_does_not_stop_a_run_that_commits_soon,
}
