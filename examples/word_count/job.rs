//! How often each word stands in a text, and where it stands first.

use sabot::prelude::*;

#[sabot::record]
struct Line {
    number: i64,
    text: String,
}

#[sabot::record]
struct Word {
    word: String,
    line: i64,
}

#[sabot::record]
struct Count {
    word: String,
    times: i64,
    lines: i64,
    first_line: i64,
}

/// A word as it is counted: in lower case, without the signs around it; nothing where there are only signs.
#[sabot::udf]
fn counted(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    if word.is_empty() { None } else { Some(word.to_lowercase()) }
}

/// The words of a line.
#[sabot::udf]
fn words(line: &Line) -> Vec<Word> {
    line.text.split_whitespace().filter_map(|word| Some(Word { word: counted(word)?, line: line.number })).collect()
}

/// Words that stand at least so often, the most frequent first.
#[sabot::pipeline]
pub fn word_count(#[sabot(default = 2)] at_least: i64) {
    source::<Line>("lines", ndjson("input/lines.ndjson"))
        .flat_map(|l| words(&l))
        .key_by(|w| w.word.clone())
        .aggregate(|g| Count {
            word: g.key(),
            times: g.count(),
            lines: g.count_distinct(|w| w.line),
            first_line: g.min(|w| w.line),
        })
        .filter(|c| c.times >= at_least)
        .order_by(|c| (-c.times, c.word.clone()))
        .sink("counts", csv("counts.csv"));
}
