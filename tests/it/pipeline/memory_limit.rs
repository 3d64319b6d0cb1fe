//! Runs with less memory than their rows need: they spill, or name the setting to raise, and leave nothing in the spill
//! folder.

use crate::support::sample_jobs::run_rental_facts;
use crate::support::sandbox::Sandbox;

#[test]
fn a_run_over_the_memory_limit_spills_and_gives_the_same_rows() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 200000 --seed 2 --out data");
    let small = sandbox.json(
        "run rental_facts --input data --output small --memory-limit 80MiB --spill-dir spill",
    );
    assert!(small["spilled_bytes"].as_u64().unwrap() > 0, "{small}");
    sandbox.json("run rental_facts --input data --output large --memory-limit 4GiB");
    let sums = "select count(*), sum(total_amount), sum(rental_hours), count(distinct rental_id) from rental_facts";
    assert_eq!(sandbox.query(sums, "small"), sandbox.query(sums, "large"));
    assert_eq!(
        sandbox.files("spill").len(),
        0,
        "nothing is left in the spill directory"
    );
}

#[test]
fn too_little_memory_is_reported_with_the_setting_to_change() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 60000 --seed 1 --out data");
    run_rental_facts(&sandbox, "--memory-limit 1KiB").fails(2, &["memory limit", "64 MiB"]);
    // With so little memory, rows and keys must spill, but the spill folder cannot exist.
    run_rental_facts(
        &sandbox,
        "--memory-limit 64MiB --spill-dir /dev/null/nowhere",
    )
    .fails(1, &["spill directory", "`--spill-dir`"]);
}

#[test]
fn a_query_that_fails_while_it_spills_leaves_nothing_in_the_spill_folder() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 300000 --seed 1 --out data");
    sandbox.write(
        "spills/job.toml",
        "name = \"spills\"\n\
         [inputs.rental_transactions.columns]\n\
         rental_id = \"string not null\"\n\
         user_id = \"string not null\"\n\
         vehicle_id = \"string not null\"\n\
         total_amount = \"decimal(12,2) not null\"\n\
         [outputs.o]\n\
         sql = \"select rental_id, user_id, sum(total_amount) as s, \
         sum(10 / (case when place > 290000 then 0 else 1 end)) as z from (select *, row_number() over \
         (order by user_id, rental_id) as place from rental_transactions) group by rental_id, user_id\"\n\
         [outputs.o.columns]\n\
         rental_id = \"string\"\n\
         user_id = \"string\"\n\
         s = \"decimal(38,2)\"\n\
         z = \"bigint\"\n",
    );
    // It depends on timing whether a sort runs out of memory while others spill, so this runs a few times.
    for _ in 0..4 {
        sandbox.write("spill/keep", "");
        sandbox
            .run("run ./spills --input data --output lake --memory-limit 64MiB --threads 2 --spill-dir spill")
            .fails(1, &["`--memory-limit`"]);
        let left = std::fs::read_dir(sandbox.path("spill")).unwrap().count();
        assert_eq!(left, 1);
    }
}
