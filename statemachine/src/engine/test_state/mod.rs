//! The test of one state, as AWS's TestState API runs it.

mod request;
mod rules;
mod run_test;

pub use request::{
    InspectionLevel, StateConfiguration, TestMock, TestStateRequest, TestStateResponse,
    TestStateStatus,
};
pub use run_test::test_state;
