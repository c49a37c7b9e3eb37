//! What the parser says about mistakes: each case is a snapshot of source and messages.
#![allow(missing_docs, reason = "a test")]

use sabot_compiler::parse::{graph_from_json, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display::diagnostic::render_all;
use sabot_snapshots::assert_stage;

/// Parses a whole file and keeps what is said.
fn check_file(name: &str, source: &str) {
    let mut diagnostics = Diagnostics::new();
    parse(source, &mut diagnostics);
    assert!(!diagnostics.is_empty(), "{name}: nothing is said");
    assert_stage!("diagnostics", name, render_all(source, "job.rs", &diagnostics));
}

/// Parses the body of a pipeline that has two sources, `quotes` and `securities`.
fn check(name: &str, body: &str) {
    let source = format!(
        "#[sabot::record]
struct Quote {{ id: i64, price: f64, at: Timestamp }}
const LIMIT: i64 = 10;
const FILE: &str = \"out.csv\";

#[sabot::pipeline]
fn job(min_price: f64) {{
    let quotes = source::<Quote>(\"quotes\", csv(\"quotes.csv\"));
    let securities = table::<Quote>(\"securities\", parquet(\"s.parquet\"));
{body}
}}
"
    );
    check_file(name, &source);
}

fn check_json(name: &str, text: &str) {
    let diagnostics = graph_from_json(text).expect_err("the graph has mistakes");
    assert_stage!("diagnostics", name, render_all(text, "graph.json", &diagnostics));
}

#[test]
fn not_rust() {
    check_file("E0100_missing_semicolon", "#[sabot::pipeline]\nfn job() {\n    let a = 1\n    let b = 2;\n}\n");
    check_file("E0100_open_bracket", "#[sabot::pipeline]\nfn job() {\n    quotes.filter(|q| q.price > 1.0;\n}\n");
    check_file("E0100_end_of_file", "#[sabot::record]\n");
    check_file("E0100_bracket", "fn f() {\n    let x = (1;\n}\n\nfn g() { \"}\" }");
    check_file("E0100_literal", "fn f() -> bool { 'ab' == \"x }\n");
    check_file("E0101_nested_too_deep", &format!("const A: i64 = {}1{};", "(".repeat(100), ")".repeat(100)));
}

#[test]
fn items() {
    check_file(
        "E0200_items",
        "trait Price { fn price(&self) -> f64; }
impl Quote { fn mid(&self) -> f64 { 0.0 } }
enum Side { Buy, Sell }
static COUNT: i64 = 0;
type Price = f64;
mod helpers { pub fn f() {} }
macro_rules! m { () => {} }
extern \"C\" { fn puts(text: *const u8); }
",
    );
    check_file(
        "E0205_records",
        "#[sabot::record]
struct Pair(i64, f64);

#[sabot::record]
struct Generic<T> { value: T }

#[sabot::record]
#[sabot(rename_all = \"camelcase\")]
struct Quote {
    id: i64,
    #[sabot(renam = \"ID\")]
    key: &mut i64,
    #[sabot(rename = \"id\")]
    number: [u8; 4],
    id: i64,
}

struct Plain { id: i64 }

#[sabot::pipeline]
fn job() {
    source::<Plain>(\"plain\", stdin().format(Format::Csv)).sink(\"out\", stdout());
}
",
    );
    check_file(
        "E0220_signatures",
        "#[sabot::udf(maths = \"fast\")]
async fn generic<T>(x: T, x: f64) -> f64 { x }

#[sabot::udf]
unsafe fn no_name((a, b): (f64, f64)) {}

#[sabot::pipeline]
fn job(&self, #[sabot(defaul = 1)] a: f64) -> i64 {
    source::<Row>(\"rows\", csv(\"rows.csv\")).sink(\"out\", stdout());
}
",
    );
    check_file("E0221_no_pipeline", "use sabot::prelude::*;\n");
}

#[test]
fn code() {
    check(
        "E0201_forms",
        "    quotes
        .filter(|q| {
            let mut total = 0.0;
            for x in 0..10 { total += x; }
            while total < 1.0 { total = 2.0; }
            let x = unsafe { total };
            f(x) = 3; x + 1 += 2;
            x
        })
        .map(|q| async { q.await })
        .map(|Quote { id, .. }| Quote { id, ..  })
        .filter(|q| { println!(\"{q}\"); sum![1] })
        .map(|q| (q.items)(1) + Vec::<i64>::new() + <i64 as Default>::default())
        .filter(|&mut q| (let Some(x) = q.a))
        .sink(\"out\", csv(FILE));",
    );
    check(
        "E0102_literals",
        "    quotes.filter(|q| q.price > 1e999 && q.id < 99999999999999999999999999999999999999999 && q.x < 1kb && q.y > 1usize && c\"x\")
        .sink(\"out\", csv(FILE));",
    );
    // A helper that no job reaches may do what it wants.
    check_file(
        "E0201_reached_helper",
        "const STEPS: i64 = async { 1 };
fn unreached() { unsafe {} }
fn reached(x: f64) -> f64 { for i in 0..STEPS { println!(\"{i}\"); } x }

#[sabot::pipeline]
fn job() {
    source::<Row>(\"rows\", csv(\"rows.csv\")).map(|r| reached(r.x)).sink(\"out\", stdout());
}
",
    );
}

#[test]
fn streams() {
    check(
        "E0209_methods",
        "    quotes.fliter(|q| q.price > 1.0).sink(\"a\", stdout());
    quotes.group_by(|q| q.id).sink(\"b\", stdout());
    quotes.key_by(|q| q.id).agregate(|g| g.count()).sink(\"c\", stdout());
    quotes.hash_join(securities).on(|q| q.id, |s| s.id).inner().sink(\"d\", stdout());
    quotes.asof_join(securities).sink(\"e\", stdout());
    quotes.frobnicate();",
    );
    check(
        "E0207_streams",
        "    quote.filter(|q| q.price > 1.0).sink(\"a\", stdout());
    let total = 1 + 2;
    println!(\"{}\", 1);
    for i in 0..3 { }
    let (a, b) = quotes.filter(|q| true);
    quotes.union(securitis).sink(\"b\", stdout());
    souce::<Quote>(\"x\", stdin()).sink(\"c\", stdout());
    quotes.sink(\"d\", stdout()).limit(3);",
    );
    check(
        "E0210_arguments",
        "    quotes.filter(q.price > 1.0).sink(\"a\", stdout());
    quotes.filter(|q, s| q.price > 1.0).limit(LIMITS).sink(\"b\", stdout());
    quotes.map().top_n(\"ten\", |q| q.price).sink(\"c\", stdout());
    quotes.select([\"id\"]).sink(\"d\", stdout());
    quotes.sink(stdout());
    quotes.sink(42, \"out.csv\");
    source(\"untyped\", csv(\"x.csv\")).sink(\"e\", stdout());
    quotes.hash_join(securities).on(|q| q.id).map(|q, s| q).sink(\"f\", stdout());
    quotes.filter(is_missing).named(\"\").sink(\"g\", stdout());
    quotes.window(tumbling(5)).aggregate(|w| w.count()).sink(\"h\", stdout());
    quotes.window(sliding(minutes(5))).aggregate(|w| w.count()).sink(\"i\", stdout());
    quotes.window(hopping(minutes(5))).aggregate(|w| w.count()).sink(\"j\", stdout());",
    );
    check(
        "E0211_connectors",
        "    source::<Quote>(\"a\", parquett(\"x\")).sink(\"b\", stdin());
    source::<Quote>(\"c\", stdout()).sink(\"d\", nexmark());
    source::<Quote>(\"e\", \"x.csv\").sink(\"f\", csv());
    source::<Quote>(\"g\", kafka(topic).format(Format::Arow)).sink(\"h\", csv(\"h.csv\").format(Format::Parquet));
    quotes.sink(\"i\", csv(\"i.csv\").delimiter(\";\").delimiter(\",\").columns(1, 2).quote(|q| q));",
    );
    check(
        "E0213_places",
        "    quotes.filter(|q| true).event_time(|q| q.at, lateness(seconds(5))).sink(\"a\", stdout());
    quotes.primary_key(|q| q.id).sink(\"b\", stdout());
    quotes.map(|q| q).late(\"late\", stdout()).sink(\"c\", stdout());
    quotes.hash_join(securities).filter(|q| true).sink(\"d\", stdout());
    quotes.hash_join(securities).on(|q| q.id, |s| s.id).filter(|q| true).sink(\"e\", stdout());
    quotes.key_by(|q| q.id).map(|q| q).sink(\"f\", stdout());
    quotes.map(|q| q).skip_errors().errors(\"bad\", stdout()).named(\"x\").named(\"y\").sink(\"g\", stdout());
    quotes.named(\"z\").sink(\"h\", stdout());",
    );
    check(
        "E0214_unfinished",
        "    quotes.key_by(|q| q.id);
    quotes.hash_join(securities);
    let pairs = quotes.hash_join(securities).on(|q| q.id, |s| s.id);
    quotes.window(count(10));
    securities.union(quotes.key_by(|q| q.id)).sink(\"a\", stdout());",
    );
    check(
        "E0215_names",
        "    quotes.filter(|q| true).named(\"quotes\").sink(\"out\", stdout());
    quotes.sink(\"out\", csv(FILE));",
    );
    check("E0217_writes_nothing", "    quotes.filter(|q| q.price > min_price);");
    check("E0218_unread", "    let high = quotes.filter(|q| true);\n    quotes.sink(\"a\", stdout());");
}

#[test]
fn json() {
    check_json("E0230_json", "{\n  \"sabot_job_graph\": 1,\n  \"job_name\": \"x\",\n}\n");
    check_json(
        "E0231_json_shape",
        r#"{
  "sabot_job_graph": 1,
  "operators": [
    {"type": "SOURCE", "name": "quotes", "parameters": {"kafka_topic": 3, "format": "xml"}},
    {"type": "SOURCE", "name": "quotes"},
    {"type": "FILTERS", "name": "high"},
    {"type": "FILTER", "name": "low", "parameters": {"colum": "price", "value": null}},
    {"type": "FILTER", "parameters": []},
    {"type": "LIMIT", "name": "ten", "parameters": {"count": 10}},
    {"type": "LIMIT", "name": "n", "paramters": {}},
    {"type": "MAP", "name": "code", "function": "|q| q"},
    {"type": "MAP", "name": "bad", "function": {"rust": "|q| \"a\\\"ä\" + q.x +"}},
    {"type": "MAP", "name": "loops", "function": {"rust": "|q| {\n  \"a\\\"ä\"; unsafe {}\n}"}, "parameters": {"errors": "nowhere"}},
    {"type": "SINK", "name": "out"}
  ],
  "edges": [{"from": "quotes", "to": "ou"}, {"from": "out", "to": "quotes"}, {"to": "out"}],
  "records": [{"name": "Quote", "fields": [{"name": "price", "type": "f6 4"}, {"name": "price", "type": "f64"}]}],
  "params": [{"name": "min", "type": "f64", "default": []}],
  "functions": ["fn f() {}"]
}
"#,
    );
    check_json(
        "E0235_json_cycle",
        r#"{"sabot_job_graph": 1, "job_name": "x",
 "operators": [{"type": "UNION", "name": "a"}, {"type": "UNION", "name": "b"}],
 "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "a"}]}
"#,
    );
    check_json("E0233_json_version", "{\"sabot_job_graph\": 2}");
}
