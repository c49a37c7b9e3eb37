//! What a run did: figures for programs, and the text that ends it.

use crate::progress::{count, size};
use std::fmt::Write;
use std::time::Duration;

/// What an operator holds is told in the text from here on.
const WORTH_TELLING_BYTES: u64 = 1 << 20;

/// A run that came to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunSummary {
    /// The job's name.
    pub job: String,
    /// As the manifest lists them: sources first, in the order rows flow.
    pub operators: Vec<OperatorSummary>,
    /// From the start to the outputs' final names.
    pub wall: Duration,
    /// Bytes that tables held at most, about.
    pub peak_table_bytes: u64,
    /// Workers.
    pub workers: usize,
    /// Barriers that have gone through streams.
    pub barriers: u64,
}

/// What one operator did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperatorSummary {
    /// The author's name for it.
    pub name: String,
    /// `filter`, `hash_join`, …
    pub kind: String,
    /// Line in job.rs, from 1; 0 where there is none.
    pub line: u32,
    /// Rows that came in; of a join, rows that probed.
    pub rows_in: u64,
    /// Rows that went out.
    pub rows_out: u64,
    /// Of a join: rows of the side that is kept.
    pub build_rows: u64,
    /// Rows that could not be computed and were left out.
    pub skipped: u64,
    /// The sink that got them, if they were not only left out.
    pub errors_to: Option<String>,
    /// Rows that came too late for their window.
    pub late: u64,
    /// Rows that a source did not read since a filter excludes their whole piece of the file.
    pub pruned: u64,
    /// Time of all workers together.
    pub time: Duration,
    /// Of sources and sinks.
    pub bytes: Option<u64>,
    /// Of sinks: where the rows are.
    pub files: Vec<String>,
    /// Times that it put rows into files for lack of memory.
    pub spills: u64,
    /// How often its table was read again, because its file had changed.
    pub refreshed: u64,
    /// What a database was asked by key, if it was.
    pub lookup: Option<LookupSummary>,
    /// Bytes that its table held at most (of a sink: that waited to be written), about.
    pub held_bytes: u64,
}

/// What a database was asked by key, and what it said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookupSummary {
    /// Rows that have a key.
    pub rows: u64,
    /// Keys that were asked for; rows beyond them met what was known or asked for already.
    pub asked: u64,
    /// Those of them that were asked for again, as their answer was too old.
    pub again: u64,
    /// Rows that matched nothing.
    pub unmatched: u64,
    /// Questions in which they were asked.
    pub questions: u64,
    /// Those of them that were put again, as the database was gone.
    pub retried: u64,
}

impl LookupSummary {
    fn sentence(&self) -> String {
        let mut text = format!(", {} asked for in {}", counted(self.asked, "key"), counted(self.questions, "question"));
        for (number, unit, what) in [
            (self.rows.saturating_sub(self.asked), "row", "answered from the cache"),
            (self.again, "key", "asked for again"),
            (self.retried, "question", "put again"),
            (self.unmatched, "row", "without a match"),
        ] {
            if number > 0 {
                // Writing to a string cannot fail.
                let _ = write!(text, ", {} {what}", counted(number, unit));
            }
        }
        text
    }
}

impl OperatorSummary {
    /// What happened, in one line without the name.
    #[must_use]
    pub fn sentence(&self) -> String {
        let rows_in = count(self.rows_in);
        let (read, given) = (rows(self.rows_in), rows(self.rows_out));
        let mut text = match self.kind.as_str() {
            "source" | "table" => format!("Loaded {given}"),
            "filter" => {
                let share = if self.rows_in == 0 { 0.0 } else { self.rows_out as f64 / self.rows_in as f64 * 100.0 };
                format!("Filtered: {rows_in} → {given} ({share:.1}% retained)")
            }
            "select" => format!("Selected: {given}"),
            "map" | "filter_map" => format!("Mapped: {rows_in} → {given}"),
            "hash_join" if self.lookup.is_some() => format!("Joined: {rows_in} → {given}"),
            "hash_join" => format!("Joined: {rows_in} × {} → {given}", count(self.build_rows)),
            "aggregate" => format!("Aggregated: {rows_in} → {given}"),
            "sink" if self.files.is_empty() => format!("Written {read}"),
            "sink" => format!("Written {read} to {}", self.files.join(", ")),
            _ => format!("{rows_in} → {given}"),
        };
        if let Some(bytes) = self.bytes.filter(|bytes| *bytes > 0) {
            // Writing to a string cannot fail.
            let _ = write!(text, ", {}", size(bytes));
        }
        if self.held_bytes >= WORTH_TELLING_BYTES {
            let _ = write!(text, ", held {}", size(self.held_bytes));
        }
        if let Some(lookup) = &self.lookup {
            text.push_str(&lookup.sentence());
        }
        let errors = match &self.errors_to {
            Some(sink) => format!("with errors written to `{sink}`"),
            None => "skipped for errors".to_owned(),
        };
        for (number, unit, what) in [
            (self.pruned, "row", "not read: the filter excludes their part of the file"),
            (self.skipped, "row", errors.as_str()),
            (self.late, "row", "too late"),
            (self.spills, "time", "spilled to disk"),
            (self.refreshed, "time", "read again"),
        ] {
            if number > 0 {
                let _ = write!(text, ", {} {what}", counted(number, unit));
            }
        }
        text
    }
}

fn rows(number: u64) -> String {
    counted(number, "row")
}

/// `1 row`, `2 rows`.
fn counted(number: u64, unit: &str) -> String {
    format!("{} {unit}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A time in a unit that suits it.
fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match duration.as_micros() {
        0..1_000 => format!("{} µs", duration.as_micros()),
        1_000..1_000_000 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

impl RunSummary {
    /// The summary as one line of JSON, times in milliseconds.
    #[must_use]
    pub fn to_json(&self) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let operators: Vec<_> = self
            .operators
            .iter()
            .map(|operator| {
                serde_json::json!({
                    "name": operator.name, "kind": operator.kind, "line": operator.line,
                    "rows_in": operator.rows_in, "rows_out": operator.rows_out, "build_rows": operator.build_rows,
                    "skipped": operator.skipped, "errors_to": operator.errors_to, "late": operator.late, "pruned": operator.pruned, "spills": operator.spills, "refreshed": operator.refreshed,
                    "lookup": operator.lookup.map(|lookup| serde_json::json!({
                        "rows": lookup.rows, "asked": lookup.asked, "again": lookup.again, "unmatched": lookup.unmatched,
                        "questions": lookup.questions, "retried": lookup.retried,
                    })),
                    "held_bytes": operator.held_bytes,
                    "bytes": operator.bytes, "files": operator.files, "time_ms": ms(operator.time),
                })
            })
            .collect();
        serde_json::json!({
            "sabot_summary": 1, "job": self.job, "workers": self.workers, "wall_ms": ms(self.wall),
            "peak_table_bytes": self.peak_table_bytes, "peak_rss_bytes": peak_rss_bytes(), "operators": operators,
        })
        .to_string()
    }

    /// The operators that the author has written. What the optimizer puts beside one of them (`NAME.shared`, `NAME.columns`)
    /// is a part of it, and so is its time.
    fn written(&self) -> Vec<OperatorSummary> {
        let base =
            |name: &str| name.strip_suffix(".shared").or_else(|| name.strip_suffix(".columns")).map(str::to_owned);
        let mut written: Vec<OperatorSummary> = Vec::new();
        let mut made: Vec<(String, Duration)> = Vec::new();
        for operator in &self.operators {
            let mut owner = operator.name.clone();
            while let Some(base) = base(&owner) {
                owner = base;
            }
            if owner != operator.name && self.operators.iter().any(|other| other.name == owner) {
                made.push((owner, operator.time));
            } else {
                written.push(operator.clone());
            }
        }
        for (owner, time) in made {
            written.iter_mut().filter(|operator| operator.name == owner).for_each(|operator| operator.time += time);
        }
        written
    }

    /// The summary as text, a line per operator.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        let operators = self.written();
        let width = operators.iter().map(|operator| operator.name.chars().count()).max().unwrap_or(0) + 1;
        for operator in &operators {
            let name = format!("{}:", operator.name);
            let _ = writeln!(text, "  {name:<width$} {}  {}", operator.sentence(), time(operator.time));
        }
        let rows: u64 =
            self.operators.iter().filter(|operator| operator.kind == "source").map(|source| source.rows_out).sum();
        let rate = rows as f64 / self.wall.as_secs_f64().max(1e-9);
        let _ = writeln!(
            text,
            "{} finished in {} ({} rows/s, {} {})",
            self.job,
            time(self.wall),
            count(rate as u64),
            self.workers,
            if self.workers == 1 { "worker" } else { "workers" },
        );
        text
    }
}

/// The most memory that this process had at once, by the kernel's account; 0 where it keeps none.
fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_optimizer_made_is_part_of_what_it_was_made_for() {
        let operator = |name: &str, ms| OperatorSummary {
            name: name.into(),
            time: Duration::from_millis(ms),
            ..OperatorSummary::default()
        };
        let names = ["quotes", "map_1", "map_1.shared", "map_1.shared.columns", "a.shared"];
        let summary = RunSummary {
            operators: names.iter().zip(1..).map(|(name, ms)| operator(name, ms)).collect(),
            ..RunSummary::default()
        };
        let written: Vec<(String, u128)> =
            summary.written().into_iter().map(|operator| (operator.name, operator.time.as_millis())).collect();
        assert_eq!(written, [("quotes".into(), 1), ("map_1".into(), 9), ("a.shared".into(), 5)]);
    }

    #[test]
    fn operators_say_what_they_did() {
        let operator = |kind: &str, rows_in, rows_out| OperatorSummary {
            kind: kind.into(),
            rows_in,
            rows_out,
            build_rows: 10_000,
            files: vec!["enriched.parquet".into()],
            ..OperatorSummary::default()
        };
        assert_eq!(operator("source", 1000, 1000).sentence(), "Loaded 1,000 rows");
        assert_eq!(operator("filter", 1000, 671).sentence(), "Filtered: 1,000 → 671 rows (67.1% retained)");
        assert_eq!(operator("hash_join", 671, 671).sentence(), "Joined: 671 × 10,000 → 671 rows");
        assert_eq!(operator("sink", 671, 671).sentence(), "Written 671 rows to enriched.parquet");
        assert_eq!(operator("sink", 1, 1).sentence(), "Written 1 row to enriched.parquet");
        let mut map = OperatorSummary { skipped: 1, late: 2, spills: 1, ..operator("map", 2, 1) };
        let rest = "2 rows too late, 1 time spilled to disk";
        assert_eq!(map.sentence(), format!("Mapped: 2 → 1 row, 1 row skipped for errors, {rest}"));
        map.errors_to = Some("bad".into());
        assert_eq!(map.sentence(), format!("Mapped: 2 → 1 row, 1 row with errors written to `bad`, {rest}"));
    }
}
