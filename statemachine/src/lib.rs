//! The Amazon States Language: parse, validate, execute.

mod bounds;
mod definition;
mod engine;
mod error;
pub mod intrinsics;
pub mod jsonata;
pub mod jsonpath;
pub mod mocks;
pub mod scope;
mod size;
pub mod template;
mod validate;

pub use definition::machine::StateSummary;
pub use definition::{Machine, MachineType, Place, QueryLanguage, Resource, ResourceKind};
pub use engine::{
    Details, Engine, Event, EventType, Events, Execution, ExecutionControl, History, HistorySink,
    InspectionLevel, MockError, Outcome, StateConfiguration, Status, TaskCall, TaskError,
    TaskHandler, TaskOutput, TestMock, TestStateRequest, TestStateResponse, TestStateStatus,
    TokenError, Tokens, test_state,
};
pub use error::{Error, ErrorKind};
pub use validate::{Code, Diagnostic, Severity, validate};
