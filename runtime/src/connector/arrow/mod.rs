//! Arrow IPC, file and stream.

mod check;
mod layout;
mod sink;
mod source;

pub(super) use layout::facts;
pub(super) use sink::ArrowSink;
pub(super) use source::{ArrowSource, StreamSource};
