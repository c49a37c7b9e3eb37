//! The example jobs; each folder is one, and `tests/` runs them all.
