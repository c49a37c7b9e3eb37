//! `regex!("…")`: regular expressions, with a few methods that have one meaning in all worlds.
//!
//! A pattern is what the crate `regex` takes: linear in the text, so no row can hang. Classes of scripts (`\p{Greek}`)
//! are left out; `\w \d \s \b`, `(?i)` and general categories (`\p{Lu}`) know all of Unicode.

use regex::{CaptureMatches, Captures, Match, Matches, Replacer, Split, SplitN};
use std::borrow::Cow;
use std::fmt;

/// A compiled regular expression.
#[derive(Clone, Debug)]
pub struct Regex(regex::Regex);

/// Why a pattern is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexError {
    /// What is wrong.
    pub message: String,
    /// Where in the pattern, in bytes: from, to.
    pub at: (usize, usize),
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RegexError {}

impl Regex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// If it is none, or takes more memory than a pattern may.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let whole = (0, pattern.len());
        match regex_syntax::Parser::new().parse(pattern) {
            Ok(_) => {}
            Err(regex_syntax::Error::Parse(error)) => {
                let span = error.span();
                let at = (span.start.offset, span.end.offset);
                return Err(RegexError { message: error.kind().to_string(), at });
            }
            Err(regex_syntax::Error::Translate(error)) => {
                let span = error.span();
                let at = (span.start.offset, span.end.offset);
                return Err(RegexError { message: error.kind().to_string(), at });
            }
            Err(error) => return Err(RegexError { message: error.to_string(), at: whole }),
        }
        let compiled = regex::Regex::new(pattern);
        compiled.map(Self).map_err(|error| {
            let too_big = matches!(error, regex::Error::CompiledTooBig(_));
            let message =
                if too_big { "the pattern takes more memory than a pattern may".to_owned() } else { error.to_string() };
            RegexError { message, at: whole }
        })
    }

    /// The pattern of `regex!`.
    ///
    /// # Panics
    /// If it is none: sabotc says so when the job is compiled.
    #[must_use]
    pub fn of_literal(pattern: &str) -> Self {
        Self::new(pattern).unwrap_or_else(|error| panic!("`{pattern}`: {error}"))
    }

    /// The pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// How many groups in parentheses it has.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.0.captures_len() - 1
    }

    /// Whether it matches somewhere in the text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// What it matches first.
    #[must_use]
    pub fn find<'t>(&self, text: &'t str) -> Option<Match<'t>> {
        self.0.find(text)
    }

    /// All that it matches, one behind the other.
    #[must_use]
    pub fn find_iter<'r, 't>(&'r self, text: &'t str) -> Matches<'r, 't> {
        self.0.find_iter(text)
    }

    /// What its groups match where it matches first.
    #[must_use]
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.0.captures(text)
    }

    /// What its groups match, for one match behind the other.
    #[must_use]
    pub fn captures_iter<'r, 't>(&'r self, text: &'t str) -> CaptureMatches<'r, 't> {
        self.0.captures_iter(text)
    }

    /// The parts of a text between the matches.
    #[must_use]
    pub fn split<'r, 't>(&'r self, text: &'t str) -> Split<'r, 't> {
        self.0.split(text)
    }

    /// So many parts of a text at most.
    #[must_use]
    pub fn splitn<'r, 't>(&'r self, text: &'t str, most: usize) -> SplitN<'r, 't> {
        self.0.splitn(text, most)
    }

    /// The names of its groups, from group 0 on.
    #[must_use]
    pub fn names(&self) -> Vec<Option<String>> {
        self.0.capture_names().map(|name| name.map(str::to_owned)).collect()
    }

    /// Where all groups stand, of every match (`all`) or the first: from and to, or twice the greatest number where a group matches nothing.
    #[must_use]
    pub fn places(&self, text: &str, all: bool) -> Vec<u64> {
        let mut places = Vec::new();
        for captures in self.0.captures_iter(text).take(if all { usize::MAX } else { 1 }) {
            for group in captures.iter() {
                let (from, to) = group.map_or((u64::MAX, u64::MAX), |group| (group.start() as u64, group.end() as u64));
                places.extend([from, to]);
            }
        }
        places
    }

    /// What a group in parentheses matches where the pattern matches first; group 0 is all of it.
    #[must_use]
    pub fn capture<'t>(&self, text: &'t str, group: usize) -> Option<&'t str> {
        self.0.captures(text)?.get(group).map(|found| found.as_str())
    }

    /// The text with something else for everything that it matches; `$1` and `${name}` are what a group has matched.
    #[must_use]
    pub fn replace_all<'t, R: Replacer>(&self, text: &'t str, with: R) -> Cow<'t, str> {
        self.0.replace_all(text, with)
    }

    /// The same for the first match alone.
    #[must_use]
    pub fn replace<'t, R: Replacer>(&self, text: &'t str, with: R) -> Cow<'t, str> {
        self.0.replace(text, with)
    }

    /// The same for so many matches; 0 means all.
    #[must_use]
    pub fn replacen<'t, R: Replacer>(&self, text: &'t str, most: usize, with: R) -> Cow<'t, str> {
        self.0.replacen(text, most, with)
    }

    /// How often it matches, one match behind the other.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        self.0.find_iter(text).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_captures_replaces_and_counts() {
        let pattern = Regex::of_literal(r"(?i)([a-z]+)=(\d+)");
        assert!(pattern.is_match("?A=1&b=22") && !pattern.is_match("a=b"));
        assert_eq!(pattern.find("?A=1&b=22").map(|found| found.as_str()), Some("A=1"));
        assert_eq!(pattern.places("?A=1&b=22", false), [1, 4, 1, 2, 3, 4]);
        assert_eq!(pattern.places("?A=1&b=22", true).len(), 12);
        assert!(pattern.places("?", true).is_empty());
        assert_eq!(Regex::of_literal("(a)|b").places("b", false), [0, 1, u64::MAX, u64::MAX]);
        assert_eq!(pattern.capture("?A=1&b=22", 2), Some("1"));
        assert_eq!(pattern.capture("?A=1&b=22", 3), None);
        assert_eq!(pattern.replace_all("?A=1&b=22", "$2:$1"), "?1:A&22:b");
        assert_eq!((pattern.count("?A=1&b=22"), pattern.groups()), (2, 2));
        assert!(Regex::of_literal(r"^\w+$").is_match("größe"));
        assert!(Regex::of_literal(r"^\p{Lu}").is_match("Äpfel"));
        assert_eq!(Regex::of_literal("").count("ab"), 3);
    }

    #[test]
    fn what_is_no_pattern_says_where() {
        let wrong = |pattern: &str| Regex::new(pattern).expect_err("no pattern");
        assert_eq!(wrong("a(b").at, (1, 2));
        assert_eq!(wrong("x[z-a]").at, (2, 5));
        assert_eq!(wrong(r"\p{Klingon}").at, (0, 11));
        assert!(wrong("(a{1000}){1000}").message.contains("memory"));
    }
}
