//! The engine, which runs machines.
//!
//! From the bottom up, each line sees only the lines above it:
//!
//! ```text
//! failure, clock, stop_signal, state_data           values that all of the engine shares
//! port                                              task handlers and task tokens: all outside work
//! history                                           events, their recorder, and the sinks that keep them
//! inspection_data                                   the data that the test of a state shows, and its mocks
//! execution                                         what all states of one execution share, and its handle
//! attempt, retriers, output_checks, flow_thread     one attempt of one state
//! map                                               items, limits, batches and objects of Map states
//! states, state, run_flow, inner_flows, run_execution    the path of a state's input, from state to state
//! start_execution, test_state                       the entry points
//! ```
//!
//! # The one import cycle
//!
//! States contain flows of states, so the modules that run them import each other in a cycle of seven, the only one in
//! the crate. `run_flow` runs one state after the other, and `state` passes an input through each. From there
//! `states::parallel` and `states::map` start flows through `inner_flows`, which needs `run_flow`. `states::map_run`
//! starts child executions through `run_execution`, which needs `run_flow` too.

mod clock;
mod failure;
mod state_data;
mod stop_signal;

mod port;

mod history;

mod inspection_data;

mod execution;

mod attempt;
mod flow_thread;
mod output_checks;
mod retriers;

mod map;

mod inner_flows;
mod run_execution;
mod run_flow;
mod state;
mod states;

mod start_execution;
mod test_state;

pub use execution::execution_handle::{Events, Execution, ExecutionControl, Outcome, Status};
pub use history::event::{Details, Event, EventType};
pub use history::history_sink::{History, HistorySink};
pub use history::json_lines::JsonLines;
pub use port::task_handler::{TaskCall, TaskFailure, TaskHandler, TaskOutput};
pub use port::task_router::TaskRouter;
pub use port::task_tokens::Tokens;
pub use start_execution::Engine;
pub use test_state::{
    InspectionLevel, StateConfiguration, TestMock, TestStateRequest, TestStateResponse,
    TestStateStatus, test_state,
};

pub(crate) use failure::Failure;
