//! Runs machines.

mod execute;
mod execution;
mod failure;
mod flow;
mod frame;
mod history;
mod inner_flows;
mod inspection;
mod map;
mod output_checks;
mod port;
mod retry;
mod start;
mod state;
mod state_data;
mod states;
mod test_state;
mod thread;

pub(crate) use failure::Failure;

pub use execution::handle::{Events, Execution, ExecutionControl, Outcome, Status};
pub use history::event::{Details, Event, EventType, History, HistorySink};
pub use history::json_lines::JsonLines;
pub use port::task_handler::{TaskCall, TaskError, TaskHandler, TaskOutput};
pub use port::tokens::{TokenError, Tokens};
pub use start::Engine;
pub use test_state::{
    InspectionLevel, MockError, StateConfiguration, TestMock, TestStateRequest, TestStateResponse,
    TestStateStatus, test_state,
};
