//! UDFs as a user writes them, three ways: by rustc, by the reference interpreter, and by kernels that are compiled, linked
//! and run over a file; with the plan as it is and after the optimizer. Every value is the same to the bit, and what panics
//! in one world is a row error in the others.
//!
//! The functions lie in `snapshots/udfs/`, ordinary Rust files; a new file is a new line here.

#[path = "../random_jobs/files.rs"]
mod files;
mod random;
#[path = "../../../compiler/tests/random_code/mod.rs"]
mod random_code;

use sabot_codegen::CompileOptions;
use sabot_compiler::Catalog;
use sabot_compiler::check::check;
use sabot_compiler::parse::parse;
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::physical::pipelines;
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display::diagnostic::render_all;
use sabot_ir::plan::Plan;
use sabot_ir::ty::Type;
use sabot_reference::{Outputs, Row, Value, run};
use sabot_runtime::{Job, RunOptions};
use sabot_snapshots::programs::{Cell, Outcome, Programs, Table};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// More than two blocks of 64 rows, and not a multiple of them.
const ROWS: usize = 150;

/// Compares the functions of `snapshots/udfs/<file>.rs` in all worlds.
fn compare(file: &str) {
    let path = sabot_snapshots::path("udfs").join(file).with_extension("rs");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let values = compare_text(&text);
    let programs = text.matches("#[sabot::udf]").count();
    assert!(values * 2 > programs * ROWS, "most rows of {file} should give values; {values} do");
}

/// Compares the functions of a text; how many values they gave.
fn compare_text(text: &str) -> usize {
    let mut clock = Clock::new();
    let programs = Programs::new(text, Table::of_edges(ROWS));
    let plan = plan(&programs.job());
    let mut optimized = plan.clone();
    PlanOptimizer::default().optimize_plan(&mut optimized);
    let inputs = BTreeMap::from([("rows".to_owned(), rows(&programs, &plan))]);
    clock.spent("front end");

    let reference = run(&plan, &inputs, &[]).expect("rows that fail are left out");
    let mut worlds = vec![("the reference interpreter", outcomes(&programs, &plan, &reference))];
    clock.spent("reference");
    let runs =
        [("kernels", &plan, "arrow"), ("kernels of the optimized plan, over dictionaries", &optimized, "parquet")];
    for (name, plan, format) in runs {
        worlds.push((name, outcomes(&programs, plan, &by_kernels(plan, &inputs["rows"], format))));
    }
    clock.spent("kernels, twice");
    let expected = programs.by_rustc();
    clock.spent("rustc");
    let Some(expected) = expected else { return usize::MAX };
    let mut wrong = String::new();
    for (position, program) in programs.list.iter().enumerate() {
        for (world, outcomes) in &worlds {
            let pairs = expected[position].iter().zip(&outcomes[position]);
            let differ: Vec<usize> = pairs
                .enumerate()
                .filter(|(_, pair)| match pair {
                    (Outcome::Value(expected), Some(actual)) => expected != actual,
                    (Outcome::Panic(_), actual) => actual.is_some(),
                    (Outcome::Value(_), None) => true,
                })
                .map(|(row, _)| row)
                .collect();
            if let Some(first) = differ.first() {
                let _ = write!(
                    wrong,
                    "\n{}{}: {} of {ROWS} rows differ by {world}; first of row {:?}\n  rustc: {:?}\n  here:  {}",
                    source(text, &program.name),
                    program.name,
                    differ.len(),
                    programs.table().rows[*first],
                    expected[position][*first],
                    outcomes[position][*first].as_deref().unwrap_or("an error"),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    expected.iter().flatten().filter(|outcome| matches!(outcome, Outcome::Value(_))).count()
}

/// What the worlds take, told with `SABOT_TIMES=1`.
struct Clock {
    since: Instant,
}

impl Clock {
    fn new() -> Self {
        Self { since: Instant::now() }
    }

    #[allow(clippy::print_stderr, reason = "a measurement that was asked for")]
    fn spent(&mut self, what: &str) {
        let now = Instant::now();
        if std::env::var_os("SABOT_TIMES").is_some() {
            eprintln!("{:8.2} s  {what}", (now - self.since).as_secs_f64());
        }
        self.since = now;
    }
}

/// The text of a function, where it was made and stands in no file.
fn source(text: &str, name: &str) -> String {
    if !text.starts_with("//! Random") {
        return String::new();
    }
    let functions = text.split("#[sabot::udf]");
    functions.skip(1).find(|function| function.contains(&format!("fn {name}("))).unwrap_or_default().to_owned()
}

fn plan(job: &str) -> Plan {
    let mut diagnostics = Diagnostics::new();
    let graphs = parse(job, &mut diagnostics);
    let plan = graphs.first().and_then(|graph| check(graph, &Catalog::default(), &mut diagnostics));
    plan.unwrap_or_else(|| panic!("{}", render_all(job, "job.rs", &diagnostics)))
}

/// The table in the interpreter's values.
fn rows(programs: &Programs, plan: &Plan) -> Vec<Row> {
    let types: Vec<&Type> = plan.sources[0].schema.fields.iter().map(|field| field.ty.value_type()).collect();
    let value = |(cell, ty): (&Cell, &&Type)| match cell {
        Cell::Null => Value::Null,
        Cell::Bool(value) => Value::Bool(*value),
        Cell::Int(value) => Value::Int(*value),
        Cell::Float(value) if **ty == Type::Float32 => Value::Float32(*value as f32),
        Cell::Float(value) => Value::Float64(*value),
        Cell::Text(value) => Value::String(value.clone()),
    };
    programs.table().rows.iter().map(|row| row.iter().zip(&types).map(value).collect()).collect()
}

/// What was written of each row, by program; nothing where it could not be computed.
fn outcomes(programs: &Programs, plan: &Plan, outputs: &Outputs) -> Vec<Vec<Option<String>>> {
    let of_program = |name: &str| {
        let sink = plan.sinks.iter().find(|sink| sink.name == name).expect("a sink for each program");
        assert_eq!(sink.schema.len(), 2, "{name}: `id` and `value`");
        let mut outcomes = vec![None; programs.table().rows.len()];
        for row in &outputs[name] {
            let id = row[0].as_int().and_then(|id| usize::try_from(id).ok()).expect("a row's number");
            outcomes[id] = Some(shown(&row[1]));
        }
        outcomes
    };
    programs.list.iter().map(|program| of_program(&program.name)).collect()
}

fn shown(value: &Value) -> String {
    let cell = match value {
        Value::Null => Cell::Null,
        Value::Bool(value) => Cell::Bool(*value),
        Value::Int(value) => Cell::Int(*value),
        Value::Float32(value) => Cell::Float(f64::from(*value)),
        Value::Float64(value) => Cell::Float(*value),
        Value::String(value) => Cell::Text(value.clone()),
        Value::Unit | Value::Bytes(_) | Value::List(_) => panic!("no program returns {value}"),
    };
    cell.shown()
}

fn by_kernels(plan: &Plan, rows: &[Row], format: &str) -> Outputs {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| folder.path().join(format!("{name}.arrow"));
    let input = folder.path().join("rows").with_extension(format);
    let write = if format == "parquet" { files::write_parquet } else { files::write };
    write(&input, &plan.sources[0].schema, rows, 97);
    let pipelines = pipelines(plan);
    let artifact = sabot_codegen::compile(&pipelines, &CompileOptions::default())
        .unwrap_or_else(|error| panic!("cannot be compiled: {error}"));
    let job = Job::load(&artifact.bytes).expect("an artifact that was just made can be loaded");
    let path = |path: &Path| path.display().to_string();
    let options = RunOptions {
        parallelism: Some(1),
        inputs: BTreeMap::from([("rows".to_owned(), path(&input))]),
        outputs: plan.sinks.iter().map(|sink| (sink.name.clone(), path(&at(&sink.name)))).collect(),
        ..RunOptions::default()
    };
    job.run(&options).unwrap_or_else(|error| panic!("{}", sabot_runtime::error::with_causes(&error)));
    plan.sinks.iter().map(|sink| (sink.name.clone(), files::read(&at(&sink.name), &sink.schema))).collect()
}

/// How many random functions are compared, in files of this many. One is 40 ms of work in a test build, of which rustc, LLVM and
/// the linker are a third, our front end and the interpreter nearly a half: 100 s on two cores that have nothing else to do.
const RANDOM: usize = 5_000;
const RANDOM_A_FILE: usize = 200;

/// `SABOT_RANDOM_UDFS=20000` compares more of them; `SABOT_RANDOM_SEED` others; `SABOT_RANDOM_KEEP=folder` keeps their texts.
#[test]
fn random_functions() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let count = number("SABOT_RANDOM_UDFS").unwrap_or(RANDOM);
    let seed = number("SABOT_RANDOM_SEED").unwrap_or(1) as u64;
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let worker = || {
        let mut values = 0_usize;
        loop {
            let file = next.fetch_add(1, Ordering::Relaxed);
            if file >= count.div_ceil(RANDOM_A_FILE) {
                return values;
            }
            let of_file = RANDOM_A_FILE.min(count - file * RANDOM_A_FILE);
            let text = random::file(seed * 1_000 + file as u64, of_file);
            if let Some(folder) = std::env::var_os("SABOT_RANDOM_KEEP") {
                let path = Path::new(&folder).join(format!("random_{seed}_{file}.rs"));
                std::fs::write(path, &text).expect("the functions can be written");
            }
            match std::panic::catch_unwind(|| compare_text(&text)) {
                Ok(more) => values = values.saturating_add(more),
                Err(_) => {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            };
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
    let values = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let values = workers.into_iter().map(|worker| worker.join().expect("what differs is said above"));
        values.fold(0, usize::saturating_add)
    });
    assert_eq!(failed.into_inner(), 0, "files in which something differs; what, is said above");
    assert!(values > count * ROWS / 3, "only {values} of {} calls give values", count * ROWS);
}

/// Random functions with loops: how many, in files of this many.
const LOOPS: usize = 16;
const LOOPS_A_FILE: usize = 16;

/// `SABOT_RANDOM_UDFS` and `SABOT_RANDOM_SEED` as above.
#[test]
fn random_loops() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let count = number("SABOT_RANDOM_UDFS").unwrap_or(LOOPS);
    let seed = number("SABOT_RANDOM_SEED").unwrap_or(1) as u64;
    for file in 0..count.div_ceil(LOOPS_A_FILE) {
        let of_file = LOOPS_A_FILE.min(count - file * LOOPS_A_FILE);
        compare_text(&loops_text(seed * 1_000 + file as u64, of_file));
    }
}

/// Functions whose bodies assign, loop and jump; two UDFs show what each gives.
fn loops_text(seed: u64, count: usize) -> String {
    const COLUMNS: [(&str, &str, &str); 8] = [
        ("volume", "a", "i64"),
        ("instrument_id", "b", "i64"),
        ("price", "x", "f64"),
        ("hot", "flag", "bool"),
        ("symbol", "s", "String"),
        ("lots", "u", "u32"),
        ("venue", "q", "Option<String>"),
        ("bid", "p", "Option<f64>"),
    ];
    let mut random = random_code::Random::new(seed);
    let copied = "#[sabot::record] #[derive(Copy)] struct Mini";
    let mut text =
        format!("//! Random loops.\n{}", random_code::HELPERS.replace("#[sabot::record] struct Mini", copied));
    let params = |name: fn(&(&'static str, &'static str, &'static str)) -> String| {
        COLUMNS.iter().map(|column| format!("{}: {}", name(column), column.2)).collect::<Vec<_>>().join(", ")
    };
    let args: Vec<&str> = COLUMNS.iter().map(|(_, name, _)| *name).collect();
    for i in 0..count {
        let mut code = random.program(2 + i % 4);
        for (field, ..) in COLUMNS {
            code = code.replace(&format!("q.{field}"), &format!("q_{field}"));
        }
        let _ = write!(
            text,
            "\nfn program_{i}({}, n: i64) -> Mini {{ {code} }}\n",
            params(|(field, ..)| format!("q_{field}"))
        );
        for (part, ty) in [("a", "i64"), ("b", "Option<f64>")] {
            let _ = write!(
                text,
                "#[sabot::udf]\nfn {part}{i}({}) -> {ty} {{ program_{i}({}, 2).{part} }}\n",
                params(|(_, name, _)| (*name).to_owned()),
                args.join(", ")
            );
        }
    }
    text
}

#[test]
fn long_code() {
    let sum = " + a % 7".repeat(200);
    let chain: String = (0..150).map(|i| format!("if a == {i} {{ {} }} else ", i * 2)).collect();
    compare_text(&format!(
        "#[sabot::udf]\nfn sum(a: i64) -> i64 {{ a % 3{sum} }}\n#[sabot::udf]\nfn chain(a: i64) -> i64 {{ {chain} {{ -1 }} }}\n"
    ));
}

#[test]
fn numbers() {
    compare("numbers");
}

#[test]
fn options() {
    compare("options");
}

#[test]
fn loops() {
    compare("loops");
}

#[test]
fn strings() {
    compare("strings");
}

#[test]
fn lists() {
    compare("lists");
}

#[test]
fn strings_that_are_gone_over() {
    compare("text_items");
}

#[test]
fn iterators() {
    compare("iterators");
}

#[test]
fn formats() {
    compare("formats");
}

#[test]
fn integers() {
    compare("integers");
}

#[test]
fn jumps() {
    compare("jumps");
}

#[test]
fn patterns() {
    compare("patterns");
}

#[test]
fn times() {
    compare("times");
}

#[test]
fn decimals() {
    compare("decimals");
}

#[test]
fn collections() {
    compare("collections");
}

#[test]
fn functions_that_take_functions() {
    compare("functions");
}

/// Written without looking at the compiler.
#[test]
fn realistic_functions() {
    compare("realistic");
}

/// What random functions have found; each case keeps the name of its mistake.
#[test]
fn mismatches_found_before() {
    compare("found");
}

/// Every file is compared.
#[test]
fn no_file_is_forgotten() {
    let tests = include_str!("main.rs");
    for entry in std::fs::read_dir(sabot_snapshots::path("udfs")).expect("the folder is part of the package") {
        let path = entry.expect("an entry can be read").path();
        let file = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        assert!(tests.contains(&format!("compare(\"{file}\")")), "`{file}` has no test here");
    }
}
