//! Random jobs over two sources that go on: rows as they are, aggregates, first rows; joined in any way; then filtered, mapped,
//! aggregated once more.

use sabot_reference::{Inputs, Row, Value};
use std::fmt::Write as _;

/// A job and what it reads.
pub(crate) struct Job {
    pub(crate) text: String,
    pub(crate) inputs: Inputs,
}

/// Numbers that look random.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

const RECORDS: &str = "use sabot::prelude::*;

#[sabot::record]
struct Fact {
    key: i64,
    group: Option<i64>,
    amount: i64,
    name: String,
}

#[sabot::record]
struct Total {
    key: i64,
    group: Option<i64>,
    amount: i64,
    name: String,
    rows: i64,
}

#[sabot::record]
struct Pair {
    left: i64,
    right: i64,
    name: String,
    other: Option<String>,
}

#[sabot::record]
struct Summary {
    key: i64,
    rows: i64,
    sum: i64,
    least: i64,
    greatest: i64,
    names: i64,
    mean: f64,
}

#[sabot::record]
struct Statistics {
    rows: i64,
    some: i64,
    sum: i64,
    most: Option<String>,
    at_most: Option<i64>,
    at_least: Option<i64>,
    variance: f64,
    stddev: f64,
    median: f64,
    high: f64,
    names: i64,
    mean: f64,
    quarters: f64,
}
";

/// What a side of the join is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    /// They end.
    End,
    /// They go on, and are never taken back.
    Come,
    /// They come and go.
    Change,
}

/// A side of the join, as text.
fn side(random: &mut Random, source: &str, rows: Rows) -> String {
    let place = if rows == Rows::End { format!("arrow(\"{source}.arrow\")") } else { format!("kafka(\"{source}\")") };
    let read = format!("source::<Fact>(\"{source}\", {place})");
    if rows != Rows::Change {
        let filter = random.pick(&["", "\n        .filter(|r| r.amount > 2)"]);
        return format!("{read}{filter}");
    }
    match random.below(4) {
        0 => format!(
            "{read}\n        .key_by(|r| r.key)\n        .top_n({}, |r| (r.amount, r.name.clone()))",
            1 + random.below(2)
        ),
        kind => {
            let key = ["r.key", "r.amount"][usize::from(kind == 3)];
            let filter = random.pick(&["", "\n        .filter(|t| t.amount != 4)", "\n        .filter(|t| t.key > 1)"]);
            format!(
                "{read}
        .key_by(|r| {key})
        .aggregate(|g| Total {{
            key: g.key(),
            group: g.max(|r| r.group),
            amount: g.sum(|r| r.amount % 4),
            name: g.min(|r| r.name.clone()),
            rows: g.count(),
        }}){filter}"
            )
        }
    }
}

/// A job of this seed.
pub(crate) fn random_job(seed: u64) -> Job {
    let mut random = Random::new(seed);
    let (left, right) = match random.below(6) {
        0 => (Rows::Change, Rows::Come),
        1 => (Rows::Come, Rows::Change),
        2 => (Rows::Change, Rows::End),
        3 => (Rows::End, Rows::Change),
        _ => (Rows::Change, Rows::Change),
    };
    let (left, right) = (side(&mut random, "a", left), side(&mut random, "b", right));
    let kind = random.pick(&["", "left", "right", "full", "semi", "anti"]);
    let on =
        random.pick(&["|l| l.key, |r| r.key", "|l| l.amount, |r| r.key", "|l| (l.key, l.group), |r| (r.key, r.group)"]);
    let mut text = format!("{RECORDS}\n#[sabot::pipeline]\nfn job() {{\n    let right = {right};\n    {left}\n");
    let method = if kind.is_empty() { String::new() } else { format!(".{kind}()") };
    writeln!(text, "        .hash_join(right).on({on}){method}").expect("a String takes any text");
    let map = match kind {
        "" => "|l, r| Pair { left: l.amount, right: r.amount, name: l.name.clone(), other: Some(r.name.clone()) }",
        "left" => {
            "|l, r| Pair { left: l.amount, right: r.clone().map(|r| r.amount).unwrap_or(-1), name: l.name.clone(), other: r.map(|r| r.name) }"
        }
        "right" => {
            "|l, r| Pair { left: l.clone().map(|l| l.amount).unwrap_or(-1), right: r.amount, name: r.name.clone(), other: l.map(|l| l.name) }"
        }
        "full" => {
            "|l, r| Pair { left: l.clone().map(|l| l.amount).unwrap_or(-1), right: r.clone().map(|r| r.amount).unwrap_or(-1), name: l.map(|l| l.name).unwrap_or(\"none\".to_string()), other: r.map(|r| r.name) }"
        }
        _ => "|l| Pair { left: l.amount, right: l.key, name: l.name.clone(), other: None }",
    };
    writeln!(text, "        .map({map})").expect("a String takes any text");
    match random.below(6) {
        0 => text += "        .filter(|p| p.left != p.right)\n",
        3 => {
            text += "        .aggregate(|g| Statistics {
            rows: g.count(),
            some: g.count_if(|p| p.other.is_some()),
            sum: g.sum_if(|p| p.right, |p| p.left > 2),
            most: g.max(|p| p.other),
            at_most: g.arg_max(|p| Some(p.left * 100 + p.right), |p| p.right),
            at_least: g.arg_min(|p| Some(p.left * 100 + p.right), |p| p.left),
            variance: g.variance(|p| p.right),
            stddev: g.stddev(|p| p.left),
            median: g.median(|p| p.right),
            high: g.percentile(0.9, |p| p.left),
            names: g.approx_count_distinct(|p| p.name.clone()),
            mean: g.avg(|p| p.right as f64 * 0.5),
            quarters: g.sum(|p| p.left as f64 * 0.25),
        })\n";
        }
        4 => text += "        .key_by(|p| p.left).top_n(2, |p| (p.right, p.name.clone(), p.other))\n",
        1 | 2 => {
            text += "        .key_by(|p| p.left)
        .aggregate(|g| Summary {
            key: g.key(),
            rows: g.count(),
            sum: g.sum(|p| p.right),
            least: g.min(|p| p.right),
            greatest: g.max(|p| p.right),
            names: g.count_distinct(|p| p.name.clone()),
            mean: g.avg(|p| p.right),
        })\n";
        }
        _ => {}
    }
    text += "        .sink(\"result\", arrow(\"result.arrow\"));\n}\n";
    let mut inputs = Inputs::new();
    let keys = 1 + random.below(5);
    for source in ["a", "b"] {
        let rows = random.below(60);
        inputs.insert(source.to_owned(), (0..rows).map(|_| row(&mut random, keys)).collect());
    }
    Job { text, inputs }
}

fn row(random: &mut Random, keys: u64) -> Row {
    let group = random.below(4);
    vec![
        Value::Int(random.below(keys).into()),
        if group == 3 { Value::Null } else { Value::Int(group.into()) },
        Value::Int(random.below(7).into()),
        Value::String(format!("n{}", random.below(3))),
    ]
}
