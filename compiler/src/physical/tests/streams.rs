//! The shape of pipelines that go on with event time.

use super::{Builder, call};
use sabot_ir::expr::Expr;
use sabot_ir::plan::{
    AggregateFunction, AsofDirection, EventTime, JoinKind, NodeId, Operator, Side, SinkId, Window, WindowKind,
};
use sabot_ir::ty::{Field, Schema, TimeUnit, Type};

const TIME: Type = Type::Timestamp(TimeUnit::Microsecond);

impl Builder {
    /// A stream that does not end, timed by `at`.
    fn stream(&mut self, name: &str, columns: &[(&str, Type)]) -> NodeId {
        let mut all = vec![("at", TIME)];
        all.extend(columns.iter().cloned());
        let node = self.source(name, &all);
        let source = self.plan.sources.last_mut().expect("just made");
        source.event_time = Some(EventTime { column: 0, lateness_us: 5_000_000 });
        let properties = &mut self.plan.node_mut(node).properties;
        properties.bounded = false;
        properties.event_time = Some(0);
        node
    }

    fn unbounded(&mut self, node: NodeId) -> NodeId {
        self.plan.node_mut(node).properties.bounded = false;
        node
    }

    fn counts(&mut self, input: NodeId, key: &str, kind: WindowKind, late: Option<SinkId>) -> NodeId {
        let keys = vec![self.column(input, key)];
        let fields = vec![
            Field::new(key, keys[0].ty.clone()),
            Field::new("start", TIME),
            Field::new("end", TIME),
            Field::new("rows", Type::Int64),
        ];
        let window =
            Window { kind, time: Some(self.column(input, "at")), allowed_lateness_us: 0, emit_every_us: None, late };
        let calls = vec![call(AggregateFunction::Count, vec![], None, "rows", Type::Int64)];
        let node =
            self.node("counts", Operator::WindowAggregate { keys, calls, window }, &[input], Schema::new(fields));
        let properties = &mut self.plan.node_mut(node).properties;
        (properties.event_time, properties.window_end) = (Some(2), Some(2));
        self.unbounded(node)
    }
}

#[test]
fn what_is_grouped_by_the_end_of_a_window_is_complete_with_it() {
    let mut b = Builder::default();
    let bids = b.stream("bids", &[("auction", Type::Int64)]);
    let kind = WindowKind::Sliding { size_us: 10_000_000, slide_us: 2_000_000, offset_us: 0 };
    let counts = b.counts(bids, "auction", kind, None);
    let end = b.column(counts, "end");
    let calls = vec![call(AggregateFunction::Max, vec![b.column(counts, "rows")], None, "most", Type::Int64)];
    let schema = Schema::new(vec![Field::new("end", TIME), Field::new("most", Type::Int64)]);
    let most = b.node("most", Operator::Aggregate { keys: vec![end], calls }, &[counts], schema);
    b.plan.node_mut(most).properties.window_end = Some(0);
    let most = b.unbounded(most);
    let hot = b.join(JoinKind::Inner, Side::Right, counts, most, ("end", "end"));
    b.sink("hot", hot);
    b.check("sliding_window_and_its_greatest");
}

#[test]
fn late_rows_go_to_their_sink_as_they_came() {
    let mut b = Builder::default();
    let bids = b.stream("bids", &[("auction", Type::Int64), ("note", Type::String.optional())]);
    b.sink("late", bids);
    let sink = SinkId(0);
    b.plan.nodes.pop();
    let kind = WindowKind::Tumbling { size_us: 60_000_000, offset_us: 0 };
    let counts = b.counts(bids, "auction", kind, Some(sink));
    b.sink("volumes", counts);
    b.check("window_with_late_rows");
}

#[test]
fn streams_are_joined_in_time() {
    let mut b = Builder::default();
    let orders = b.stream("orders", &[("id", Type::Int64), ("note", Type::String.optional())]);
    let shipments = b.stream("shipments", &[("order", Type::Int64), ("weight", Type::Float64)]);
    let (left, right) = (b.plan.node(orders).schema.clone(), b.plan.node(shipments).schema.clone());
    let types = sabot_ir::verify::plan::join_types(JoinKind::Left, &left, &right);
    let names = ["at", "id", "note", "shipped", "order", "weight", "$right"];
    let fields = names.iter().zip(types).map(|(name, ty)| Field::new(*name, ty)).collect();
    let operator = Operator::IntervalJoin {
        kind: JoinKind::Left,
        left_keys: vec![b.column(orders, "id")],
        right_keys: vec![b.column(shipments, "order")],
        left_time: b.column(orders, "at"),
        right_time: b.column(shipments, "at"),
        within_us: 3_600_000_000,
    };
    let joined = b.node("shipped", operator, &[orders, shipments], Schema::new(fields));
    let joined = b.unbounded(joined);
    let columns: Vec<(&str, Expr)> = ["id", "weight"].into_iter().map(|name| (name, b.column(joined, name))).collect();
    let chosen = b.project("chosen", joined, columns);
    b.sink("shipped", chosen);
    b.check("interval_join");
}

#[test]
fn the_nearest_row_in_time_is_found_without_a_key() {
    let mut b = Builder::default();
    let trades = b.stream("trades", &[("price", Type::Float64)]);
    let rates = b.stream("rates", &[("rate", Type::Float64)]);
    let (left, right) = (b.plan.node(trades).schema.clone(), b.plan.node(rates).schema.clone());
    let types = sabot_ir::verify::plan::join_types(JoinKind::Inner, &left, &right);
    let fields = ["at", "price", "since", "rate"].iter().zip(types).map(|(name, ty)| Field::new(*name, ty)).collect();
    let operator = Operator::AsofJoin {
        outer: false,
        left_keys: vec![],
        right_keys: vec![],
        left_time: b.column(trades, "at"),
        right_time: b.column(rates, "at"),
        direction: AsofDirection::Backward,
        tolerance_us: Some(1_000_000),
    };
    let joined = b.node("priced", operator, &[trades, rates], Schema::new(fields));
    let joined = b.unbounded(joined);
    b.sink("priced", joined);
    b.check("asof_join");
}
