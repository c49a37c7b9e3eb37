//! What rustc says of a job with mistakes: the front end's messages, on the tokens that they speak of. Each case is a
//! snapshot of the file and rustc's output.
#![allow(missing_docs, reason = "a test")]

use sabot_snapshots::assert_stage;
use sabot_snapshots::rustc::facade;

const RECORDS: &str = "#[sabot::record]
struct Quote { symbol: String, price: f64, volume: i64 }

#[sabot::record]
pub struct Out { symbol: String, value: f64 }
";

/// Compiles a file and keeps what is said.
fn check(name: &str, source: &str) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    std::fs::write(folder.path().join("job.rs"), source).expect("the file can be written");
    let output = facade()
        .compiler("rustc", folder.path())
        .args(["--crate-type", "lib", "--crate-name", "job", "--emit", "metadata", "job.rs"])
        .output()
        .expect("rustc can be started");
    let said = String::from_utf8(output.stderr).expect("rustc writes text");
    assert!(!said.is_empty(), "{name}: nothing is said");
    assert_stage!("macros", name, format!("{}\n\n{}", source.trim(), said.trim()));
}

/// Compiles a pipeline with this body, and other items before it.
fn check_job(name: &str, items: &str, body: &str) {
    let source = format!(
        "use sabot::prelude::*;\n\n{RECORDS}\n{items}\n#[sabot::pipeline]\npub fn job(#[sabot(default = 2.0)] least: f64) {{\n    let quotes = source::<Quote>(\"quotes\", csv(\"quotes.csv\"));\n{body}\n}}\n"
    );
    check(name, &source);
}

const MAP: &str = "    quotes
        .filter(|q| q.price > least)
        .map(|q| Out { symbol: q.symbol, value: f(q.price) })
        .sink(\"out\", csv(\"out.csv\"));";

#[test]
fn in_a_closure() {
    check_job("closure", "", "    quotes.filter(|q| q.prise > leest).sink(\"o\", csv(\"o.csv\"));");
}

#[test]
fn of_a_method() {
    check_job("method", "", "    quotes.fliter(|q| q.price > least).sink(\"o\", csv(\"o.csv\"));");
}

#[test]
fn of_a_whole_pipeline() {
    check_job("writes_nothing", "", "    quotes.filter(|q| q.price > least);");
}

#[test]
fn in_an_aggregate() {
    check_job(
        "aggregate",
        "#[sabot::record]
struct Sum { total: i64 }

#[sabot::aggregate]
impl Sum {
    fn init() -> Self { Self { total: 0 } }
    fn add(self, volume: i64) -> Self { Self { total: self.total + volum } }
    fn finish(self) -> i64 { self.total }
}
",
        "    quotes.key_by(|q| q.symbol.clone())
        .aggregate(|g| Out { symbol: g.key(), value: g.aggregate::<Sum>(|q| q.volume) as f64 })
        .sink(\"out\", csv(\"out.csv\"));",
    );
}

#[test]
fn in_a_udf() {
    check_job("udf", "#[sabot::udf]\nfn f(price: f64) -> f64 {\n    let größe = price * 2;\n    größe\n}\n", MAP);
}

#[test]
fn in_a_helper_without_an_attribute() {
    check_job("helper", "fn f(price: f64) -> f64 {\n    unsafe { price }\n}\n", MAP);
}

#[test]
fn in_records() {
    check(
        "record",
        "use sabot::prelude::*;

#[sabot::record]
#[sabot(rename_all = \"camelCas\")]
struct Quote {
    #[sabot(renam = \"x\")]
    symbol: String,
    at: std::time::Instant,
}

#[sabot::record]
struct Pair(i64, i64);
",
    );
}

#[test]
fn of_a_file_without_a_pipeline() {
    check("only_functions", "#[sabot::udf]\npub fn f(x: i64) -> i64 {\n    x + 1.5\n}\n");
}

#[test]
fn warnings_are_warnings() {
    check_job(
        "warning",
        "#[sabot::udf]\nfn f(price: f64) -> f64 {\n    match price as i64 {\n        n => n as f64,\n        1 => 1.0,\n    }\n}\n",
        MAP,
    );
}

#[test]
fn attributes_where_they_do_not_belong() {
    check(
        "places",
        "#[sabot::record]\nfn f() {}\n\n#[sabot::udf]\nstruct S;\n\n#[sabot::pipeline]\nconst K: i64 = 1;\n",
    );
}

#[test]
fn a_pipeline_made_by_a_macro() {
    check(
        "inside_a_macro",
        "use sabot::prelude::*;

#[sabot::record]
struct Quote { price: f64 }

macro_rules! job {
    ($name:ident, $price:ident) => {
        #[sabot::pipeline]
        pub fn $name() {
            source::<Quote>(\"quotes\", csv(\"quotes.csv\")).filter(|q| q.$price > 1.0).sink(\"o\", csv(\"o.csv\"));
        }
    };
}
job!(prices, price);
",
    );
}

#[test]
fn what_only_rustc_knows() {
    check_job(
        "borrows",
        "#[sabot::udf]\nfn f(price: f64) -> f64 {\n    price\n}\n",
        "    quotes.key_by(|q| q.symbol).aggregate(|g| Out { symbol: g.key(), value: g.sum(|q| f(q.price) + least) }).sink(\"o\", csv(\"o.csv\"));",
    );
}
