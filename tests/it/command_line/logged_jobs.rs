//! `runs`, `repair` and `vacuum` find the job that a user means, among the jobs that have a log.

use crate::support::sample_jobs::published_sales;

const VERBS: [&str; 3] = ["runs", "repair", "vacuum"];

#[test]
fn a_job_is_found_by_its_name_or_by_its_folder() {
    let sandbox = published_sales();
    let url = format!("file://{}", sandbox.path("sales").display());
    for verb in VERBS {
        for job in ["sales", "./sales", "sales/", &url] {
            sandbox
                .run(&format!("{verb} {job} --output lake"))
                .succeeds();
        }
    }
    let by_name = sandbox.run("runs sales --output lake").stdout;
    assert_eq!(sandbox.run("runs ./sales --output lake").stdout, by_name);
}

#[test]
fn a_word_that_is_not_a_job_is_refused_with_a_hint() {
    let sandbox = published_sales();
    for verb in VERBS {
        for (job, says) in [
            ("", "`` is not a valid job name"),
            ("NOJOB!", "`NOJOB!` is not a valid job name"),
            ("a/b", "cannot read the job folder `a/b`"),
            (
                "sales/sample",
                "the job folder `sales/sample` does not exist or has no",
            ),
            ("sales/..", "the job folder has no `job.toml`"),
            ("/", "`/` is not a job folder"),
            ("gopher://x/y", "`gopher` is not a supported scheme"),
        ] {
            sandbox
                .run_words(&[verb, job, "--output", "lake"])
                .fails(2, &[says, "hint: "]);
        }
    }
}

#[test]
fn a_job_that_never_ran_is_reported_as_missing() {
    let sandbox = published_sales();
    for verb in VERBS {
        sandbox.run(&format!("{verb} sale --output lake")).fails(
            3,
            &[
                "the job `sale` has no runs in `",
                "did you mean `sales`? the jobs with runs in this location are `sales`",
            ],
        );
        sandbox
            .run(&format!("{verb} rental_facts --output lake"))
            .fails(
                3,
                &["hint: the jobs with runs in this location are `sales`"],
            );
        std::fs::create_dir_all(sandbox.path("empty")).unwrap();
        sandbox
            .run(&format!("{verb} sales --output empty"))
            .fails(3, &["this location has no runs of any job"]);
    }
}

#[test]
fn vacuum_reports_what_it_kept() {
    let sandbox = published_sales();
    let vacuum = "vacuum sales --output lake";
    assert!(!sandbox.run(vacuum).succeeds().stdout.contains("kept"));
    assert_eq!(sandbox.json(vacuum)["kept"], 0);
    let started = "lake/_drivetrain/sales/attempts/0123456789abcdef01234567/started.json";
    sandbox.write(started, "{\"run\": \"00\", \"aims_at\": 2}");
    let ran = sandbox.run(vacuum);
    let says = "kept 1 attempts that were active in the last 24 h or could not be removed";
    ran.succeeds().prints(&[says]);
    assert_eq!(sandbox.json(vacuum)["kept"], 1);
    assert!(sandbox.path(started).exists());
}
