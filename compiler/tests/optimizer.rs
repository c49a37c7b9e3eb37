//! The optimizer through the guide's API: a job graph in, a plan and five figures out.

use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, SourceFacts, check, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::job_graph::{JobGraph, OperatorType, StreamOperatorNode};
use sabot_ir::ty::{Field, Schema, Type};

/// The guide's quick start, whose sources have no record.
fn quote_enrichment() -> JobGraph {
    let mut graph = JobGraph::new("quote_enrichment");
    let mut add = |node| graph.add_operator(node).expect("the guide's operators are right");
    let quotes = add(StreamOperatorNode::new(OperatorType::Source, "load_quotes")
        .param("kafka_topic", "market.quotes")
        .param("format", "arrow"));
    let securities = add(StreamOperatorNode::new(OperatorType::Source, "load_securities")
        .param("kafka_topic", "reference.securities")
        .param("format", "arrow"));
    let filter = add(StreamOperatorNode::new(OperatorType::Filter, "filter_high_value")
        .param("column", "price")
        .param("value", 100.0)
        .param("operator", ">"));
    let select = add(StreamOperatorNode::new(OperatorType::Select, "select_security_columns")
        .param("columns", ["ID", "CUSIP", "NAME", "SECTOR"]));
    let join = add(StreamOperatorNode::new(OperatorType::HashJoin, "enrich_quotes")
        .param("left_key", "instrumentId")
        .param("right_key", "ID"));
    let sink = add(StreamOperatorNode::new(OperatorType::Sink, "output_enriched")
        .param("kafka_topic", "enriched.quotes")
        .param("format", "arrow"));
    for (from, to) in [(&quotes, &filter), (&filter, &join), (&securities, &select), (&select, &join), (&join, &sink)] {
        graph.connect(from, to).expect("the guide's edges are right");
    }
    graph
}

fn facts(columns: &[(&str, Type)]) -> SourceFacts {
    let fields = columns.iter().map(|(name, ty)| Field::new(*name, ty.clone())).collect();
    SourceFacts { schema: Some(Schema::new(fields)), ..SourceFacts::default() }
}

fn catalog(securities: &[(&str, Type)]) -> Catalog {
    let quotes = facts(&[("instrumentId", Type::Int64), ("price", Type::Float64), ("size", Type::Int64)]);
    Catalog { sources: [("load_quotes".to_owned(), quotes), ("load_securities".to_owned(), facts(securities))].into() }
}

#[test]
fn the_guides_example_gives_the_guides_figures() {
    let four = [("ID", Type::Int64), ("CUSIP", Type::String), ("NAME", Type::String), ("SECTOR", Type::String)];
    let more = [four.as_slice(), &[("ISIN", Type::String)]].concat();
    for securities in [four.as_slice(), &more] {
        let mut diagnostics = Diagnostics::new();
        let plan = check::check(&quote_enrichment(), &catalog(securities), &mut diagnostics);
        let mut plan = plan.unwrap_or_else(|| panic!("{diagnostics:?}"));
        let mut optimizer = PlanOptimizer::default();
        optimizer.optimize_plan(&mut plan);
        let stats = optimizer.get_stats();
        assert_eq!(stats.filters_pushed, 1, "{plan}");
        assert_eq!(stats.projections_pushed, 1, "{plan}");
        assert_eq!(stats.joins_reordered, 0, "{plan}");
        assert_eq!(stats.operators_fused, 0, "{plan}");
        assert_eq!(stats.total_optimizations(), 2);
    }
}

#[test]
fn a_graph_with_a_mistake_gives_its_diagnostics() {
    let diagnostics = PlanOptimizer::default().optimize(&quote_enrichment()).expect_err("no columns are known");
    assert!(diagnostics.has_errors());
}

#[test]
fn a_filter_written_after_a_join_and_a_map_reaches_its_source() {
    let text = r#"
        use sabot::prelude::*;
        #[sabot::record]
        struct Quote { id: i64, price: f64, bid: f64, ask: f64, unused: String }
        #[sabot::record]
        struct Security { id: i64, name: String, country: String }
        #[sabot::record]
        struct Named { id: i64, price: f64, mid: f64, name: String }
        #[sabot::pipeline]
        fn job() {
            let quotes = source::<Quote>("quotes", parquet("quotes.parquet"));
            let securities = source::<Security>("securities", parquet("securities.parquet"));
            quotes
                .hash_join(securities)
                .on(|q| q.id, |s| s.id)
                .map(|q, s| Named { id: q.id, price: q.price, mid: (q.bid + q.ask) / 2.0, name: s.name })
                .filter(|n| n.price > 100.0 && n.name != "x")
                .sink("named", parquet("named.parquet"));
        }
    "#;
    let mut diagnostics = Diagnostics::new();
    let graphs = parse::parse(text, &mut diagnostics);
    let mut optimizer = PlanOptimizer::default();
    let plan = optimizer.optimize(&graphs[0]).unwrap_or_else(|errors| panic!("{errors:?} {diagnostics:?}"));
    insta::assert_snapshot!(plan, @r#"
    job job
    sink named: file "named.parquet" parquet
      project hash_join_1.map: id = id$0, price, mid = (bid + ask) / 2.0, name -> (id: i64, price: f64, mid: f64, name: String) [bounded]
        hash_join hash_join_1: inner on id = id, build right -> (id: i64, price: f64, bid: f64, ask: f64, id: i64, name: String) [bounded]
          filter filter_1: price > 100.0 -> (id: i64, price: f64, bid: f64, ask: f64) [bounded]
            source quotes: file "quotes.parquet" parquet, columns 4 of 5, prune price > 100.0 -> (id: i64, price: f64, bid: f64, ask: f64) [bounded]
          filter filter_1: name != "x" -> (id: i64, name: String) [bounded]
            source securities: file "securities.parquet" parquet, columns 2 of 3, prune name != "x" -> (id: i64, name: String) [bounded]
    "#);
    assert_eq!(optimizer.get_stats().filters_pushed, 1);
    assert_eq!(optimizer.get_stats().projections_pushed, 2);
}
