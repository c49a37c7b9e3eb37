//! Whole files through the parser.

mod mutation;
mod printed;
mod random;

use super::parse;
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::job_graph::{JobGraph, Value};

/// The job of the language's description.
const QUOTE_ENRICHMENT: &str = r#"
use sabot::prelude::*;

/// A price.
#[sabot::record]
#[sabot(rename_all = "camelCase")]
struct Quote { instrument_id: i64, symbol: String, price: f64, bid: f64, ask: f64, volume: i64, event_time: Timestamp }

#[sabot::record]
#[sabot(rename_all = "UPPERCASE")]
struct Security { id: i64, cusip: String, name: String, sector: Option<String> }

#[sabot::record]
struct Enriched { instrument_id: i64, price: f64, spread_bps: f64, cusip: String, sector: String }

#[sabot::record]
struct Volume { symbol: String, window_end: Timestamp, volume: i64, trades: i64, vwap: f64 }

#[sabot::udf]
fn spread_bps(bid: f64, ask: f64) -> f64 {
    let mid = (bid + ask) / 2.0;
    if mid == 0.0 { 0.0 } else { (ask - bid) / mid * BASIS }
}

const BASIS: f64 = 10_000.0;

fn main() { for x in 0..3 { println!("{x}"); } }

fn unused(x: &mut i64) { *x += 1; }

#[cfg(test)]
mod tests { #[test] fn t() { loop {} } }

#[sabot::pipeline]
fn quote_enrichment(#[sabot(default = 100.0)] min_price: f64) {
    let quotes = source::<Quote>("quotes", kafka("market.quotes").format(Format::Arrow))
        .event_time(|q| q.event_time, lateness(seconds(5)));
    let securities = table::<Security>("securities", kafka("reference.securities").format(Format::Arrow))
        .primary_key(|s| s.id);

    quotes
        .filter(|q| q.price > min_price)
        .hash_join(securities)
        .on(|q| q.instrument_id, |s| s.id)
        .map(|q, s| Enriched {
            instrument_id: q.instrument_id,
            price: q.price,
            spread_bps: spread_bps(q.bid, q.ask),
            cusip: s.cusip,
            sector: s.sector.unwrap_or("unknown".into()),
        })
        .sink("enriched", kafka("enriched.quotes").format(Format::Arrow));

    quotes
        .key_by(|q| q.symbol.clone())
        .window(tumbling(minutes(5)))
        .aggregate(|w| Volume {
            symbol: w.key(),
            window_end: w.end(),
            volume: w.sum(|q| q.volume),
            trades: w.count(),
            vwap: w.sum(|q| q.price * q.volume as f64) / w.sum(|q| q.volume) as f64,
        })
        .late("late_quotes", parquet("late_quotes.parquet"))
        .sink("volumes", parquet("volumes.parquet"));
}
"#;

/// The only graph of a file without mistakes.
fn graph(source: &str) -> JobGraph {
    let mut diagnostics = Diagnostics::new();
    let mut graphs = parse(source, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{diagnostics:#?}");
    assert_eq!(graphs.len(), 1);
    graphs.swap_remove(0)
}

#[test]
fn the_example_of_the_language_parses() {
    let graph = graph(QUOTE_ENRICHMENT);
    let names: Vec<&str> = graph.operators.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(
        names,
        ["quotes", "securities", "filter_1", "hash_join_1", "enriched", "tumbling_window_1", "late_quotes", "volumes"]
    );
    let edges: Vec<String> = graph.edges.iter().map(|edge| format!("{} -> {}", edge.from, edge.to)).collect();
    assert_eq!(
        edges,
        [
            "quotes -> filter_1",
            "filter_1 -> hash_join_1",
            "securities -> hash_join_1",
            "hash_join_1 -> enriched",
            "quotes -> tumbling_window_1",
            "tumbling_window_1 -> volumes",
        ]
    );
    assert_eq!(graph.functions.len(), 1);
    assert_eq!(graph.consts.len(), 1);
    assert_eq!(graph.records.len(), 4);
    assert_eq!(graph.records[0].fields[0].wire_name, "instrumentId");
    let quotes = &graph.operators[0];
    assert_eq!(quotes.get("lateness_ms"), Some(&Value::Int(5000)));
    assert_eq!(quotes.get("kafka_topic"), Some(&Value::from("market.quotes")));
    assert_eq!(quotes.get("format"), Some(&Value::from("arrow")));
    assert_eq!(&QUOTE_ENRICHMENT[quotes.span.start as usize..quotes.span.end as usize], "source");
    let function = graph.operators[2].parameters["function"].span;
    assert_eq!(&QUOTE_ENRICHMENT[function.start as usize..function.end as usize], "|q| q.price > min_price");
}

#[test]
fn deep_text_neither_panics_nor_overflows() {
    for hole in [
        "(%)",
        "[%]",
        "{%}",
        "!%",
        "-%",
        "&%",
        "&mut %",
        "*%",
        "|x|%",
        "|x,y|%",
        "||%",
        "move || %",
        "Vec::<%",
        "if %",
        "x = %",
        "return %",
        "if a {} else if %",
        "if a {} else {%}",
        "..%",
        "match %",
        "match x { _ => % }",
        "x.y(%)",
        "x! {%}",
        "unsafe {%}",
        "'a: loop {%}",
        "{} + %",
        "a + %",
        "x.f().%",
        "x? + %",
        "x as A<%",
        "x + (%)",
        "let x: A<%",
        "let x: &%",
        "let x: fn() -> %",
        "let &%",
        "let (%)",
        "let A(%)",
        "R { x: % }",
        "[%; 3]",
        "x[%]",
        "if let A = %",
        "for x in %",
        "while %",
        "async {%}",
        "f(|x| %)",
        "a == % == b",
        "(a, %)",
        "break %",
        "x = |a: (%)| b",
        "let x: impl A<B = %",
        "let x: dyn A + %",
        "#[a] %",
        "fn f() {%}",
        "struct A { x: (%) }",
    ] {
        let (before, after) = hole.split_once('%').expect("a hole");
        for depth in [30, 62, 70, 3000] {
            let text = format!("fn main_() {{ {}x{}; }}", before.repeat(depth), after.repeat(depth));
            parse(&text, &mut Diagnostics::new());
            let text = format!(
                "#[sabot::pipeline] fn p() {{ source::<R>(\"r\", csv(\"r.csv\")).filter(|r| {}x{}); }}",
                before.repeat(depth),
                after.repeat(depth)
            );
            let mut diagnostics = Diagnostics::new();
            for graph in parse(&text, &mut diagnostics) {
                let _ = crate::check::check(&graph, &crate::Catalog::default(), &mut diagnostics);
            }
        }
    }
}
