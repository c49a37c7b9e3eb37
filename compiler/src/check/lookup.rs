//! `.lookup_join(table)` of a stream that never ends: the table's file is read again when it has changed.

use super::operators::{Planner, Stream};
use super::window::Least;
use crate::diagnostics::streams as say;
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{Connector, Location, NodeId, Operator, SourceId};

/// Option of a connector: its files are looked at this often, in milliseconds.
const REFRESH_EVERY: &str = "refresh_every_ms";

/// How often the file of a table is looked at, where nothing is said.
const LOOK_AGAIN_MS: u32 = 10_000;

impl Planner<'_, '_> {
    /// `.refresh_every(d)` of a table.
    pub(super) fn refreshed(&mut self, op: &StreamOperatorNode, connector: &mut Connector) {
        let Some(Parameter::Int(ms)) = op.get(REFRESH_EVERY) else { return };
        if self.length(op, REFRESH_EVERY, Least::Positive).is_none() {
            return;
        }
        if !matches!(connector.location, Location::Path(_)) {
            let span = op.parameters.get(REFRESH_EVERY).map_or(op.span, |parameter| parameter.span);
            self.cx.say(say::nothing_to_read_again(span));
            return;
        }
        connector.options.insert(REFRESH_EVERY.to_owned(), ms.to_string());
    }

    /// Has the table of a lookup join read again; whether that can be done where it is asked for.
    pub(super) fn can_look_up(&mut self, op: &StreamOperatorNode, left: &Stream, right: &Stream) -> bool {
        let is_lookup = matches!(op.get("lookup"), Some(Parameter::Bool(true)));
        let (Some(left), Some(right), true) = (left.node, right.node, is_lookup) else { return true };
        if self.is_bounded(left) || !self.is_bounded(right) {
            return true;
        }
        let mut between: Option<NodeId> = None;
        let mut node = right;
        loop {
            let this = self.plan.node(node);
            match &this.operator {
                Operator::Source { source, .. } => return self.look_again_at(*source, op, between),
                Operator::Filter { .. } | Operator::Project { .. } | Operator::FlatMap { .. } => {}
                Operator::OnTime { .. }
                | Operator::Contenders { .. }
                | Operator::Union
                | Operator::HashJoin { .. }
                | Operator::IntervalJoin { .. }
                | Operator::AsofJoin { .. }
                | Operator::Aggregate { .. }
                | Operator::WindowAggregate { .. }
                | Operator::Dedup { .. }
                | Operator::Sort { .. }
                | Operator::Limit { .. }
                | Operator::Sink { .. } => between = Some(node),
            }
            let Some(input) = this.inputs.first() else { return true };
            node = *input;
        }
    }

    fn look_again_at(&mut self, source: SourceId, op: &StreamOperatorNode, between: Option<NodeId>) -> bool {
        let options = &mut self.plan.sources[source.0 as usize].connector;
        let is_file = matches!(options.location, Location::Path(_));
        match between {
            None if is_file => {
                options.options.entry(REFRESH_EVERY.to_owned()).or_insert_with(|| LOOK_AGAIN_MS.to_string());
                true
            }
            Some(between) if options.options.contains_key(REFRESH_EVERY) => {
                let span = self.plan.node(between).span;
                let name = self.written_name(between);
                self.cx.say(say::between_table_and_lookup(op.span, name, span));
                false
            }
            None | Some(_) => true,
        }
    }
}
