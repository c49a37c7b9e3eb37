//! Expressions over two rows at once.
pub(crate) mod capability;
