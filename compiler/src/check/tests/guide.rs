//! Graphs made by the guide's API, where names of columns stand for closures.

use super::super::check;
use crate::{Catalog, SourceFacts};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display;
use sabot_ir::job_graph::{JobGraph, OperatorType, StreamOperatorNode as Node};
use sabot_ir::plan::Statistics;
use sabot_ir::ty::{Field, Schema, Type};

fn quotes() -> Node {
    Node::new(OperatorType::Source, "quotes")
        .param("kafka_topic", "market.quotes")
        .param("schema", ["instrumentId: i64", "symbol: String", "price: f64", "volume: i64", "bid: Option<f64>"])
}

fn sink() -> Node {
    Node::new(OperatorType::Sink, "out").param("path", "out.parquet")
}

/// The operators in a row, each reading the one before; a join reads the first operator as its right side too.
fn outcome(operators: Vec<Node>, edges: &[(&str, &str)], catalog: &Catalog) -> String {
    let mut graph = JobGraph::new("guide");
    let mut ids = std::collections::BTreeMap::new();
    for node in operators {
        let name = node.name.clone();
        ids.insert(name, graph.add_operator(node).expect("the parameters fit"));
    }
    for (from, to) in edges {
        graph.connect(&ids[*from], &ids[*to]).expect("the edge makes sense");
    }
    let mut diagnostics = Diagnostics::new();
    let plan = check(&graph, catalog, &mut diagnostics);
    let mut text = plan.map(|plan| display::plan::plan(&plan)).unwrap_or_default();
    for diagnostic in diagnostics.as_slice() {
        text.push_str(&format!("{}: {}\n", diagnostic.code, diagnostic.message));
        for help in &diagnostic.help {
            text.push_str(&format!("  help: {help}\n"));
        }
    }
    text
}

fn check_text(text: &str, becomes: &str) {
    assert_eq!(text.trim(), becomes.trim());
}

#[test]
fn the_guide_s_example() {
    let mut catalog = Catalog::default();
    let schema = Schema::new(vec![
        Field::new("ID", Type::Int64),
        Field::new("CUSIP", Type::String.optional()),
        Field::new("NAME", Type::String),
        Field::new("price", Type::Float64),
    ]);
    let statistics = Statistics { rows: Some(10_000), distinct: [(2, 9_000)].into() };
    catalog
        .sources
        .insert("securities".to_owned(), SourceFacts { schema: Some(schema), statistics, is_replaced: false });
    let text = outcome(
        vec![
            quotes(),
            Node::new(OperatorType::Source, "securities").param("path", "securities.parquet"),
            Node::new(OperatorType::Filter, "expensive").param("column", "price").param("value", 100),
            Node::new(OperatorType::Select, "columns").param("columns", ["ID", "NAME", "price"]),
            Node::new(OperatorType::HashJoin, "enrich").param("left_key", "instrumentId").param("right_key", "ID"),
            sink(),
        ],
        &[
            ("quotes", "expensive"),
            ("expensive", "enrich"),
            ("securities", "columns"),
            ("columns", "enrich"),
            ("enrich", "out"),
        ],
        &catalog,
    );
    check_text(&text, EXAMPLE);
}

#[test]
fn aggregates_by_name() {
    let aggregate = |name: &str| Node::new(OperatorType::Aggregate, name);
    let text = outcome(
        vec![
            quotes(),
            aggregate("total").key_by(["symbol"]).param("aggregate", "sum").param("column", "volume"),
            sink(),
        ],
        &[("quotes", "total"), ("total", "out")],
        &Catalog::default(),
    );
    check_text(&text, TOTAL);
    let text = outcome(
        vec![quotes(), aggregate("mean").param("aggregate", "avg").param("column", "bid"), sink()],
        &[("quotes", "mean"), ("mean", "out")],
        &Catalog::default(),
    );
    check_text(&text, MEAN);
}

#[test]
fn a_null_is_not_greater_than_anything() {
    let filter =
        Node::new(OperatorType::Filter, "f").param("column", "bid").param("operator", "<=").param("value", 1.5);
    let text = outcome(vec![quotes(), filter, sink()], &[("quotes", "f"), ("f", "out")], &Catalog::default());
    check_text(&text, NULLS);
}

#[test]
fn mistakes_in_parameters() {
    let one = |node: Node| {
        let name = node.name.clone();
        outcome(vec![quotes(), node, sink()], &[("quotes", &name), (&name, "out")], &Catalog::default())
    };
    let filter = |column: &str| Node::new(OperatorType::Filter, "f").param("column", column);
    let aggregate = || Node::new(OperatorType::Aggregate, "a").key_by(["symbol"]);
    let texts = [
        one(filter("prize").param("value", 1)),
        one(filter("symbol").param("value", 1)),
        one(filter("volume").param("value", 1.5)),
        one(aggregate()),
        one(aggregate().param("aggregate", "sum")),
        one(aggregate().param("aggregate", "sum").param("column", "symbol")),
        one(Node::new(OperatorType::Select, "s").param("columns", ["price", "price"])),
        one(Node::new(OperatorType::Map, "m").param("function", super::closure("|q| q.prize"))),
        outcome(
            vec![Node::new(OperatorType::Source, "s").param("path", "s.csv"), sink()],
            &[("s", "out")],
            &Catalog::default(),
        ),
        outcome(
            vec![Node::new(OperatorType::Source, "s").param("schema", ["a: text", "b"]).param("path", "s.csv"), sink()],
            &[("s", "out")],
            &Catalog::default(),
        ),
        outcome(
            vec![Node::new(OperatorType::Source, "s").param("schema", ["a: i64"]), sink()],
            &[("s", "out")],
            &Catalog::default(),
        ),
        outcome(vec![quotes(), sink()], &[], &Catalog::default()),
        outcome(vec![quotes()], &[], &Catalog::default()),
        outcome(
            vec![
                quotes(),
                Node::new(OperatorType::HashJoin, "j").param("left_key", "symbol").param("right_key", "volume"),
                sink(),
            ],
            &[("quotes", "j"), ("quotes", "j"), ("j", "out")],
            &Catalog::default(),
        ),
    ];
    check_text(&texts.concat(), MISTAKES);
}

const EXAMPLE: &str = r#"
job guide
sink out: file "out.parquet"
  project enrich.map: instrumentId, symbol, price = price$2, volume, bid, ID, NAME, price_right = price$7 -> (instrumentId: i64, symbol: String, price: f64, volume: i64, bid: Option<f64>, ID: i64, NAME: String, price_right: f64) [unbounded]
    hash_join enrich: inner on instrumentId = ID, build right -> (instrumentId: i64, symbol: String, price: f64, volume: i64, bid: Option<f64>, ID: i64, NAME: String, price: f64) [unbounded]
      filter expensive: price > 100.0 -> (instrumentId: i64, symbol: String, price: f64, volume: i64, bid: Option<f64>) [unbounded]
        source quotes: kafka "market.quotes" -> (instrumentId: i64, symbol: String, price: f64, volume: i64, bid: Option<f64>) [unbounded]
      project columns: ID, NAME, price -> (ID: i64, NAME: String, price: f64) [bounded] ~10000 rows
        source securities: file "securities.parquet" -> (ID: i64, CUSIP: Option<String>, NAME: String, price: f64) [bounded] ~10000 rows
"#;

const TOTAL: &str = r#"
job guide
sink out: file "out.parquet"
  project out.changes: op = if $change == 1i8 { "+I" } else if $change == 2i8 { "+U" } else if $change == -2i8 { "-U" } else { "-D" }, symbol, sum_volume -> (op: String, symbol: String, sum_volume: i64) [unbounded, keyed by symbol]
    aggregate total: sum_volume = sum(volume) by symbol -> (symbol: String, sum_volume: i64, $change: i8) [unbounded, updating, keyed by symbol]
      source quotes: kafka "market.quotes" -> (instrumentId: i64, symbol: String, price: f64, volume: i64, bid: Option<f64>) [unbounded]
"#;

const MEAN: &str = r#"
job guide
sink out: file "out.parquet" ~1 rows
  project out.changes: op = if $change == 1i8 { "+I" } else if $change == 2i8 { "+U" } else if $change == -2i8 { "-U" } else { "-D" }, avg_bid -> (op: String, avg_bid: Option<f64>) [unbounded] ~1 rows
    aggregate mean: avg_bid = avg(bid) -> (avg_bid: Option<f64>, $change: i8) [unbounded, updating] ~1 rows
      source quotes: kafka "market.quotes" -> (instrumentId: i64, symbol: String, price: f64, volume: i64, bid: Option<f64>) [unbounded]
"#;

const NULLS: &str = r#"
job guide
sink out: file "out.parquet"
  filter f: bid.is_some() && bid.unwrap_or(0.0) <= 1.5 -> (instrumentId: i64, symbol: String, price: f64, volume: i64, bid: Option<f64>) [unbounded]
    source quotes: kafka "market.quotes" -> (instrumentId: i64, symbol: String, price: f64, volume: i64, bid: Option<f64>) [unbounded]
"#;

const MISTAKES: &str = r#"
E0600: `quotes` has no column `prize`
  help: did you mean `price`?
E0605: the column `symbol` is `String` and cannot be compared with this `value`
  help: give a text, `".."`
E0605: the column `volume` is `i64` and cannot be compared with this `value`
  help: give a whole number that `i64` can hold
E0606: `a` (aggregate) computes nothing
  help: set `aggregate` to `sum`, `count`, `min`, `max` or `avg`, and `column`; or set `function`
E0606: `a` (aggregate) has no column for its `sum`
  help: set `column`
E0607: `sum` takes numbers, and the column `symbol` is `String`
E0506: the column `price` is selected twice
E0403: `quotes` has no field `prize`
  help: did you mean `price`?
E0601: the columns of the source `s` are not known
  help: set `schema` to a list like `"price: f64"`, or give the file it reads: `--input s=FILE`
E0602: the column `a` of the source `s` has the unknown type `text`
  help: write `"a: f64"`; types are `bool`, `i8` to `i64`, `u8` to `u64`, `f32`, `f64`, `String`, `Bytes`, `Date`, `Timestamp`, `Duration`, and `Option<..>` of them
E0603: `s` (source) has no place to read or write
  help: set `kafka_topic`, `path`, `standard`, `generator` or `postgres`
E0500: `out` (sink) takes one input, and has 0
  help: connect the operator whose rows it takes: `graph.connect(&from, &out)`
E0502: nothing reads the rows of `quotes` (source)
  help: connect it to an operator or a sink, or leave it out
E0501: the job `guide` writes nothing
  help: add an operator of type SINK and connect it
E0502: nothing reads the rows of `quotes` (source)
  help: connect it to an operator or a sink, or leave it out
E0511: the keys of a join must have the same type
"#;
