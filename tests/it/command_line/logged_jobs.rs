//! How `runs`, `repair` and `vacuum` are told which job is meant.

use crate::support::harness::Place;

const VERBS: [&str; 3] = ["runs", "repair", "vacuum"];

#[test]
fn a_job_goes_by_its_name_or_by_the_folder_that_run_takes() {
    let place = Place::sold();
    let url = format!("file://{}", place.path("sales").display());
    for verb in VERBS {
        for job in ["sales", "./sales", "sales/", &url] {
            place.run(&format!("{verb} {job} --output lake")).succeeds();
        }
    }
    let by_name = place.run("runs sales --output lake").stdout;
    assert_eq!(place.run("runs ./sales --output lake").stdout, by_name);
}

#[test]
fn what_is_no_job_is_refused_with_the_way_out() {
    let place = Place::sold();
    for verb in VERBS {
        for (job, says) in [
            ("", "`` is no name of a job"),
            ("NOJOB!", "`NOJOB!` is no name of a job"),
            ("a/b", "cannot read the job folder `a/b`"),
            ("sales/sample", "the job folder `sales/sample` is empty"),
            ("sales/..", "the folder has no `job.toml`"),
            ("/", "`/` is no job folder"),
            ("gopher://x/y", "`gopher` is no scheme"),
        ] {
            place
                .run_words(&[verb, job, "--output", "lake"])
                .fails(2, &[says, "hint: "]);
        }
    }
}

#[test]
fn a_job_that_never_ran_is_no_job_that_needs_nothing() {
    let place = Place::sold();
    for verb in VERBS {
        place.run(&format!("{verb} sale --output lake")).fails(
            3,
            &[
                "no run of the job `sale` is known in `",
                "did you mean `sales`? the jobs with a log there are `sales`",
            ],
        );
        place
            .run(&format!("{verb} rental_facts --output lake"))
            .fails(3, &["hint: the jobs with a log there are `sales`"]);
        std::fs::create_dir_all(place.path("empty")).unwrap();
        place
            .run(&format!("{verb} sales --output empty"))
            .fails(3, &["no job ever ran there"]);
    }
}

#[test]
fn a_vacuum_says_what_it_kept() {
    let place = Place::sold();
    let vacuum = "vacuum sales --output lake";
    assert!(!place.run(vacuum).succeeds().stdout.contains("kept"));
    assert_eq!(place.json(vacuum)["kept"], 0);
    let started = "lake/_drivetrain/sales/attempts/0123456789abcdef01234567/started.json";
    place.write(started, "{\"run\": \"00\", \"aims_at\": 2}");
    let ran = place.run(vacuum);
    let says = "kept 1 attempts that showed a sign of life in the last 24 h";
    assert!(ran.succeeds().stdout.contains(says), "{}", ran.stdout);
    assert_eq!(place.json(vacuum)["kept"], 1);
    assert!(place.path(started).exists());
}
