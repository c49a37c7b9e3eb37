//! Snapshot files, the macro that finds them, and tests that span crates.
//!
//! Every `.snap` of the workspace lies in this package, in a folder for its area: `cargo insta review` only looks inside
//! packages, and a reader finds them in one place. Other crates reach it as a dev-dependency.
#![forbid(unsafe_code)]

pub mod programs;
pub mod rustc;

pub use insta;

use std::path::{Path, PathBuf};

/// The folder of an area, `diagnostics` or `jobs`.
#[must_use]
pub fn path(area: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(area)
}

/// Compares a text with `snapshots/<area>/<name>.snap`: `assert_stage!("diagnostics", "E0209_unknown_method", text)`.
#[macro_export]
macro_rules! assert_stage {
    ($area:expr, $name:expr, $text:expr) => {{
        let mut settings = $crate::insta::Settings::clone_current();
        settings.set_snapshot_path($crate::path($area));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| $crate::insta::assert_snapshot!($name, $text));
    }};
}
