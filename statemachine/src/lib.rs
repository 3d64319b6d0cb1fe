//! The Amazon States Language: parse, validate, execute.

pub mod scope;
pub mod jsonpath;
pub mod intrinsics;
pub mod template;
pub mod jsonata;
mod definition;
mod engine;
mod error;
mod size;
mod validate;

pub use definition::machine::StateSummary;
pub use definition::{Machine, MachineType, Place, QueryLanguage, Resource, ResourceKind};
pub use engine::{
    Details, Engine, Event, EventType, Events, Execution, ExecutionControl, History, HistorySink, Outcome, Status, TaskCall,
    TaskError, TaskHandler, TaskOutput, TokenError, Tokens,
};
pub use error::{Error, ErrorKind};
pub use validate::{Code, Diagnostic, Severity, validate};
