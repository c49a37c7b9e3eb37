//! `regex!("..")`: a regular expression, compiled once, with the methods that it has in a compiled job.

#[doc(hidden)]
pub use sabot_library::Regex;

/// A regular expression, compiled when it is first used.
///
/// In a job, sabotc compiles it with the job. It has `is_match`, `find`, `capture`, `count` and `replace_all`:
///
/// ```
/// use sabot::prelude::*;
///
/// let host = regex!(r"^https?://([^/:]+)").capture("https://example.com/a", 1);
/// assert_eq!(host, Some("example.com"));
/// ```
#[macro_export]
macro_rules! regex {
    ($pattern:literal) => {{
        static REGEX: ::std::sync::LazyLock<$crate::regex::Regex> =
            ::std::sync::LazyLock::new(|| $crate::regex::Regex::of_literal($pattern));
        &*REGEX
    }};
}
