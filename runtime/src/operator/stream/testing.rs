//! Scripts for states, and random streams: rows as text.
//!
//! A line of a script is `> 0 a 3` (a row of input 0), `> watermark 10 12` (one per input; `end` is the last), `> flush`, and
//! `< a 3` for each row that is given, in order.

use super::{Output, StreamSpec, StreamState};
use crate::column::Column;
use crate::operator::collect::Rows;
use crate::primitive::memory::Str;
use sabot_abi::manifest::{BaseType, ColumnType};

/// A row, value by value.
pub(super) type Texts = Vec<String>;

pub(super) fn ty(base: BaseType) -> ColumnType {
    ColumnType { base, nullable: false }
}

pub(super) fn optional(base: BaseType) -> ColumnType {
    ColumnType { base, nullable: true }
}

fn push(column: &mut Column, text: &str, rows: &mut Rows) {
    let base = column.ty.base;
    if text == "None" {
        column.push_null();
    } else if base == BaseType::String {
        let text = text.trim_matches('"');
        column.push_str(rows.strings.copy(Str::new(text.as_bytes())));
    } else if base == BaseType::Float64 {
        column.push_word(text.parse::<f64>().expect("a float").to_bits());
    } else if base == BaseType::Bool {
        column.push_word(u64::from(text == "true"));
    } else {
        column.push_word(text.parse::<i64>().expect("a number") as u64);
    }
}

/// Rows of these types.
pub(super) fn rows_of(types: &[ColumnType], texts: &[Texts]) -> Rows {
    let mut rows = Rows::new(types.iter().copied());
    let mut columns = std::mem::take(&mut rows.columns);
    for text in texts {
        assert_eq!(text.len(), types.len(), "a value for every column: {text:?}");
        for (column, text) in columns.iter_mut().zip(text) {
            push(column, text, &mut rows);
        }
    }
    rows.columns = columns;
    rows.rows = texts.len();
    rows
}

/// What has been given, row by row.
pub(super) fn shown(out: &mut Output) -> Vec<String> {
    let rows = out.take();
    (0..rows.rows).map(|row| rows.columns.iter().map(|column| column.show(row)).collect::<Vec<_>>().join(" ")).collect()
}

/// A state and what it gives.
pub(super) struct Driver {
    spec: StreamSpec,
    pub(super) state: Box<dyn StreamState>,
    pub(super) out: Output,
}

impl Driver {
    pub(super) fn new(spec: &StreamSpec) -> Self {
        // The home of keys without parts.
        let partition = super::key_group::partition_of(super::key_group::kg(&[0; 8]));
        Self { spec: spec.clone(), state: spec.state(partition), out: Output::new(&spec.columns()) }
    }

    pub(super) fn rows(&mut self, input: usize, texts: &[Texts]) -> Vec<String> {
        let rows = rows_of(&self.spec.fed(input), texts);
        self.state.rows(input, &rows, &mut self.out).expect("rows are taken");
        drop(rows);
        shown(&mut self.out)
    }

    pub(super) fn watermark(&mut self, watermarks: &[i64]) -> (Vec<String>, i64) {
        let given = self.state.watermark(watermarks, &mut self.out).expect("a watermark is taken");
        (shown(&mut self.out), given)
    }

    pub(super) fn flush(&mut self) -> Vec<String> {
        self.state.flush(&mut self.out).expect("changes can be given");
        shown(&mut self.out)
    }

    /// The end of all inputs.
    pub(super) fn end(&mut self) -> Vec<String> {
        let inputs = self.spec.inputs.len();
        let (mut given, watermark) = self.watermark(&vec![i64::MAX; inputs]);
        given.extend(self.flush());
        assert_eq!(watermark, i64::MAX, "nothing comes after the end");
        assert!(self.state.is_empty(), "nothing is left");
        given
    }
}

/// Runs a script, and compares what is given.
pub(super) fn check(spec: &StreamSpec, script: &str) {
    let mut driver = Driver::new(spec);
    let mut happened = Vec::new();
    let lines: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for line in lines.iter().filter(|line| line.starts_with('>')) {
        happened.push((*line).to_owned());
        let words: Vec<&str> = line[1..].split_whitespace().collect();
        let given = match words[0] {
            "watermark" => {
                let of = |word: &&str| if *word == "end" { i64::MAX } else { word.parse().expect("a watermark") };
                driver.watermark(&words[1..].iter().map(of).collect::<Vec<_>>()).0
            }
            "flush" => driver.flush(),
            input => {
                let row = words[1..].iter().map(|word| (*word).to_owned()).collect();
                driver.rows(input.parse().expect("the number of an input"), &[row])
            }
        };
        happened.extend(given.into_iter().map(|row| format!("< {row}")));
    }
    assert_eq!(happened.join("\n"), lines.join("\n"));
    driver.end();
}

/// Numbers that look random.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        crate::primitive::hash::hash_word(self.0) % limit
    }
}

/// A row of one of two inputs.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) input: usize,
    pub(super) key: Option<u64>,
    pub(super) time: i64,
    /// Its place among all.
    pub(super) number: usize,
}

/// A random stream: rows of several inputs that come out of order, but not by more than the lateness.
pub(super) struct Stream {
    pub(super) events: Vec<Event>,
    pub(super) lateness: i64,
    random: Random,
}

/// What is done with a state.
pub(super) enum Action {
    /// These rows, all of one input, come.
    Rows(Vec<Event>),
    /// The watermarks are these.
    Watermark(Vec<i64>),
}

impl Stream {
    /// `keys`: how many different ones; with 1 all rows have one key. One row in ten has none if `nulls`.
    pub(super) fn new(seed: u64, inputs: usize, rows: usize, keys: u64, lateness: i64, nulls: bool) -> Self {
        let mut random = Random::new(seed);
        let mut now = 0;
        let events = (0..rows)
            .map(|number| {
                // Ties, and now and then a gap.
                let steps = if random.below(20) == 0 { 6 } else { 5 };
                now += [0, 1, 1, 2, 3, 40][random.below(steps) as usize];
                let late = random.below(lateness as u64 + 1) as i64;
                Event {
                    input: random.below(inputs as u64) as usize,
                    // Half of all rows have one key.
                    key: (!nulls || random.below(10) > 0).then(|| random.below(2) * random.below(keys)),
                    time: now - late,
                    number,
                }
            })
            .collect();
        Self { events, lateness, random }
    }

    /// The stream cut into calls, with watermarks now and then, as late as they like.
    pub(super) fn actions(&mut self, inputs: usize) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut greatest = vec![i64::MIN; inputs];
        let mut call: Vec<Event> = Vec::new();
        let most = self.random.below(40) + 1;
        let pauses = self.random.below(30) + 2;
        for event in &self.events {
            let is_full = call.len() as u64 >= most || call.last().is_some_and(|last| last.input != event.input);
            if is_full && !call.is_empty() {
                actions.push(Action::Rows(std::mem::take(&mut call)));
                if self.random.below(pauses) == 0 {
                    let watermarks = greatest.iter().map(|time| time.saturating_sub(self.lateness)).collect();
                    actions.push(Action::Watermark(watermarks));
                }
            }
            greatest[event.input] = greatest[event.input].max(event.time);
            call.push(event.clone());
        }
        if !call.is_empty() {
            actions.push(Action::Rows(call));
        }
        actions
    }
}

/// Sorted: what is compared where the order does not matter.
pub(super) fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}
