//! Snapshot files, the macro that finds them, and tests that span crates.
