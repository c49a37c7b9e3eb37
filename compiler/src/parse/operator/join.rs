//! What stands between the two streams of a join and the rows made of its pairs.

use super::methods::STREAM;
use super::{Body, Flow};
use crate::diagnostics::syntax;
use crate::parse::stream::{Draft, DraftId};
use sabot_ir::ast::Name;
use sabot_ir::job_graph::{OperatorType, Parameter};
use sabot_ir::span::Span;
use std::collections::BTreeMap;

/// The methods of a hash join.
const HASH: [&str; 9] = ["map", "left", "right", "full", "semi", "anti", "within", "window", "as_of_event_time"];

/// The methods of an as-of join.
const ASOF: [&str; 7] = ["on", "backward", "forward", "nearest", "tolerance", "left", "map"];

/// A join before its `map`.
pub(super) struct Begun {
    pub(super) operator_type: OperatorType,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) left: DraftId,
    pub(super) right: DraftId,
    pub(super) span: Span,
}

impl Begun {
    fn flow(self) -> Flow {
        let Self { operator_type, parameters, left, right, span } = self;
        Flow::Joined { operator_type, parameters, left, right, span }
    }

    fn set(&mut self, name: &str, value: impl Into<sabot_ir::job_graph::Value>, span: Span) -> bool {
        self.parameters.insert(name.to_owned(), Parameter { value: value.into(), span }).is_none()
    }
}

impl Body<'_, '_> {
    /// `.on(l, r)` behind `hash_join` and `lookup_join`.
    pub(super) fn on(
        &mut self,
        left: DraftId,
        right: DraftId,
        lookup: bool,
        span: Span,
        call: &syn::ExprMethodCall,
    ) -> Option<Flow> {
        let operator_type = OperatorType::HashJoin;
        let mut join = Begun { operator_type, parameters: BTreeMap::new(), left, right, span };
        self.keys(&mut join, call)?;
        if lookup {
            join.set("lookup", true, span);
        }
        Some(join.flow())
    }

    fn keys(&mut self, join: &mut Begun, call: &syn::ExprMethodCall) -> Option<()> {
        let usage = ".on(|left| left.id, |right| right.id)";
        let [left_key, right_key] = self.arguments(call, usage)?;
        let left_key = self.function(left_key, "on", 1, usage);
        let right_key = self.function(right_key, "on", 1, usage);
        join.parameters.insert("left_key".to_owned(), left_key?);
        join.parameters.insert("right_key".to_owned(), right_key?);
        Some(())
    }

    /// A method behind a join that has its keys.
    pub(super) fn joined_method(&mut self, mut join: Begun, call: &syn::ExprMethodCall, name: &Name) -> Option<Flow> {
        let is_asof = join.operator_type == OperatorType::AsofJoin;
        let known: &[&str] = if is_asof { &ASOF } else { &HASH };
        let method = name.text.as_str();
        if !known.contains(&method) {
            if STREAM.iter().any(|(stream_method, _)| *stream_method == method) {
                self.reader.diagnostics.push(syntax::misplaced_method(
                    name.span,
                    method,
                    join.span,
                    "works on rows, not on pairs",
                    "make one row of each pair first: `.map(|left, right| Record { .. })`",
                ));
                return None;
            }
            return self.unknown(name, if is_asof { "an as-of join" } else { "a join" }, known);
        }
        let once = match method {
            "left" | "right" | "full" | "semi" | "anti" => {
                let [] = self.arguments(call, &format!(".{method}()"))?;
                join.set("kind", method, name.span)
            }
            "backward" | "forward" | "nearest" => {
                let [] = self.arguments(call, &format!(".{method}()"))?;
                join.set("direction", method, name.span)
            }
            "within" | "tolerance" => {
                let usage = format!(".{method}(minutes(5))");
                let [distance] = self.arguments(call, &usage)?;
                let (value, at) = self.duration_ms(distance, &usage)?;
                join.set(&format!("{method}_ms"), value, at)
            }
            "as_of_event_time" => {
                let [] = self.arguments(call, ".as_of_event_time()")?;
                join.set("as_of_event_time", true, name.span)
            }
            "window" => {
                let usage = ".window(tumbling(minutes(5)))";
                let [window] = self.arguments(call, usage)?;
                let window = self.window(window, usage)?;
                let is_first = !join.parameters.contains_key("window");
                join.parameters.extend(self.inside(window, "a join", name.span)?);
                is_first
            }
            "on" => {
                let is_first = !join.parameters.contains_key("left_key");
                self.keys(&mut join, call)?;
                is_first
            }
            _ => {
                let function = self.closure_of(call, 2, ".map(|left, right| Record { .. })")?;
                join.parameters.insert("function".to_owned(), function);
                return Some(self.joined(join));
            }
        };
        if !once {
            let what = match method {
                "left" | "right" | "full" | "semi" | "anti" => "the kind of this join".to_owned(),
                "backward" | "forward" | "nearest" => "the direction of this join".to_owned(),
                _ => format!("`{method}`"),
            };
            self.reader.diagnostics.push(syntax::said_twice(name.span, &what));
        }
        if matches!(method, "semi" | "anti") {
            return Some(self.joined(join));
        }
        Some(join.flow())
    }

    fn joined(&mut self, join: Begun) -> Flow {
        let mut draft = Draft::new(join.operator_type, join.span).input(join.left).input(join.right);
        draft.parameters = join.parameters;
        Flow::Stream(self.drafts.add(draft))
    }
}
