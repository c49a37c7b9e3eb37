//! Random well-typed code means here what it means to rustc, bit for bit: the checked plan, run by the reference
//! interpreter, against the same text compiled by rustc with overflow checks.
//!
//! Skipped where there is no rustc.
#![allow(missing_docs, reason = "a test")]

mod random_code;

use random_code::{HELPERS, Random};
use sabot_compiler::Catalog;
use sabot_compiler::check::check;
use sabot_compiler::parse::parse;
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::plan::{Operator, Plan};
use sabot_reference::{Value, evaluate};
use std::fmt::Write as _;
use std::process::Command;

/// Programs that a run compares, each over all rows.
const PROGRAMS: usize = 80;

/// How many, and the seed that they begin with: `SABOT_PROGRAMS=500 SABOT_SEED=7` for a longer run.
fn programs(seed: u64, make: impl Fn(&mut Random, usize) -> String) -> Vec<String> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let mut random = Random::new(seed + number("SABOT_SEED").unwrap_or(0));
    let count = number("SABOT_PROGRAMS").map_or(PROGRAMS, |count| usize::try_from(count).unwrap_or(PROGRAMS));
    (0..count).map(|round| make(&mut random, round)).collect()
}

const RECORDS: &str = "
struct Quote { instrument_id: i64, symbol: String, price: f64, volume: i64, lots: u32, venue: Option<String>, bid: Option<f64>, hot: bool }
";

/// The rows, as Rust code of their fields.
const ROWS: [&str; 9] = [
    "1, \"a\".to_string(), 1.5, 3, 7, None, Some(2.0), true",
    "2, \"b\".to_string(), -0.0, 0, 0, Some(\"a\".to_string()), None, false",
    "-3, String::new(), f64::NAN, -5, 1, Some(String::new()), Some(f64::NAN), true",
    "i64::MAX, \"abc\".to_string(), f64::INFINITY, i64::MAX, u32::MAX, Some(\"abc\".to_string()), Some(-0.0), false",
    "i64::MIN, \"ä\".to_string(), -1e300, i64::MIN, 31, None, Some(1e-300), true",
    "9, \"a\".to_string(), 0.5, 7, 64, Some(\"b\".to_string()), Some(0.75), false",
    "21, \"b\".to_string(), 3.0, 21, 5, None, Some(3.0), true",
    "-1, \"a\".to_string(), 2.5, -1, 2, Some(\"a\".to_string()), Some(10.0), true",
    "4, \"bb\".to_string(), 1e18, 22, 40, None, None, false",
];

#[test]
fn random_code_means_what_rustc_says() {
    let programs = programs(0x5eed_0001, |random, round| random.code("Mini", 1 + round % 4, &mut Vec::new()));
    let Some(expected) = by_rustc(&programs) else { return };
    let mut expected = expected.lines();
    for code in &programs {
        let plan = plan(code);
        for row in ROWS {
            let expected = expected.next().expect("a line for each program and row");
            assert_eq!(by_reference(&plan, row), expected, "{code}\nover {row}");
        }
    }
}

#[test]
fn random_loops_mean_what_rustc_says() {
    let programs = programs(0x5eed_0002, |random, round| random.program(2 + round % 4));
    let Some(expected) = by_rustc(&programs) else { return };
    let mut expected = expected.lines();
    for code in &programs {
        let plan = plan(code);
        for row in ROWS {
            let expected = expected.next().expect("a line for each program and row");
            assert_eq!(by_reference(&plan, row), expected, "{code}\nover {row}");
        }
    }
}

/// A line per program and row: the fields of the result, or `error`. Nothing if there is no rustc.
fn by_rustc(programs: &[String]) -> Option<String> {
    let mut text = String::from("#![allow(warnings, arithmetic_overflow, unconditional_panic)]\n");
    text.push_str(&HELPERS.replace("#[sabot::record]", "#[derive(Clone, Copy)]"));
    text.push_str(RECORDS);
    text.push_str("fn rows() -> Vec<Quote> {\n    let row = |instrument_id, symbol, price, volume, lots, venue, bid, hot| Quote { instrument_id, symbol, price, volume, lots, venue, bid, hot };\n    vec![\n");
    for row in ROWS {
        let _ = writeln!(text, "        row({row}),");
    }
    text.push_str("    ]\n}\n");
    for (i, code) in programs.iter().enumerate() {
        let _ = writeln!(text, "fn p{i}(q: &Quote, n: i64) -> Mini {{ {code} }}");
    }
    text.push_str("fn show(m: Mini) -> String { let b = m.b.map_or(\"None\".to_string(), |b| if b.is_nan() { \"NaN\".to_string() } else { format!(\"{:016x}\", b.to_bits()) }); format!(\"{} {b} {}\", m.a, m.c) }\n");
    text.push_str("fn main() {\n    std::panic::set_hook(Box::new(|_| {}));\n    let rows = rows();\n    let programs: Vec<fn(&Quote, i64) -> Mini> = vec![");
    for i in 0..programs.len() {
        let _ = write!(text, "p{i}, ");
    }
    text.push_str("];\n    for p in programs { for q in &rows { println!(\"{}\", std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| show(p(q, 2)))).unwrap_or(\"error\".to_string())); } }\n}\n");

    let thread = std::thread::current();
    let name = thread.name().unwrap_or("test").to_owned();
    let folder = std::env::temp_dir().join(format!("sabot-rustc-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the program");
    let (source, program) = (folder.join("programs.rs"), folder.join("programs"));
    std::fs::write(&source, text).expect("the program can be written");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let compiled = Command::new(rustc)
        .args(["--edition", "2024", "-C", "overflow-checks=on", "-C", "opt-level=0", "-o"])
        .arg(&program)
        .arg(&source)
        .output();
    let Ok(compiled) = compiled else { return None };
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(&program).output().expect("the program runs");
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    Some(String::from_utf8(output.stdout).expect("the program prints text"))
}

fn plan(code: &str) -> Plan {
    let job = format!(
        "{HELPERS}\n#[sabot::record]{RECORDS}\n#[sabot::pipeline]\nfn job(#[sabot(default = 2)] n: i64) {{\n    source::<Quote>(\"q\", csv(\"q.csv\")).map(|q| {code}).sink(\"o\", csv(\"o.csv\"));\n}}\n"
    );
    let mut diagnostics = Diagnostics::new();
    let graphs = parse(&job, &mut diagnostics);
    let plan = graphs.first().and_then(|graph| check(graph, &Catalog::default(), &mut diagnostics));
    plan.unwrap_or_else(|| panic!("{code}\n{diagnostics:#?}"))
}

fn by_reference(plan: &Plan, row: &str) -> String {
    let row = values(row);
    let columns = plan
        .nodes
        .iter()
        .find_map(|node| if let Operator::Project { columns } = &node.operator { Some(columns) } else { None })
        .expect("a map is a projection");
    let values: Result<Vec<Value>, _> = columns.iter().map(|column| evaluate(column, &row, &[Value::Int(2)])).collect();
    let Ok(values) = values else { return "error".to_owned() };
    let [Value::Int(a), b, Value::Bool(c)] = values.as_slice() else { panic!("{values:?}") };
    let b = match b {
        Value::Float64(b) if b.is_nan() => "NaN".to_owned(),
        Value::Float64(b) => format!("{:016x}", b.to_bits()),
        Value::Null => "None".to_owned(),
        other @ (Value::Unit
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float32(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::List(_)) => panic!("{other:?}"),
    };
    format!("{a} {b} {c}")
}

/// The same row as values.
fn values(row: &str) -> Vec<Value> {
    let int = |text: &str| match text {
        "i64::MAX" => Value::Int(i64::MAX.into()),
        "i64::MIN" => Value::Int(i64::MIN.into()),
        "u32::MAX" => Value::Int(u32::MAX.into()),
        number => Value::Int(number.parse().expect("a number")),
    };
    let float = |text: &str| match text {
        "f64::NAN" => Value::Float64(f64::NAN),
        "f64::INFINITY" => Value::Float64(f64::INFINITY),
        number => Value::Float64(number.parse().expect("a number")),
    };
    let string = |text: &str| Value::String(text.split('"').nth(1).unwrap_or_default().to_owned());
    let some = |text: &str, value: &dyn Fn(&str) -> Value| match text.strip_prefix("Some(") {
        Some(inner) => value(inner.strip_suffix(')').expect("closed")),
        None => Value::Null,
    };
    let fields: Vec<&str> = row.split(", ").collect();
    vec![
        int(fields[0]),
        string(fields[1]),
        float(fields[2]),
        int(fields[3]),
        int(fields[4]),
        some(fields[5], &string),
        some(fields[6], &float),
        Value::Bool(fields[7] == "true"),
    ]
}
