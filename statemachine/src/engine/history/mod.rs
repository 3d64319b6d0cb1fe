//! The event history: events in AWS's shapes, the recorder that numbers them, and the sinks that keep them.

pub(crate) mod background_writer;
pub(crate) mod event;
pub(crate) mod event_json;
pub(crate) mod history_sink;
pub(crate) mod json_lines;
pub(crate) mod recorder;
