//! Steps that moto's Step Functions and EMR hand out, run as EMR would run them.

use std::path::Path;
use std::process::Command;

use crate::support::process_output::ProcessOutput;
use crate::support::sandbox::Sandbox;

#[test]
#[ignore = "needs moto: DRIVETRAIN_MOTO=\"$(.ci/moto)\" cargo test --test it -- --ignored moto"]
fn each_end_of_a_step_is_in_the_history_of_motos_execution() {
    let python =
        std::env::var("DRIVETRAIN_MOTO").expect("DRIVETRAIN_MOTO is set, as `.ci/moto` prints it");
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    sandbox.write(
        "bad/raw/orders/orders.csv",
        "order_id,shop_id,ordered_at,amount,paid\n1,10,soon,3.00,yes\n",
    );
    sandbox.write(
        "bad/raw/shops/shops.csv",
        sandbox.read("sales/sample/raw/shops/shops.csv"),
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/task_tokens/moto_steps.py");
    let steps = Command::new(python)
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_drivetrain"))
        .arg(sandbox.path(""))
        .output();
    let steps = ProcessOutput::from(steps.unwrap());
    println!("{}", steps.stdout);
    assert_eq!(steps.succeeds().stdout.lines().count(), 10);
}
