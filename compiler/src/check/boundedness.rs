//! Streams that end and streams that do not: who can work on which.

use super::operators::Planner;
use crate::diagnostics::streams as say;
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{Connector, JoinKind, Location, NodeId};
use sabot_ir::span::Span;

/// Whether the rows of a place end some time.
pub(super) fn ends(connector: &Connector) -> bool {
    let has = |option: &str| connector.options.contains_key(option);
    match &connector.location {
        Location::Kafka(_) => false,
        Location::Postgres(_) => true,
        Location::Path(_) | Location::Standard => !has("follow"),
        Location::Generator(_) => has("events") || has("rows"),
    }
}

impl Planner<'_, '_> {
    pub(super) fn is_bounded(&self, node: NodeId) -> bool {
        self.plan.node(node).properties.bounded
    }

    /// A source before this node whose rows never end.
    fn endless_source(&self, mut node: NodeId) -> (String, Span) {
        while let Some(input) = self.plan.node(node).inputs.iter().find(|input| !self.is_bounded(**input)) {
            node = *input;
        }
        let node = self.plan.node(node);
        (node.name.clone(), node.span)
    }

    /// Reports an operator that needs all of its rows, if they never end. Whether they do.
    pub(super) fn must_end(&mut self, op: &StreamOperatorNode, input: NodeId) -> bool {
        if self.is_bounded(input) {
            return true;
        }
        let (source, declared) = self.endless_source(input);
        self.cx.say(say::never_complete(op.operator_type.name(), op.span, &source, declared));
        false
    }

    /// Whether what a lookup join reads first ends, if it is one; reports it.
    pub(super) fn lookup_ends(&mut self, op: &StreamOperatorNode, right: NodeId) -> bool {
        let is_lookup = matches!(op.get("lookup"), Some(Parameter::Bool(true)));
        if !is_lookup || self.is_bounded(right) {
            return true;
        }
        let (source, declared) = self.endless_source(right);
        self.cx.say(say::lookup_never_ends(op.span, &source, declared));
        false
    }

    /// Whether rows without a partner can be told, and whether the state of a join is bounded; reports what is not.
    /// `closes`: the rows of both sides belong to windows, and the keys say to which.
    pub(super) fn can_join(
        &mut self,
        op: &StreamOperatorNode,
        kind: JoinKind,
        (left, right): (NodeId, NodeId),
        closes: bool,
    ) -> bool {
        let (left_goes_on, right_goes_on) = (!self.is_bounded(left), !self.is_bounded(right));
        if !self.lookup_ends(op, right) {
            return false;
        }
        if closes {
            return true;
        }
        let of_left = matches!(kind, JoinKind::Left | JoinKind::Full | JoinKind::Anti) && right_goes_on;
        let of_right = matches!(kind, JoinKind::Right | JoinKind::Full) && left_goes_on;
        if of_left || of_right {
            let (preserved, endless) = if of_left { (left, right) } else { (right, left) };
            let (source, declared) = self.endless_source(endless);
            let is_table = self.is_bounded(preserved);
            let span = op.parameters.get("kind").map(|kind| kind.span).filter(|span| !span.is_none());
            let name = super::join::kind_name(kind);
            self.cx.say(say::partner_may_come(name, span.unwrap_or(op.span), &source, declared, is_table));
            return false;
        }
        if left_goes_on && right_goes_on {
            self.cx.say(say::state_grows(op.span));
        }
        true
    }
}
