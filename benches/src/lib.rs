//! Measurements; see RESULTS.md.
