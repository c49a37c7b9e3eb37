//! What runs: an artifact's kernels over chunks of rows, the operators between them, sources and sinks.

pub mod arguments;
pub mod connector;
pub mod error;
pub mod executable;
pub mod ffi;
pub mod interrupt;
pub mod kernel;
pub mod load;
pub mod run;
pub mod summary;

mod build_rows;
mod column;
mod compact;
mod late;
mod limit;
mod live;
mod morsel;
mod operator;
mod out_of_memory;
mod params;
mod primitive;
mod progress;
mod refresh;
mod registers;
mod scheduler;
mod spill;
mod table;
mod task;
mod ticks;
mod watermark;

pub use error::{RowFailure, RunError};
#[cfg(feature = "measure")]
pub use operator::stream::measure as measure_streams;
pub use out_of_memory::SystemOrExit;
#[cfg(feature = "measure")]
pub use primitive::measure;
pub use run::{Connections, Job, RunOptions};
pub use summary::{LookupSummary, OperatorSummary, RunSummary};
