//! UDFs as rustc means them: a file of ordinary Rust functions, each called on every row of a table, once as a job that any
//! of our implementations can run ([`Programs::job`]) and once as a program of rustc's ([`Programs::by_rustc`]).
//!
//! Every `#[sabot::udf]` of the file is a program; its parameters are named after the columns it takes. Everything else in
//! the file (records, helpers, constants) is there for them. What rustc's program prints of a value is what the tests print
//! of theirs: [`Cell::shown`] is the law for both.

use crate::rustc::facade;
use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// `None`.
    Null,
    /// `bool`.
    Bool(bool),
    /// Integers; the days of a `Date`, the microseconds of a `Timestamp` or `Duration`, a `Decimal` times 10^9.
    Int(i128),
    /// `f32`, which is exact in it, and `f64`.
    Float(f64),
    /// `String`.
    Text(String),
}

impl Cell {
    /// How a value is printed: NaNs are all alike, other floats are their bits.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Null => "None".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) if value.is_nan() => "NaN".to_owned(),
            Self::Float(value) => format!("{:016x}", value.to_bits()),
            Self::Text(value) => format!("{value:?}"),
        }
    }

    /// The value as Rust writes one of this type.
    fn code(&self, ty: &str) -> String {
        if let Some(inner) = ty.strip_prefix("Option<").and_then(|inner| inner.strip_suffix('>')) {
            return if *self == Self::Null { "None".to_owned() } else { format!("Some({})", self.code(inner)) };
        }
        match (self, ty) {
            (Self::Int(value), "Date") => format!("Date::from_days({value})"),
            (Self::Int(value), "Timestamp") => format!("Timestamp::from_micros({value})"),
            (Self::Int(value), "Duration") => format!("Duration::from_micros({value})"),
            (Self::Int(value), "Decimal") => format!("Decimal::from_unscaled({value}).unwrap()"),
            (Self::Int(value), _) => format!("{value}{ty}"),
            (Self::Float(value), "f32") => format!("f32::from_bits({})", (*value as f32).to_bits()),
            (Self::Float(value), _) => format!("f64::from_bits({})", value.to_bits()),
            (Self::Bool(value), _) => value.to_string(),
            (Self::Text(value), _) => format!("{value:?}.to_string()"),
            (Self::Null, _) => panic!("`None` is no {ty}"),
        }
    }
}

/// The rows that programs are called on.
#[derive(Clone, Debug)]
pub struct Table {
    /// Name and type of each column. The first is `id`, an `i64` that is different in every row.
    pub columns: Vec<(String, String)>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

/// Days, and microseconds of times: the first ones after and before the epoch, leap days, the ends of years.
const DAYS: [i128; 10] = [0, -1, 19_782, 11_016, -25_567, 20_088, 20_089, 365, 2_932_896, -719_162];
const INTEGERS: [i128; 14] = [0, 1, -1, 2, 7, -7, 10, 63, 64, 100, 1_000, -250, 1 << 53, -(1 << 31)];
const FLOATS: [f64; 16] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1.5,
    -2.5,
    3.0,
    100.25,
    1e-300,
    1e300,
    9_007_199_254_740_993.0,
    f64::MIN_POSITIVE,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];
const TEXTS: [&str; 20] = [
    "",
    "a",
    "b",
    "abc",
    "ABC",
    "  padded ",
    "a,b,,c",
    "key=value",
    "42",
    "-7",
    "1.5",
    "äöü€𝄞",
    "ß",
    "{\"a\": 1, \"b\": [true, \"x\"]}",
    "https://example.com/path?q=1",
    "2024-02-29",
    "2024-02-29T12:30:45.5Z",
    "line\nbreak\t\"quoted\"",
    "aaa",
    "a longer text that no inline view can hold, with several words",
];

impl Table {
    /// Edge values of every type, in many combinations: `id`, `a b: i64`, `i: i32`, `u: u32`, `x y: f64`, `f: f32`,
    /// `s t: String`, `flag: bool`, `o: Option<i64>`, `p: Option<f64>`, `q: Option<String>`, `day: Date`, `at: Timestamp`,
    /// `span: Duration`, `d: Decimal`, the smaller integers `tiny h j k`, `w: u64`, and Options `m r z when fee g`. Of every 64
    /// rows the first half has a `None` in one of two, the third quarter in nearly all, the last in nearly none.
    #[must_use]
    pub fn of_edges(rows: usize) -> Self {
        const COLUMNS: [(&str, &str); 29] = [
            ("id", "i64"),
            ("a", "i64"),
            ("b", "i64"),
            ("i", "i32"),
            ("u", "u32"),
            ("x", "f64"),
            ("y", "f64"),
            ("f", "f32"),
            ("s", "String"),
            ("t", "String"),
            ("flag", "bool"),
            ("o", "Option<i64>"),
            ("p", "Option<f64>"),
            ("q", "Option<String>"),
            ("day", "Date"),
            ("at", "Timestamp"),
            ("span", "Duration"),
            ("d", "Decimal"),
            ("tiny", "i8"),
            ("h", "i16"),
            ("j", "u8"),
            ("k", "u16"),
            ("w", "u64"),
            ("m", "Option<i32>"),
            ("r", "Option<bool>"),
            ("z", "Option<u8>"),
            ("when", "Option<Timestamp>"),
            ("fee", "Option<Decimal>"),
            ("g", "Option<f32>"),
        ];
        let columns = COLUMNS.map(|(name, ty)| (name.to_owned(), ty.to_owned()));
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut below = |bound: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap_or(0) % bound
        };
        let mut cell = |ty: &str| -> Cell {
            let mut of = |list: &[i128], least: i128, greatest: i128| match below(list.len() + 2) {
                0 => Cell::Int(least),
                1 => Cell::Int(greatest),
                at => Cell::Int(list[at - 2].clamp(least, greatest)),
            };
            const MICROS: [i128; 8] =
                [0, 1, -1, 1_500_000, -60_000_000, 86_400_000_000, 1_709_209_845_500_000, -1_000_001];
            const UNSCALED: [i128; 9] =
                [0, 1, -1, 1_000_000_000, 500_000_000, -2_500_000_000, 19_990_000_000, 3_333_333_333, 1 << 80];
            match ty {
                "i64" => of(&INTEGERS, i64::MIN.into(), i64::MAX.into()),
                "i32" => of(&INTEGERS, i32::MIN.into(), i32::MAX.into()),
                "i16" => of(&INTEGERS, i16::MIN.into(), i16::MAX.into()),
                "i8" => of(&INTEGERS, i8::MIN.into(), i8::MAX.into()),
                "u64" => of(&INTEGERS, 0, u64::MAX.into()),
                "u32" => of(&INTEGERS, 0, u32::MAX.into()),
                "u16" => of(&INTEGERS, 0, u16::MAX.into()),
                "u8" => of(&INTEGERS, 0, u8::MAX.into()),
                "Date" => of(&DAYS, -719_162, 2_932_896),
                "Timestamp" => of(&MICROS, -62_135_596_800_000_000, 253_402_300_799_999_999),
                "Duration" => of(&MICROS, i64::MIN.into(), i64::MAX.into()),
                "Decimal" => of(&UNSCALED, -(10_i128.pow(38) - 1), 10_i128.pow(38) - 1),
                "f32" => Cell::Float(f64::from(FLOATS[below(FLOATS.len())] as f32)),
                "f64" => Cell::Float(FLOATS[below(FLOATS.len())]),
                "bool" => Cell::Bool(below(2) == 0),
                _ => Cell::Text(TEXTS[below(TEXTS.len())].to_owned()),
            }
        };
        let rows = (0_i128..).take(rows).map(|id| {
            let mut of = |ty: &str| match ty.strip_prefix("Option<").and_then(|inner| inner.strip_suffix('>')) {
                Some(inner) => {
                    let again = cell("bool") == Cell::Bool(true) && cell("bool") == Cell::Bool(true);
                    let is_null = match id % 64 {
                        0..32 => cell("bool") == Cell::Bool(true),
                        32..48 => !again,
                        _ => again,
                    };
                    if is_null { Cell::Null } else { cell(inner) }
                }
                None => cell(ty),
            };
            columns.iter().map(|(name, ty)| if name == "id" { Cell::Int(id) } else { of(ty) }).collect()
        });
        let rows = rows.collect();
        Self { columns: columns.to_vec(), rows }
    }

    /// The columns for which it is said.
    fn only(self, kept: &[bool]) -> Self {
        fn keep<T>(list: Vec<T>, kept: &[bool]) -> Vec<T> {
            list.into_iter().zip(kept).filter_map(|(item, kept)| kept.then_some(item)).collect()
        }
        let rows = self.rows.into_iter().map(|row| keep(row, kept)).collect();
        Self { columns: keep(self.columns, kept), rows }
    }
}

/// A function that is called on every row.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// What it is called with: `name(r.a, &r.s)`.
    call: String,
    /// What it returns.
    returns: String,
    /// The columns it takes.
    columns: Vec<String>,
}

/// What a program made of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A value, as [`Cell::shown`].
    Value(String),
    /// It panicked.
    Panic(String),
}

/// Functions and the rows that they are called on.
#[derive(Clone, Debug)]
pub struct Programs {
    text: String,
    table: Table,
    /// The functions, in the order of the text.
    pub list: Vec<Program>,
}

const UDF: &str = "#[sabot::udf]";

impl Programs {
    /// The functions of a text.
    ///
    /// # Panics
    /// A `#[sabot::udf]` has no plain signature, or a parameter that is no column of the table.
    #[must_use]
    pub fn new(text: &str, table: Table) -> Self {
        let list: Vec<Program> = text.split(UDF).skip(1).map(|behind| program(behind, &table)).collect();
        let is_used =
            |(name, _): &(String, String)| name == "id" || list.iter().any(|program| program.columns.contains(name));
        let used: Vec<bool> = table.columns.iter().map(is_used).collect();
        let table = table.only(&used);
        Self { text: text.to_owned(), table, list }
    }

    /// The rows that the functions are called on.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// A job that reads the table from the source `rows` and writes, for each program, `id` and `value` of the rows that it
    /// can compute to the sink of its name.
    #[must_use]
    pub fn job(&self) -> String {
        let mut job = format!("{}\nuse sabot::prelude::*;\n\n#[sabot::record]\n{}\n", self.text, self.row());
        for program in &self.list {
            let Program { name, returns, .. } = program;
            let _ = write!(job, "\n#[sabot::record]\nstruct Of_{name} {{\n    id: i64,\n    value: {returns},\n}}\n");
        }
        job += "\n#[sabot::pipeline]\nfn job() {\n    let rows = source::<Row>(\"rows\", arrow(\"rows.arrow\"));\n";
        for Program { name, call, .. } in &self.list {
            let _ = writeln!(
                job,
                "    rows.map(|r| Of_{name} {{ id: r.id, value: {call} }}).skip_errors().sink(\"{name}\", arrow(\"{name}.arrow\"));"
            );
        }
        job + "}\n"
    }

    fn row(&self) -> String {
        let mut fields = String::new();
        for (name, ty) in &self.table.columns {
            let _ = writeln!(fields, "    {name}: {ty},");
        }
        format!("struct Row {{\n{fields}}}")
    }

    /// What rustc's program makes of each row, by program. Nothing if there is no rustc.
    ///
    /// # Panics
    /// rustc refuses the text, or a program does not end within two minutes.
    #[must_use]
    pub fn by_rustc(&self) -> Option<Vec<Vec<Outcome>>> {
        let folder = std::env::temp_dir().join(format!("sabot-programs-{}-{:p}", std::process::id(), self));
        std::fs::create_dir_all(&folder).expect("a folder for the program");
        std::fs::write(folder.join("programs.rs"), self.rust()).expect("the program can be written");
        let compiled = facade()
            .compiler("rustc", &folder)
            .args(["-C", "overflow-checks=on", "-C", "opt-level=0", "-C", "debuginfo=0", "--cap-lints", "allow"])
            .args(["-o", "programs", "programs.rs"])
            .output();
        let Ok(compiled) = compiled else { return None };
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let output = std::fs::File::create(folder.join("output")).expect("a file for what is printed");
        let started = Command::new(folder.join("programs")).stdout(output).stderr(Stdio::null()).spawn();
        wait(started.expect("the program can be started"));
        let printed = std::fs::read_to_string(folder.join("output")).expect("the program prints text");
        std::fs::remove_dir_all(&folder).expect("the folder can be removed");
        let mut lines = printed.lines();
        let mut outcome = || {
            let line = lines.next().expect("a line for each program and row");
            match line.strip_prefix("panic: ") {
                Some(message) => Outcome::Panic(message.to_owned()),
                None => Outcome::Value(line.to_owned()),
            }
        };
        Some(self.list.iter().map(|_| self.table.rows.iter().map(|_| outcome()).collect()).collect())
    }

    /// The program that rustc compiles. It has no attributes of Sabot's: it is Rust and nothing else.
    fn rust(&self) -> String {
        const DERIVED: &str = "#[derive(Clone, Debug, PartialEq)]";
        let plain = self.text.replace(UDF, "").replace("#[sabot::record]", DERIVED);
        let mut text = format!("{plain}\nuse sabot::prelude::*;\n{SHOW}\n{DERIVED}\n{}\n", self.row());
        text += "fn rows() -> Vec<Row> {\n    let mut rows = Vec::new();\n";
        for row in &self.table.rows {
            text += "    rows.push(Row { ";
            for ((name, ty), cell) in self.table.columns.iter().zip(row) {
                let _ = write!(text, "{name}: {}, ", cell.code(ty));
            }
            text += "});\n";
        }
        text += "    rows\n}\nfn main() {\n    std::panic::set_hook(Box::new(|_| {}));\n    let rows = rows();\n";
        for Program { call, .. } in &self.list {
            let _ = writeln!(text, "    run(&rows, |r| {call}.show());");
        }
        text + "}\n"
    }
}

/// How the program prints; the same as [`Cell::shown`].
const SHOW: &str = r#"
trait Show { fn show(&self) -> String; }
macro_rules! by_display { ($($ty:ty)*) => { $(impl Show for $ty { fn show(&self) -> String { self.to_string() } })* } }
by_display!(bool i8 i16 i32 i64 isize u8 u16 u32 u64 usize);
impl Show for f64 { fn show(&self) -> String { if self.is_nan() { "NaN".to_string() } else { format!("{:016x}", self.to_bits()) } } }
impl Show for f32 { fn show(&self) -> String { f64::from(*self).show() } }
impl Show for String { fn show(&self) -> String { format!("{self:?}") } }
impl Show for &str { fn show(&self) -> String { format!("{self:?}") } }
impl<T: Show> Show for Option<T> { fn show(&self) -> String { self.as_ref().map_or("None".to_string(), |value| value.show()) } }
impl Show for Date { fn show(&self) -> String { self.as_days().to_string() } }
impl Show for Timestamp { fn show(&self) -> String { self.as_micros().to_string() } }
impl Show for Duration { fn show(&self) -> String { self.as_micros().to_string() } }
impl Show for Decimal { fn show(&self) -> String { self.unscaled().to_string() } }
fn run(rows: &[Row], program: impl Fn(Row) -> String) {
    for row in rows {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| program(row.clone())));
        println!("{}", outcome.unwrap_or_else(|panic| {
            let message = panic.downcast_ref::<String>().cloned();
            let message = message.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
            format!("panic: {}", message.unwrap_or_default().replace('\n', " "))
        }));
    }
}
"#;

/// The function behind an attribute.
fn program(behind: &str, table: &Table) -> Program {
    let signature = behind.split('{').next().unwrap_or_default();
    let plain = || -> Option<(&str, &str, &str)> {
        let (name, rest) = signature.split_once("fn ")?.1.split_once('(')?;
        let (params, returns) = rest.rsplit_once("->")?;
        Some((name.trim(), params.trim().strip_suffix(')')?, returns.trim()))
    };
    let (name, params, returns) = plain().unwrap_or_else(|| panic!("no plain function: {signature}"));
    let (mut arguments, mut columns) = (Vec::new(), Vec::new());
    for param in params.split(',').map(str::trim).filter(|param| !param.is_empty()) {
        let (column, ty) = param.split_once(':').unwrap_or_else(|| panic!("{name}: `{param}` is no parameter"));
        let (column, ty) = (column.trim().trim_start_matches("mut "), ty.trim());
        assert!(table.columns.iter().any(|(known, _)| known == column), "there is no column `{column}`: {signature}");
        arguments.push(if ty.starts_with('&') { format!("&r.{column}") } else { format!("r.{column}") });
        columns.push(column.to_owned());
    }
    let call = format!("{name}({})", arguments.join(", "));
    Program { name: name.to_owned(), call, returns: returns.to_owned(), columns }
}

fn wait(mut program: Child) {
    let started = Instant::now();
    while program.try_wait().expect("the program can be waited for").is_none() {
        if started.elapsed() > Duration::from_secs(120) {
            let _ = program.kill();
            panic!("a program has run for two minutes: an endless loop?");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
