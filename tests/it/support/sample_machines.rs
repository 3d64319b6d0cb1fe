//! State machines that several tests run.

use super::sandbox::Sandbox;

/// A machine that never ends, unless its input has the field `x`.
pub const ENDLESS: &str = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Choice", "Choices":
    [{"Variable": "$.x", "IsPresent": true, "Next": "C"}], "Default": "A"}, "C": {"Type": "Succeed"}}}"#;

/// A machine with a Map whose task is retried, a Wait of an hour, and a Pass that fails unless the input has the field
/// `label`.
pub const ORDERS: &str = r#"{
  "StartAt": "Each",
  "States": {
    "Each": {
      "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 1, "ResultPath": "$.results",
      "ItemProcessor": {"StartAt": "Work", "States": {"Work": {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 60,
        "Retry": [{"ErrorEquals": ["Slow"], "MaxAttempts": 2}, {"ErrorEquals": ["States.ALL"]}], "End": true}}},
      "Next": "Rest"
    },
    "Rest": {"Type": "Wait", "Seconds": 3600, "Next": "Pick"},
    "Pick": {
      "Type": "Pass",
      "Parameters": {"label.$": "$.label"},
      "End": true
    }
  }
}"#;

/// Mocks of [`ORDERS`].
pub const MOCKS: &str = r#"{
  "StateMachines": {
    "orders": {"TestCases": {"SecondTry": {"Work": "SecondTry"}, "Nothing": {}}},
    "renamed": {"TestCases": {"Only": {"Work": "SecondTry"}}}
  },
  "MockedResponses": {
    "SecondTry": {"0": {"Throw": {"Error": "Slow", "Cause": "try again"}}, "1-2": {"Return": "done"}}
  }
}"#;

/// Returns a sandbox with [`ORDERS`], its mocks, and an input.
pub fn orders() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("orders.asl.json", ORDERS);
    sandbox.write("mocks.json", MOCKS);
    sandbox.write("input.json", r#"{"items": [1, 2], "label": "x"}"#);
    sandbox
}
