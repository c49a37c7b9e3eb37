//! Where loops begin and end, and the order to run them in.
//!
//! A loop begins at a source, at a table that another loop has filled, or at the rows of a join's table that are looked
//! at after probing. Everything that a node gives flows on in the same loop: several readers make a fork, never a second
//! scan (an input may be a pipe). A union's inputs each go on in their own loop with a copy of what follows.
//!
//! A join's probing loops must run after the loops that build its table. Where that cannot be (a stream joined with
//! itself, or with an aggregate of itself, is on both sides in one loop), the probing side is **held**: collected in a
//! `Rows` table, and a loop of its own probes from there. So it is where both sides run at the same time because both fill a
//! table that gives rows meanwhile. A union is held where too many copies would follow it.

use super::PhysicalCx;
use super::live::live;
use sabot_ir::pipeline::TableId;
use sabot_ir::plan::{JoinKind, NodeId, Operator, Side};
use std::collections::{BTreeMap, BTreeSet};

/// More copies of what follows a union than this are not made.
const MAX_COPIES: u64 = 16;

/// Where a loop begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Start {
    /// The source of this node.
    Source(NodeId),
    /// The table that this node fills.
    Table(NodeId),
    /// The rows that are held before this join or union.
    Held(NodeId),
    /// The rows of this join's table, by whether they had a match.
    BuildRows(NodeId),
}

/// A table by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// The state of this node.
    State(NodeId),
    /// Rows held before this node.
    Held(NodeId),
}

/// The loops of a plan.
pub(super) struct Cut {
    /// In the order they run.
    pub(super) starts: Vec<Start>,
    /// In the order of their ids.
    pub(super) tables: Vec<Purpose>,
    ids: BTreeMap<Purpose, TableId>,
    /// Live operators that are fed by loops of which one begins when another has ended.
    pub(super) in_turns: BTreeSet<NodeId>,
}

impl Cut {
    /// The table that a node fills.
    pub(super) fn state(&self, node: NodeId) -> TableId {
        self.ids[&Purpose::State(node)]
    }

    /// The table of the rows held before a node; nothing if none are.
    pub(super) fn held(&self, node: NodeId) -> Option<TableId> {
        self.ids.get(&Purpose::Held(node)).copied()
    }

    /// Whether rows are held before this node.
    pub(super) fn is_held(&self, node: NodeId) -> bool {
        self.held(node).is_some()
    }

    fn table(&mut self, purpose: Purpose) {
        let id = TableId(u32::try_from(self.tables.len()).expect("a plan has fewer than 2^31 nodes"));
        self.tables.push(purpose);
        self.ids.insert(purpose, id);
    }
}

/// How a join is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JoinShape {
    /// Position of the input whose rows go into the table.
    pub(super) build: usize,
    /// Position of the other one.
    pub(super) probe: usize,
    /// What probing gives, with the probing side as the left one.
    pub(super) kind: JoinKind,
    /// Probing only marks.
    pub(super) mark_only: bool,
    /// Afterwards, give the table's rows that had a match, or those that had none.
    pub(super) build_rows: Option<bool>,
}

/// How this join is computed.
pub(super) fn join_shape(kind: JoinKind, build: Side) -> JoinShape {
    let (step, mark_only, build_rows) = match (kind, build) {
        (JoinKind::Inner, Side::Left | Side::Right) => (JoinKind::Inner, false, None),
        (JoinKind::Left, Side::Right) | (JoinKind::Right, Side::Left) => (JoinKind::Left, false, None),
        (JoinKind::Left, Side::Left) | (JoinKind::Right, Side::Right) => (JoinKind::Inner, false, Some(false)),
        (JoinKind::Full, Side::Left | Side::Right) => (JoinKind::Left, false, Some(false)),
        (JoinKind::Semi, Side::Right) => (JoinKind::Semi, false, None),
        (JoinKind::Anti, Side::Right) => (JoinKind::Anti, false, None),
        (JoinKind::Semi, Side::Left) => (JoinKind::Semi, true, Some(true)),
        (JoinKind::Anti, Side::Left) => (JoinKind::Semi, true, Some(false)),
    };
    let (build, probe) = match build {
        Side::Left => (0, 1),
        Side::Right => (1, 0),
    };
    JoinShape { build, probe, kind: step, mark_only, build_rows }
}

/// Finds the loops of a plan.
pub(super) fn cut(cx: &PhysicalCx<'_>) -> Cut {
    let mut held = BTreeSet::new();
    loop {
        let (cut, waits) = cut_with(cx, &held);
        let known = held.len();
        held.extend(waits);
        if held.len() == known {
            return cut;
        }
    }
}

/// The loops, with the probing rows of these joins held; and the joins whose sides, as was seen behind them, run at the same
/// time.
fn cut_with(cx: &PhysicalCx<'_>, held: &BTreeSet<NodeId>) -> (Cut, BTreeSet<NodeId>) {
    let nodes = cx.plan.nodes.len();
    let mut cut = Cut { starts: Vec::new(), tables: Vec::new(), ids: BTreeMap::new(), in_turns: BTreeSet::new() };
    let mut loops = Loops::default();
    // Joins whose probing loops run after the building ones.
    let mut ordered: Vec<(NodeId, BTreeSet<usize>, BTreeSet<usize>)> = Vec::new();
    // By node: the loops in which its rows flow, and how often all in all.
    let mut flows: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); nodes];
    let mut copies: Vec<u64> = vec![0; nodes];
    for id in &cx.order {
        let node = cx.plan.node(*id);
        let of_input = |port: usize| (&flows[node.inputs[port].0 as usize], copies[node.inputs[port].0 as usize]);
        let (own, count) = match &node.operator {
            // What is only asked by key is not read.
            Operator::Source { .. } if cx.readers(*id).is_empty() => (BTreeSet::new(), 1),
            Operator::Source { .. } => (loops.add(Start::Source(*id), &BTreeSet::new()), 1),
            Operator::Filter { .. }
            | Operator::Project { .. }
            | Operator::FlatMap { .. }
            | Operator::OnTime { .. }
            | Operator::Contenders { .. }
            | Operator::Sink { .. } => {
                let (flow, count) = of_input(0);
                (flow.clone(), count)
            }
            Operator::Union => {
                let inputs = (0..node.inputs.len()).map(of_input);
                let count = inputs.clone().fold(0u64, |sum, (_, count)| sum.saturating_add(count));
                let all: BTreeSet<usize> = inputs.flat_map(|(flow, _)| flow).copied().collect();
                if count > MAX_COPIES {
                    cut.table(Purpose::Held(*id));
                    (loops.add(Start::Held(*id), &all), 1)
                } else {
                    (all, count)
                }
            }
            Operator::HashJoin { .. } | Operator::IntervalJoin { .. } | Operator::AsofJoin { .. }
                if live(cx.plan, *id).is_some() =>
            {
                let is_lookup = matches!(node.operator, Operator::HashJoin { lookup: true, .. });
                let all: BTreeSet<usize> =
                    if is_lookup { of_input(0).0.clone() } else { of_input(0).0 | of_input(1).0 };
                cut.table(Purpose::State(*id));
                let own = loops.add_live(Start::Table(*id), &all);
                cut.in_turns.extend(loops.take_turns(&own).then_some(*id));
                (own, 1)
            }
            Operator::IntervalJoin { .. } | Operator::AsofJoin { .. } => unreachable!("they join as rows come"),
            Operator::HashJoin { kind, build, .. } => {
                let shape = join_shape(*kind, *build);
                let (building, _) = of_input(shape.build);
                let (probing, count) = of_input(shape.probe);
                cut.table(Purpose::State(*id));
                let (probing, count) = if !held.contains(id) && loops.can_order(building, probing) {
                    loops.order(building, probing);
                    ordered.push((*id, building.clone(), probing.clone()));
                    (probing.clone(), count)
                } else {
                    cut.table(Purpose::Held(*id));
                    (loops.add(Start::Held(*id), &(building | probing)), 1)
                };
                let mut own = if shape.mark_only { BTreeSet::new() } else { probing.clone() };
                let mut own_count = if shape.mark_only { 0 } else { count };
                if shape.build_rows.is_some() {
                    own.extend(loops.add(Start::BuildRows(*id), &probing));
                    own_count += 1;
                }
                (own, own_count)
            }
            Operator::Aggregate { .. }
            | Operator::WindowAggregate { .. }
            | Operator::Dedup { .. }
            | Operator::Sort { .. }
            | Operator::Limit { .. } => {
                cut.table(Purpose::State(*id));
                let filling = of_input(0).0;
                let is_live = live(cx.plan, *id).is_some();
                let start = Start::Table(*id);
                let own = if is_live { loops.add_live(start, filling) } else { loops.add(start, filling) };
                cut.in_turns.extend((is_live && loops.take_turns(&own)).then_some(*id));
                (own, 1)
            }
        };
        flows[id.0 as usize] = own;
        copies[id.0 as usize] = count;
    }
    cut.starts = loops.in_order();
    let waits = ordered.iter().filter(|(_, building, probing)| !loops.can_order(building, probing));
    (cut, waits.map(|(id, ..)| *id).collect())
}

/// The loops found so far, and which must run before which.
#[derive(Default)]
struct Loops {
    starts: Vec<Start>,
    /// By loop: those that must run before it.
    before: Vec<BTreeSet<usize>>,
    /// By loop: those of them that are to be complete before.
    complete: Vec<BTreeSet<usize>>,
    /// By loop: those that run at the same time, itself too.
    together: Vec<BTreeSet<usize>>,
}

impl Loops {
    fn add(&mut self, start: Start, before: &BTreeSet<usize>) -> BTreeSet<usize> {
        self.starts.push(start);
        self.before.push(before.clone());
        self.complete.push(before.clone());
        let this = BTreeSet::from([self.starts.len() - 1]);
        self.together.push(this.clone());
        this
    }

    /// A loop over a table that gives rows while these loops fill it.
    fn add_live(&mut self, start: Start, filling: &BTreeSet<usize>) -> BTreeSet<usize> {
        let this = self.add(start, filling);
        self.complete.pop();
        self.complete.push(BTreeSet::new());
        let group: BTreeSet<usize> = filling.union(&this).flat_map(|each| self.together[*each].clone()).collect();
        group.iter().for_each(|each| self.together[*each].clone_from(&group));
        this
    }

    /// All that must run before these, and these, and what runs at the same time as one of them.
    fn closure(&self, loops: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut all = loops.clone();
        let mut todo: Vec<usize> = loops.iter().copied().collect();
        while let Some(next) = todo.pop() {
            let others = self.before[next].iter().chain(&self.together[next]);
            todo.extend(others.filter(|other| all.insert(**other)));
        }
        all
    }

    /// Whether all of `first` can run before any of `then`.
    fn can_order(&self, first: &BTreeSet<usize>, then: &BTreeSet<usize>) -> bool {
        self.closure(first).is_disjoint(then)
    }

    fn order(&mut self, first: &BTreeSet<usize>, then: &BTreeSet<usize>) {
        for each in then {
            self.before[*each].extend(first);
            self.complete[*each].extend(first);
        }
    }

    /// Whether loops that run at the same time as one of these have to be complete before others of them begin.
    fn take_turns(&self, of: &BTreeSet<usize>) -> bool {
        let group: BTreeSet<usize> = of.iter().flat_map(|each| self.together[*each].clone()).collect();
        let earlier: BTreeSet<usize> = group.iter().flat_map(|each| self.complete[*each].clone()).collect();
        !self.closure(&earlier).is_disjoint(&group)
    }

    /// An order in which they can run; the plan's, where nothing speaks against it.
    fn in_order(&self) -> Vec<Start> {
        let mut done = BTreeSet::new();
        let mut order = Vec::new();
        while order.len() < self.starts.len() {
            let next = (0..self.starts.len()).find(|each| !done.contains(each) && self.before[*each].is_subset(&done));
            let next = next.expect("`can_order` keeps loops from waiting for each other");
            done.insert(next);
            order.push(self.starts[next]);
        }
        order
    }
}
