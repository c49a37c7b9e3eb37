//! Windows of time: rows go into slices of their worker, which are put together and given when the watermark has passed.

mod again;
mod assign;
mod build;
mod closing;
mod counted;
mod kept;
mod keyed;
mod merged;
mod sessions;
mod side;
mod table;

pub(crate) use assign::Assign;
pub(crate) use build::WindowEnd;
pub(crate) use closing::{ClosingEnd, ClosingTable};
pub(crate) use kept::KeptEnd;
pub(crate) use keyed::KeyedWindows;
pub(crate) use table::{WindowSpec, WindowTable};
