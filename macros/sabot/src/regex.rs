//! `regex!("..")`: a regular expression, compiled once, with the methods that it has in a compiled job.

#[doc(hidden)]
pub use sabot_library::Regex;
pub use sabot_library::{Captures, Match};

/// A regular expression, compiled when it is first used.
///
/// In a job, sabotc compiles it with the job. It has the methods that the crate `regex` gives a pattern: `is_match`, `find`, `find_iter`,
/// `captures`, `captures_iter`, `split`, `splitn`, `replace`, `replacen`, `replace_all`; and two short ones, `capture` and `count`:
///
/// ```
/// use sabot::prelude::*;
///
/// let url = regex!(r"^https?://([^/:]+)(?::(?P<port>\d+))?");
/// let parts = url.captures("https://example.com:443/a").unwrap();
/// assert_eq!((&parts[1], parts.name("port").map(|port| port.as_str())), ("example.com", Some("443")));
/// assert_eq!(url.capture("https://example.com/a", 1), Some("example.com"));
/// ```
#[macro_export]
macro_rules! regex {
    ($pattern:literal) => {{
        static REGEX: ::std::sync::LazyLock<$crate::regex::Regex> =
            ::std::sync::LazyLock::new(|| $crate::regex::Regex::of_literal($pattern));
        &*REGEX
    }};
}
