//! Calls routed by their resource.

use drivetrain_statemachine::{Engine, Machine, TaskCall, TaskFailure, TaskRouter};
use serde_json::{Value, json};

use crate::support::corpus::in_virtual_time;

/// Returns a handler that answers every call with its name.
fn named(
    name: &'static str,
) -> impl Fn(TaskCall) -> std::future::Ready<Result<Value, TaskFailure>> {
    move |_| std::future::ready(Ok(json!(name)))
}

/// Runs a machine with one Task state per resource, and returns the names of the handlers that answered.
fn answered_by(router: TaskRouter, resources: &[&str]) -> Value {
    let branches: Vec<Value> = resources
        .iter()
        .map(|resource| {
            json!({"StartAt": resource, "States": {
                *resource: {"Type": "Task", "Resource": resource, "End": true}
            }})
        })
        .collect();
    let definition = json!({"StartAt": "All", "States": {
        "All": {"Type": "Parallel", "Branches": branches, "End": true}
    }});
    let machine = Machine::parse(&definition.to_string()).unwrap();
    let outcome = in_virtual_time(Engine::new(router).run(&machine, json!({})));
    outcome.unwrap().output.unwrap()
}

#[test]
fn the_first_route_that_takes_a_resource_answers_and_the_fallback_the_rest() {
    let router = TaskRouter::new(named("fallback"))
        .action("glue", "startJobRun", named("jobs"))
        .service("glue", named("glue"))
        .service("s3", named("objects"))
        .route(
            |resource| resource.arn().contains(":function:"),
            named("functions"),
        )
        .service("s3", named("never"));
    let resources = [
        "arn:aws:states:::glue:startJobRun",
        "arn:aws:states:::glue:startJobRun.sync",
        "arn:aws:states:::glue:getJob",
        "arn:aws:states:::s3:getObject",
        "arn:aws:states:::aws-sdk:s3:getObject",
        "arn:aws:lambda:us-east-1:111111111111:function:f",
        "arn:aws:states:::sns:publish",
    ];
    assert_eq!(
        answered_by(router, &resources),
        json!([
            "jobs",
            "jobs",
            "glue",
            "objects",
            "fallback",
            "functions",
            "fallback"
        ])
    );
}

#[test]
fn a_router_can_be_a_route_of_another() {
    let inner = TaskRouter::new(named("inner")).service("sqs", named("queue"));
    let outer = TaskRouter::new(named("outer")).route(
        |resource| matches!(resource.service(), Some("sqs" | "sns")),
        inner,
    );
    let resources = [
        "arn:aws:states:::sqs:sendMessage",
        "arn:aws:states:::sns:publish",
        "arn:aws:states:::lambda:invoke",
    ];
    assert_eq!(
        answered_by(outer, &resources),
        json!(["queue", "inner", "outer"])
    );
}
