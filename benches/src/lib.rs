//! Measurements; see RESULTS.md.
#![forbid(unsafe_code)]
