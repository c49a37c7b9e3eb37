//! The author's own aggregates, compiled and run: neither workers, batches, files nor memory show in what they give, also
//! where the order of rows matters; what cannot be added is treated as the policy says.

use sabot_codegen::CompileOptions;
use sabot_compiler::Catalog;
use sabot_compiler::parse::parse;
use sabot_compiler::passes::PlanOptimizer;
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display::diagnostic::render_all;
use sabot_runtime::{Job, RunError, RunOptions, RunSummary};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

const ITEMS: &str = "use sabot::prelude::*;
#[sabot::record]
struct Event { key: String, value: i64, name: String, at: Timestamp }
#[sabot::record]
struct Summary { total: i64, least: Option<i64>, odd: bool, greatest: String, rows: u8 }
#[sabot::aggregate]
impl Summary {
    fn init() -> Self { Self { total: 0, least: None, odd: false, greatest: String::new(), rows: 0 } }
    fn add(self, value: i64, name: String) -> Self {
        Self {
            total: self.total.wrapping_add(value * 1_000_003),
            least: Some(self.least.map_or(value, |least| least.min(value))),
            odd: self.odd || value % 2 != 0,
            greatest: if name > self.greatest { name } else { self.greatest },
            rows: self.rows.wrapping_add(1),
        }
    }
    fn merge(self, other: Self) -> Self {
        Self {
            total: self.total.wrapping_add(other.total),
            least: match (self.least, other.least) { (Some(a), Some(b)) => Some(a.min(b)), (a, b) => a.or(b) },
            odd: self.odd || other.odd,
            greatest: if other.greatest > self.greatest { other.greatest } else { self.greatest },
            rows: self.rows.wrapping_add(other.rows),
        }
    }
    fn finish(self) -> Self { self }
}
#[sabot::record]
struct Text { text: String }
#[sabot::aggregate]
impl Text {
    fn init() -> Self { Self { text: String::new() } }
    fn add(self, name: String) -> Self { Self { text: format!(\"{}{}\", self.text, name) } }
    fn merge(self, other: Self) -> Self { Self { text: format!(\"{}{}\", self.text, other.text) } }
    fn finish(self) -> String { self.text }
}
#[sabot::record]
struct Few { rows: u8 }
#[sabot::aggregate]
impl Few {
    fn init() -> Self { Self { rows: 0 } }
    fn add(self, value: i64) -> Self { Self { rows: self.rows + u8::try_from(value).unwrap() } }
    fn merge(self, other: Self) -> Self { Self { rows: self.rows + other.rows } }
    fn finish(self) -> u8 { self.rows }
}
#[sabot::record]
struct Total { total: i64, rows: i64 }
#[sabot::aggregate]
impl Total {
    fn init() -> Self { Self { total: 0, rows: 0 } }
    fn add(self, value: i64) -> Self { Self { total: self.total + value, rows: self.rows + 1 } }
    fn merge(self, other: Self) -> Self { Self { total: self.total + other.total, rows: self.rows + other.rows } }
    fn remove(self, value: i64) -> Self { Self { total: self.total - value, rows: self.rows - 1 } }
    fn finish(self) -> Self { self }
}
#[sabot::record]
struct Lists { names: Vec<String>, values: Vec<i64>, odd: Vec<bool>, last: Vec<f64>, least: Option<Vec<i64>> }
#[sabot::aggregate]
impl Lists {
    fn init() -> Self { Self { names: vec![], values: vec![], odd: vec![], last: vec![], least: None } }
    fn add(self, value: i64, name: String) -> Self {
        let (mut names, mut values, mut odd, mut last) = (self.names, self.values, self.odd, self.last);
        names.push(name);
        values.push(value);
        odd.push(value % 2 != 0);
        if last.len() == 3 { last.remove(0); }
        last.push(value as f64 / 2.0);
        Self { names, values, odd, last, least: if value == 0 { Some(vec![value, value]) } else { self.least } }
    }
    fn merge(self, other: Self) -> Self {
        let (mut names, mut values, mut odd, mut last) = (self.names, self.values, self.odd, self.last);
        names.extend(other.names);
        values.extend(other.values);
        odd.extend(other.odd);
        last.extend(other.last);
        while last.len() > 3 { last.remove(0); }
        Self { names, values, odd, last, least: other.least.or(self.least) }
    }
    fn finish(self) -> Self { self }
}
#[sabot::record]
struct Listed { key: String, names: Vec<String>, sum: i64, odd: i64, last: Vec<f64>, least: i64, collected: Vec<String>, total: i64 }
#[sabot::record]
struct Out { key: String, total: i64, least: Option<i64>, odd: bool, greatest: String, rows: u8 }
#[sabot::record]
struct Said { key: String, text: String, names: Vec<String> }
#[sabot::record]
struct Latest { key: String, value: i64 }
#[sabot::record]
struct Counted { key: String, rows: u8 }
";

const SUMMARY: &str = "aggregate(|g| {
        let s = g.aggregate_if::<Summary>(|e| (e.value, e.name.clone()), |e| e.value != 3);
        Out { key: g.key(), total: s.total, least: s.least, odd: s.odd, greatest: s.greatest, rows: s.rows }
    })";

const SAID: &str = "aggregate(|g| Said { key: g.key(), text: g.aggregate::<Text>(|e| e.name.clone()), \
                    names: g.collect(|e| e.name.clone()) })";

const LISTED: &str = "aggregate(|g| {
        let collected = g.collect(|e| e.name.clone());
        let total = g.sum(|e| e.value);
        let s = g.aggregate::<Lists>(|e| (e.value, e.name.clone()));
        Listed {
            key: g.key(), sum: s.values.iter().sum::<i64>(), odd: s.odd.iter().filter(|odd| **odd).count() as i64,
            least: s.least.map_or(-1, |least| least.len() as i64), names: s.names, last: s.last, collected, total
        }
    })";

fn job(between: &str, aggregate: &str) -> Job {
    compiled("csv(\"events.csv\")", between, aggregate)
}

fn compiled(connector: &str, between: &str, aggregate: &str) -> Job {
    let source = format!(
        "{ITEMS}#[sabot::pipeline]
fn job() {{
    source::<Event>(\"events\", {connector})
        .event_time(|e| e.at, lateness(hours(1)))
        .key_by(|e| e.key.clone()){between}
        .{aggregate}
        .sink(\"out\", ndjson(\"out.ndjson\"));
}}
"
    );
    let mut diagnostics = Diagnostics::new();
    let graph = parse(&source, &mut diagnostics).pop();
    let mut optimizer = PlanOptimizer::default();
    let compiled =
        graph.and_then(|graph| sabot_compiler::compile(&graph, &Catalog::default(), &mut optimizer, &mut diagnostics));
    let compiled = compiled.unwrap_or_else(|| panic!("{}", render_all(&source, "job.rs", &diagnostics)));
    let options = CompileOptions { source_file: "job.rs".to_owned(), source_text: source, ..CompileOptions::default() };
    let artifact = sabot_codegen::compile(&compiled.pipelines, &options).expect("the job has code");
    Job::load(&artifact.bytes).expect("the artifact is ours")
}

/// Key, value and name of each row; a second passes from one to the next.
fn rows(count: usize) -> Vec<(String, i64, String)> {
    let mut seed = 7_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let row =
        |at: usize| (format!("k{}", random(5)), random(9) as i64, format!("{}{at} ", ["a", "bb"][random(2) as usize]));
    (0..count).map(row).collect()
}

/// Writes rows into that many files, one after the other.
fn write(folder: &Path, rows: &[(String, i64, String)], files: usize) -> String {
    let each = rows.len().div_ceil(files);
    for (file, part) in rows.chunks(each).enumerate() {
        let mut text = "key,value,name,at\n".to_owned();
        for (at, (key, value, name)) in part.iter().enumerate() {
            let second = file * each + at;
            let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
            writeln!(text, "{key},{value},{name},2026-01-01T{hour:02}:{minute:02}:{second:02}Z")
                .expect("text takes more");
        }
        std::fs::write(folder.join(format!("events{file}.csv")), text).expect("the file is written");
    }
    folder.join("events*.csv").display().to_string()
}

fn run(job: &Job, folder: &Path, input: &str, options: RunOptions) -> Result<(Vec<String>, RunSummary), RunError> {
    let out = folder.join("out.ndjson");
    let options = RunOptions {
        inputs: [("events".to_owned(), input.to_owned())].into(),
        outputs: [("out".to_owned(), out.display().to_string())].into(),
        overwrite: true,
        ..options
    };
    let summary = job.run(&options)?;
    let text = std::fs::read_to_string(out).expect("the sink is a file");
    Ok((text.lines().map(str::to_owned).collect(), summary))
}

fn workers(parallelism: u32) -> RunOptions {
    RunOptions { parallelism: Some(parallelism), ..RunOptions::default() }
}

/// The same lines from however many files, workers and rows at once, and with next to no memory.
fn check_all_ways(between: &str, aggregate: &str) -> Vec<String> {
    let job = job(between, aggregate);
    let rows = rows(700);
    let mut first: Option<Vec<String>> = None;
    for files in [1, 4] {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let input = write(folder.path(), &rows, files);
        for (parallelism, batch_rows, memory_budget) in
            [(1, None, None), (2, None, None), (1, Some(1), None), (2, Some(7), None), (2, Some(7), Some(3_000))]
        {
            if memory_budget.is_some() && between.starts_with(".window(") {
                continue; // windows have to fit
            }
            let options = RunOptions { batch_rows, memory_budget, ..workers(parallelism) };
            let (lines, _) = run(&job, folder.path(), &input, options).expect("the job runs");
            let how =
                format!("{between}: {files} files, -p {parallelism}, {batch_rows:?} rows, {memory_budget:?} bytes");
            assert!(!lines.is_empty(), "{how}");
            assert_eq!(&lines, first.get_or_insert_with(|| lines.clone()), "{how}");
        }
    }
    first.expect("it ran")
}

const WINDOWS: [&str; 5] = [
    "",
    ".window(tumbling(seconds(100)))",
    ".window(sliding(seconds(60), seconds(20)))",
    ".window(session(seconds(8)))",
    ".window(cumulate(seconds(50), seconds(200)))",
];

#[test]
fn neither_splits_nor_workers_nor_windows_show_in_what_commutes() {
    for window in WINDOWS.into_iter().chain([".window(count(9))"]) {
        check_all_ways(window, SUMMARY);
    }
    let lines = check_all_ways("", SUMMARY);
    let mut expected: BTreeMap<String, (i64, i64, bool, String, u8)> = BTreeMap::new();
    for (key, value, name) in rows(700).into_iter().filter(|(_, value, _)| *value != 3) {
        let group = expected.entry(key).or_insert((0, i64::MAX, false, String::new(), 0));
        group.0 = group.0.wrapping_add(value * 1_000_003);
        group.1 = group.1.min(value);
        group.2 |= value % 2 != 0;
        group.3 = group.3.clone().max(name.trim_end().to_owned());
        group.4 = group.4.wrapping_add(1);
    }
    for line in lines {
        let found = expected.iter().find(|(key, _)| line.contains(&format!("\"key\":\"{key}\"")));
        let (_, (total, least, odd, greatest, rows)) = found.expect("such a key is there");
        let part = format!("\"total\":{total},\"least\":{least},\"odd\":{odd},\"greatest\":\"{greatest}");
        assert!(line.contains(&part) && line.contains(&format!("\"rows\":{rows}}}")), "{line} without {part}");
    }
}

#[test]
fn rows_are_added_and_pieces_merged_in_the_order_of_the_input() {
    for window in WINDOWS {
        let lines = check_all_ways(window, SAID);
        for line in &lines {
            // What is collected is what was said, and numbers rise.
            let names: String = line.split("\"names\":[").nth(1).expect("a list").replace(['"', ']', '}', ','], "");
            assert!(line.contains(&format!("\"text\":\"{names}\"")), "{window}: {line}");
            let numbers: Vec<usize> =
                names.split_whitespace().map(|name| name.trim_matches(['a', 'b']).parse().expect("a number")).collect();
            assert!(numbers.is_sorted(), "{window}: {line}");
        }
    }
}

#[test]
fn lists_are_kept_from_row_to_row() {
    for window in WINDOWS.into_iter().chain([".window(count(9))"]) {
        for line in check_all_ways(window, LISTED) {
            let part = |name: &str| {
                let from = line.split(&format!("\"{name}\":")).nth(1).expect("it is there");
                from.split(if from.starts_with('[') { ']' } else { ',' })
                    .next()
                    .expect("a part")
                    .trim_matches(['[', '}'])
                    .to_owned()
            };
            assert_eq!(part("names"), part("collected"), "{window}: {line}");
            assert_eq!(part("sum"), part("total"), "{window}: {line}");
            let (rows, last) = (part("names").split(',').count(), part("last").split(',').count());
            assert_eq!(last, rows.min(3), "{window}: {line}");
            assert!(part("odd").parse::<usize>().is_ok_and(|odd| odd <= rows), "{window}: {line}");
        }
    }
}

#[test]
fn rows_are_reduced_in_order() {
    let reduce = "reduce(|a, b| Event { name: format!(\"{}{}\", a.name, b.name), value: a.value.max(b.value), ..b })";
    for window in WINDOWS {
        check_all_ways(window, reduce);
    }
}

#[test]
fn a_row_that_cannot_be_added_is_treated_as_the_policy_says() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let row = |key: &str, value: i64| (key.to_owned(), value, String::new());
    let rows = [row("a", 1), row("a", -1), row("b", 2), row("a", 5), row("b", 300)];
    let input = write(folder.path(), &rows, 1);
    let counted = "aggregate(|g| Counted { key: g.key(), rows: g.aggregate::<Few>(|e| e.value) })";
    for window in ["", ".window(tumbling(hours(1)))"] {
        let failed = run(&job(window, counted), folder.path(), &input, workers(2));
        let Err(RunError::Row(failure)) = failed else { panic!("{window}: {failed:?}") };
        assert_eq!(failure.expression, "u8::try_from(value).unwrap()");
        assert!(failure.input.as_ref().is_some_and(|(_, place)| place.to_string().contains("line 3")), "{failure:?}");
        assert_eq!(failure.values, [("value".to_owned(), "-1".to_owned())]);
        let (lines, summary) =
            run(&job(window, &format!("{counted}.skip_errors()")), folder.path(), &input, workers(2))
                .expect("it goes on");
        assert_eq!(lines, ["{\"key\":\"a\",\"rows\":6}", "{\"key\":\"b\",\"rows\":2}"], "{window}");
        assert_eq!(summary.operators.iter().map(|operator| operator.skipped).sum::<u64>(), 2, "{window}");
    }
    // Of sessions the key is told.
    let failed = run(&job(".window(session(hours(1)))", counted), folder.path(), &input, workers(1));
    let Err(RunError::Row(failure)) = failed else { panic!("{failed:?}") };
    assert_eq!(failure.values, [("key.0".to_owned(), "\"a\"".to_owned())]);
}

#[test]
fn a_group_whose_pieces_cannot_be_merged_is_refused_by_its_key() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let row = |key: &str, value: i64| (key.to_owned(), value, String::new());
    let rows = [row("a", 200), row("b", 1), row("a", 200), row("b", 1)];
    // Each file is a piece of its own.
    let input = write(folder.path(), &rows, 2);
    let counted = "aggregate(|g| Counted { key: g.key(), rows: g.aggregate::<Few>(|e| e.value) })";
    for parallelism in [1, 2] {
        let failed = run(&job("", counted), folder.path(), &input, workers(parallelism));
        let Err(RunError::Row(failure)) = failed else { panic!("{failed:?}") };
        assert_eq!((failure.expression.as_str(), failure.values.len()), ("self.rows + other.rows", 1));
        assert_eq!(failure.values[0].1, "\"a\"");
        let skipping = job("", &format!("{counted}.skip_errors()"));
        let (lines, _) = run(&skipping, folder.path(), &input, workers(parallelism)).expect("it goes on");
        assert_eq!(lines, ["{\"key\":\"b\",\"rows\":2}"]);
    }
}

/// What is there after all changes, by its whole row.
fn after(changes: &[String]) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for change in changes {
        let (op, row) = change.split_once(',').expect("the change stands first");
        if op.contains('+') {
            rows.push(row.to_owned());
        } else {
            let at = rows.iter().position(|other| other == row).expect("what is taken back was there");
            rows.remove(at);
        }
    }
    rows.sort();
    rows
}

#[test]
fn changes_come_to_what_a_stream_that_ends_gives() {
    let rows = rows(300);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let input = write(folder.path(), &rows, 1);
    let (mut bounded, _) = run(&job("", SUMMARY), folder.path(), &input, workers(1)).expect("the job runs");
    bounded.iter_mut().for_each(|row| *row = row.trim_start_matches('{').to_owned());
    bounded.sort();
    let changing = compiled("kafka(\"events\")", "", SUMMARY);
    // The last value of each key, and the sum of these: a row that changes is taken back.
    let total = "aggregate(|g| Latest { key: g.key(), value: g.last(|e| e.value) })
        .aggregate(|g| { let t = g.aggregate::<Total>(|l| l.value); Out { key: String::new(), total: t.total, least: Some(t.rows), \
                 odd: false, greatest: String::new(), rows: 0 } })";
    let taken_back = compiled("kafka(\"events\")", "", total);
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    rows.iter().for_each(|(key, value, _)| {
        last.insert(key, *value);
    });
    let sum: i64 = last.values().sum();
    for (parallelism, batch_rows) in [(1, None), (2, Some(7)), (2, Some(1))] {
        let options = || RunOptions { batch_rows, ..workers(parallelism) };
        let (changes, _) = run(&changing, folder.path(), &input, options()).expect("the job runs");
        assert_eq!(after(&changes), bounded, "-p {parallelism}, {batch_rows:?} rows");
        let (changes, _) = run(&taken_back, folder.path(), &input, options()).expect("the job runs");
        let expected = format!("\"total\":{sum},\"least\":{},", last.len());
        let found = after(&changes);
        assert!(found.len() == 1 && found[0].contains(&expected), "-p {parallelism}: {found:?}, not {expected}");
    }
}
