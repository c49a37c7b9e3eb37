//! The JSON form of graphs: the guide's example, and that nothing is lost on the way there and back.
#![allow(missing_docs, reason = "a test")]

use sabot_compiler::Catalog;
use sabot_compiler::check::check;
use sabot_compiler::parse::{graph_from_json, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display;
use sabot_ir::job_graph::{JobGraph, OperatorType, Value};
use sabot_ir::plan::Plan;
use sabot_snapshots::assert_stage;
use std::fs;
use std::path::Path;

const GUIDE: &str = r#"{
  "sabot_job_graph": 1,
  "job_name": "quote_enrichment",
  "operators": [
    {"type": "SOURCE", "name": "quotes_source", "parameters": {"kafka_topic": "market.quotes"}},
    {"type": "SOURCE", "name": "securities_source", "parameters": {"kafka_topic": "reference.securities"}},
    {"type": "FILTER", "name": "filter_expensive", "parameters": {"column": "price", "value": 100.0}},
    {"type": "SELECT", "name": "select_columns", "parameters": {"columns": ["ID", "CUSIP", "NAME"]}},
    {"type": "HASH_JOIN", "name": "enrich_quotes", "parameters": {"left_key": "instrumentId", "right_key": "ID"}},
    {"type": "AGGREGATE", "name": "total_volume_by_symbol", "stateful": true, "key_by": ["symbol"],
     "parameters": {"aggregate": "sum", "column": "volume"}},
    {"type": "SINK", "name": "output_enriched", "parameters": {"kafka_topic": "enriched.quotes"}}
  ],
  "edges": [
    {"from": "quotes_source", "to": "filter_expensive"},
    {"from": "filter_expensive", "to": "enrich_quotes"},
    {"from": "securities_source", "to": "select_columns"},
    {"from": "select_columns", "to": "enrich_quotes"},
    {"from": "enrich_quotes", "to": "total_volume_by_symbol"},
    {"from": "total_volume_by_symbol", "to": "output_enriched"}
  ]
}
"#;

/// Every kind of operator, parameter and item that a job.rs may have.
const JOB: &str = r#"
#[sabot::record]
#[sabot(rename_all = "camelCase")]
struct Quote { instrument_id: i64, symbol: String, price: f64, at: Timestamp, sector: Option<String> }

const LIMIT: i64 = 10;
const RATE: f64 = 1.5e-3;

#[sabot::udf(math = "fast")]
fn fee(price: f64) -> f64 {
    let fee = price * RATE;
    if fee.is_nan() { 0.0 } else { fee.exp() }
}

#[sabot::record]
struct Sum { total: f64 }

#[sabot::aggregate]
impl Sum {
    fn init() -> Self { Self { total: 0.0 } }
    fn add(self, price: f64) -> Self { Self { total: self.total + price } }
    fn merge(self, other: Self) -> Self { Self { total: self.total + other.total } }
    fn finish(self) -> f64 { self.total }
}

fn is_big(q: Quote) -> bool { q.price > 1e6 }

#[sabot::pipeline]
fn everything(#[sabot(default = -100.0)] min_price: f64, name: String) {
    let quotes = source::<Quote>("quotes", kafka("market.quotes").format(Format::Arrow).group("g").poll(seconds(1)))
        .event_time(|q| q.at, lateness(seconds(5)))
        .rows(1_000_000);
    let table = table::<Quote>("table", parquet("t/*.parquet")).primary_key(|t| (t.instrument_id, t.symbol.clone()));
    let quotes = quotes.filter(is_big).errors("bad", ndjson("bad.ndjson"));
    quotes.select(fields![instrument_id, price]).union(quotes.clone()).distinct().sink("ids", stdout().format(Format::Ndjson));
    quotes.hash_join(table).on(|q| q.instrument_id, |t| t.instrument_id).left().map(|q, t| {
        let sector = match t { Some(t) => t.sector, None => None };
        Quote { sector, price: fee(q.price), ..q }
    }).skip_errors().named("enrich \"all\"").sink("enriched", arrow("e.arrow"));
    quotes.hash_join(table).on(|q| q.symbol, |t| t.symbol).semi().limit(LIMIT).sink("semi", csv("s.csv").delimiter(';'));
    quotes.key_by(|q| q.symbol).aggregate(|g| Total { symbol: g.key(), n: g.count() }).order_by_desc(|t| t.n).sink("totals", csv("t.csv"));
    quotes.key_by(|q| q.symbol).top_n(3, |q| q.price).dedup(|q| q.price).sink("top", csv("top.csv"));
    quotes.filter_map(|q| q.sector).flat_map(|s| vec![s]).reduce(|a, _b| a).order_by(|q| q).sink("misc", csv("m.csv"));
    quotes.window(cumulate(minutes(1), hours(1))).aggregate(|w| w.end()).late("late", csv("l.csv")).sink("w", csv("w.csv"));
    quotes.window(session(minutes(1))).reduce(|a, _b| a).sink("r", csv("r.csv"));
    quotes.window(session(minutes(1))).aggregate(|w| (w.end(), w.aggregate::<Sum>(|q| q.price))).sink("v", csv("v.csv"));
    source::<Quote>("g", generate()).hash_join(source::<Quote>("n", nexmark())).on(|a| a.x, |b| b.x).within(minutes(2)).map(|a, b| (a, b))
        .sink("pairs", stdout());
}
"#;

fn job() -> JobGraph {
    let mut diagnostics = Diagnostics::new();
    let mut graphs = parse(JOB, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", display::diagnostic::render_all(JOB, "job.rs", &diagnostics));
    graphs.swap_remove(0)
}

fn load(text: &str) -> JobGraph {
    match graph_from_json(text) {
        Ok(graph) => graph,
        Err(diagnostics) => panic!("{}", display::diagnostic::render_all(text, "graph.json", &diagnostics)),
    }
}

#[test]
fn the_guides_example_loads() {
    let graph = load(GUIDE);
    assert_eq!(graph.operators.len(), 7);
    assert_eq!(graph.operators[2].get("value"), Some(&Value::Float(100.0)));
    assert_eq!(graph.operators[5].get("key_by"), Some(&Value::from(["symbol"])));
    let join = &graph.operators[4];
    assert_eq!(join.operator_type, OperatorType::HashJoin);
    let inputs: Vec<String> = graph.inputs(&join.operator_id).map(ToString::to_string).collect();
    assert_eq!(inputs, ["filter_expensive", "select_columns"]);
    let name = join.span;
    assert_eq!(&GUIDE[name.start as usize..name.end as usize], "\"enrich_quotes\"");
}

#[test]
fn nothing_is_lost_on_the_way_through_json() {
    for graph in [job(), load(GUIDE), JobGraph::new("empty")] {
        let text = graph.to_json();
        let again = load(&text);
        assert_eq!(again.to_json(), text);
        assert_eq!(display::job_graph::text(&again), display::job_graph::text(&graph));
        assert_eq!(display::job_graph::code(&again), display::job_graph::code(&graph));
    }
}

#[test]
fn code_in_json_knows_its_place() {
    let text = job().to_json();
    let graph = load(&text);
    let enrich = graph.operators.iter().find(|node| node.name == "enrich \"all\"").expect("it is there");
    let Some(Value::Closure(closure)) = enrich.get("function") else { panic!("a closure") };
    assert!(text[closure.span.start as usize..closure.span.end as usize].starts_with("|q, t| {\\n"));
    let misc = graph.operators.iter().find(|node| node.name == "bad").expect("it is there");
    assert_eq!(misc.get("path"), Some(&Value::from("bad.ndjson")));
}

#[test]
fn columns_of_a_schema_keep_their_order() {
    let text = r#"{"sabot_job_graph": 1, "job_name": "x", "operators": [
        {"type": "SOURCE", "name": "s", "parameters": {"path": "s.csv", "schema": {"z": "f64", "a": "Option<i64>"}}}]}"#;
    assert_eq!(load(text).operators[0].get("schema"), Some(&Value::from(["z: f64", "a: Option<i64>"])));
}

#[test]
fn graphs_are_printed() {
    let graph = job();
    let text = format!(
        "SOURCE\n{}\n\nGRAPH\n{}\nCODE\n{}\n\nMERMAID\n{}\nDOT\n{}\nJSON\n{}",
        JOB.trim(),
        display::job_graph::text(&graph),
        display::job_graph::code(&graph),
        display::diagram::mermaid(&graph),
        display::diagram::dot(&graph),
        graph.to_json()
    );
    assert_stage!("graphs", "everything", text);
    assert_stage!("graphs", "guide_svg", display::diagram::svg(&load(GUIDE)));
}

#[test]
fn examples_mean_the_same_in_json() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut checked = 0;
    for folder in fs::read_dir(examples).expect("the examples are there") {
        let file = folder.expect("a folder").path().join("job.rs");
        let Ok(source) = fs::read_to_string(&file) else { continue };
        let mut diagnostics = Diagnostics::new();
        for graph in parse(&source, &mut diagnostics) {
            let plan = check(&graph, &Catalog::default(), &mut diagnostics);
            let name = file.display().to_string();
            assert!(!diagnostics.has_errors(), "{}", display::diagnostic::render_all(&source, &name, &diagnostics));
            let again = load(&graph.to_json());
            let plan_again = check(&again, &Catalog::default(), &mut Diagnostics::new());
            let text = |plan: Option<Plan>| plan.map(|plan| display::plan::plan(&plan));
            assert!(plan.is_some(), "{name}");
            assert_eq!(text(plan), text(plan_again), "{name}");
            checked += 1;
        }
    }
    assert!(checked >= 4, "{checked} jobs were found");
}
