//! The Amazon States Language: parse, validate, execute.

pub mod scope;
pub mod jsonpath;
pub mod intrinsics;
pub mod template;
pub mod jsonata;
mod definition;
mod error;
mod validate;

pub use definition::machine::StateSummary;
pub use definition::{Machine, MachineType, Place, QueryLanguage, Resource, ResourceKind};
pub use error::{Error, ErrorKind};
pub use validate::{Code, Diagnostic, Severity, validate};
