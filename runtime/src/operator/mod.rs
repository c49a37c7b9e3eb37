//! The operators between kernels: what waits for all rows, what looks rows up, where rows end.

pub(crate) mod accumulate;
pub(crate) mod aggregate;
pub(crate) mod batch;
pub(crate) mod collect;
pub(crate) mod contenders;
pub(crate) mod error_rows;
pub(crate) mod flat_map;
pub(crate) mod groups;
pub(crate) mod hash_join;
pub(crate) mod key;
pub(crate) mod rank;
pub(crate) mod rows;
pub(crate) mod runs;
pub(crate) mod sink;
pub(crate) mod stream;
pub(crate) mod top;
pub(crate) mod window;
