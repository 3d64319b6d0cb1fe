//! Samples whose generator is killed, stopped or races with another one: no run reads an incomplete sample.

use std::path::PathBuf;
use std::time::Duration;

use drivetrain_runner::error::{Error, ErrorKind};
use drivetrain_runner::generate::{DefectShare, GeneratedSample, SampleSettings, generate};
use drivetrain_runner::store::{Location, Store, sample_announcement_key};
use drivetrain_runner::watch::{Progress, StopSignal};

use crate::support::backends::Backend;
use crate::support::fault_injector::{Call, Fault};
use crate::support::faulty_store::Faulty;
use crate::support::process_output::{ProcessOutput, signal};
use crate::support::s3_gate::{S3Request, When};
use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;

/// Generates the sample of `generate --rentals 300 --seed 1`.
async fn generate_small(store: &Store) -> Result<GeneratedSample, Error> {
    let settings = SampleSettings::new(300, 1, DefectShare::ZERO).unwrap();
    generate(&settings, store, &Progress::default(), &StopSignal::never()).await
}

/// Generates a sample in a folder until the call that `ends` chooses, with which the generator is killed.
async fn killed_sample(mut ends: impl FnMut(&Call) -> bool + Send + 'static) -> Backend {
    let folder = Backend::folder();
    let crash = move |_, call: &Call| ends(call).then_some(Fault::CrashBefore);
    let mut faulty = Faulty::open(&folder, crash).await;
    tokio::select! {
        _ = generate_small(&faulty.store) => panic!("the generator was not killed"),
        _ = faulty.events.recv() => {}
    }
    folder
}

#[tokio::test]
async fn a_run_refuses_an_interrupted_sample_until_it_is_generated_again() {
    let mut completions = 0;
    let folder = killed_sample(move |call| {
        completions += usize::from(call.completes());
        completions == 3
    })
    .await;
    let raw = folder.store().await.list(&"raw".into()).await.unwrap();
    assert_eq!(raw.len(), 1 + 2, "the announcement and two files: {raw:?}");

    let (sandbox, data) = (Sandbox::new(), folder.location());
    let job = format!("rental_facts --input {data} --output lake");
    for verb in ["run", "plan"] {
        sandbox.run(&format!("{verb} {job}")).fails(
            75,
            &[
                "the raw data is incomplete",
                "raw/_generating.json",
                "run it again with the same arguments, or delete the folder `raw`",
            ],
        );
    }
    let again = format!("generate --rentals 300 --seed 1 --out {data}");
    sandbox.run(&again).succeeds().prints(&["written: 300"]);
    sandbox.run(&format!("run {job}")).succeeds();
}

#[tokio::test]
async fn an_announcement_beside_the_manifest_of_a_complete_sample_is_ignored() {
    let announcement = sample_announcement_key().to_string();
    let mut deletions = 0;
    let folder = killed_sample(move |call| {
        // A generator deletes the announcement of an interrupted one when it begins, and its own at the end.
        deletions += usize::from(call.deletes_below(&announcement));
        deletions == 2
    })
    .await;
    let store = folder.store().await;
    let left = store.look(&sample_announcement_key()).await.unwrap();
    assert!(left.is_some());
    let data = folder.location();
    let run = format!("run rental_facts --input {data} --output lake");
    Sandbox::new().run(&run).succeeds();
}

#[test]
fn a_generator_that_begins_while_a_run_lists_its_input_is_noticed() {
    let server = S3Server::start();
    let sandbox = Sandbox::with_variables(server.variables());
    sandbox.run("new job sales").succeeds();
    for (name, bytes) in sandbox.files("sales/sample") {
        let object = server.path(&format!("in/{name}"));
        std::fs::create_dir_all(object.parent().unwrap()).unwrap();
        std::fs::write(object, bytes).unwrap();
    }
    let listed = |request: &S3Request| request.lists() && request.key.contains("raw/orders");
    let held = server.gate.hold(When::After, 1, listed);
    let run = sandbox.start("run ./sales --input s3://bucket/in --output s3://bucket/out");
    held.reached();
    std::fs::write(server.path("in/raw/_generating.json"), "{}").unwrap();
    held.resume();
    ProcessOutput::wait_for(run).fails(75, &["the raw data is incomplete"]);
    assert!(!server.path("out/sales").exists());
}

#[tokio::test]
async fn without_a_lock_the_first_of_two_announcements_wins() {
    let memory = Backend::memory();
    let announcement = sample_announcement_key();
    let pause = {
        let announcement = announcement.to_string();
        move |_, call: &Call| call.puts(&announcement).then_some(Fault::Pause)
    };
    let mut faulty = Faulty::open(&memory, pause).await;
    // A folder that cannot be opened cannot be locked either.
    let folder = Location::Folder(PathBuf::from("/does/not/exist"));
    let store = Store::over(folder, faulty.store.objects());
    let other = async {
        faulty.events.recv().await.unwrap();
        let theirs = memory.store().await;
        theirs.put(&announcement, "theirs".into()).await.unwrap();
        faulty.injector.resume();
    };
    let (generated, ()) = tokio::join!(generate_small(&store), other);
    assert_eq!(generated.unwrap_err().kind(), ErrorKind::Conflict);
    let left = memory.store().await.read(&announcement).await.unwrap();
    assert_eq!(left.unwrap(), "theirs");
}

#[test]
fn ctrl_c_removes_what_a_generator_has_staged() {
    let sandbox = Sandbox::new();
    let child = sandbox.start("generate --rentals 100000000 --out data");
    while sandbox.files("data").is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&child, "INT");
    let ran = ProcessOutput::wait_for(child);
    ran.ends_with(143);
    assert_eq!(std::fs::read_dir(sandbox.path("data")).unwrap().count(), 0);
}
