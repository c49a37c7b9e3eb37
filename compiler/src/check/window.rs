//! `.window(w)`: the lengths of windows, and the aggregate of each.

use super::group::GroupCode;
use super::infer::GroupWindow;
use super::operators::{Planner, Stream};
use super::types::Ty;
use crate::diagnostics::{operators, streams as say};
use sabot_ir::job_graph::{OperatorId, OperatorType, StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{SinkId, Window, WindowKind};

/// So long a window may be, that its end is still a time.
const LONGEST_US: i64 = i64::MAX / 8;

/// In so many windows a row may be, at most.
const MOST_OVERLAPS: i64 = 100_000;

impl Planner<'_, '_> {
    /// `[.key_by(k)].window(w).aggregate(f)`.
    pub(super) fn window_aggregate(&mut self, op: &StreamOperatorNode, input: &Stream) -> Stream {
        let has_times = op.operator_type != OperatorType::CountWindow;
        let of_group = if has_times { GroupWindow::OfTime } else { GroupWindow::OfRows };
        let window = self.window_of(op, input);
        if let Some(Parameter::Closure(function)) = op.get("reduce") {
            let Some(window) = window else { return Stream { node: None, row: input.row.clone() } };
            return self.reduce(op, input, function, Some(window));
        }
        let Ok(key) = self.group_key(op, input) else { return self.only_look_at_group(op, input, of_group) };
        if !matches!(op.get("function"), Some(Parameter::Closure(_))) {
            let Some(window) = window else { return Stream::unknown() };
            return self.guide_aggregate(op, input, key, Some(window));
        }
        let GroupCode { keys, calls, value, row } = match self.group_code(op, input, key, of_group) {
            Ok(code) => code,
            Err(stream) => return stream,
        };
        let Some(window) = window else { return Stream { node: None, row } };
        let grouped = self.grouped(op, input, keys, calls, Some(window));
        self.project(op, format!("{}.map", op.name), grouped, row, Some(value))
    }

    /// What the parameters say of the window.
    fn window_of(&mut self, op: &StreamOperatorNode, input: &Stream) -> Option<Window> {
        let kind = self.window_kind(op, op.operator_type);
        let is_of_the_clock = matches!(op.get("processing_time"), Some(Parameter::Bool(true)));
        let allowed_lateness_us = self.length(op, "allowed_lateness_ms", Least::Zero);
        let emit_every_us = self.length(op, "emit_every_ms", Least::Positive);
        for (name, method) in
            [("allowed_lateness_ms", "allowed_lateness"), ("emit_every_ms", "emit_every"), ("late", "late")]
        {
            let Some(parameter) = op.parameters.get(name) else { continue };
            let is_count = op.operator_type == OperatorType::CountWindow;
            if is_count || is_of_the_clock {
                let span = if parameter.span.is_none() { op.span } else { parameter.span };
                self.cx.say(say::never_late(method, is_count, span));
                return None;
            }
        }
        if self.refuse_changes(op, std::slice::from_ref(input)) {
            return None;
        }
        let time = if op.operator_type == OperatorType::CountWindow || is_of_the_clock {
            None
        } else {
            if !self.timestamp_column(op, input) {
                return None;
            }
            Some(self.needed_time(op, "a window", input)?)
        };
        let late = self.late_sink(op, "late", input)?;
        Some(Window {
            kind: kind?,
            time,
            allowed_lateness_us: allowed_lateness_us?.unwrap_or(0),
            emit_every_us: emit_every_us?,
            late,
        })
    }

    /// `.late(name, connector)`: the sink, which takes rows as the input has them.
    pub(super) fn late_sink(
        &mut self,
        op: &StreamOperatorNode,
        parameter: &str,
        input: &Stream,
    ) -> Option<Option<SinkId>> {
        let Some(Parameter::String(name)) = op.get(parameter) else { return Some(None) };
        let Some(sink) = self.sinks.get(&OperatorId(name.clone())).copied() else {
            let span = op.parameters.get(parameter).map_or(op.span, |parameter| parameter.span);
            let known: Vec<&str> = self.plan.sinks.iter().map(|sink| sink.name.as_str()).collect();
            let diagnostic = operators::unknown_error_sink(name, "late rows", &known, span);
            self.cx.say(diagnostic);
            return None;
        };
        if !matches!(input.row, Ty::Record(_)) {
            let found = self.cx.show(&input.row);
            self.cx.say(operators::sink_needs_record(&found, name, op.span));
            return None;
        }
        self.plan.sinks[sink.0 as usize].schema = self.plan.node(input.node?).schema.clone();
        Some(Some(sink))
    }

    /// Which windows: those of an operator of this type.
    pub(super) fn window_kind(&mut self, op: &StreamOperatorNode, window: OperatorType) -> Option<WindowKind> {
        let offset_us = self.length(op, "offset_ms", Least::Any)?.unwrap_or(0);
        if window == OperatorType::CountWindow {
            return match op.get("count") {
                Some(Parameter::Int(rows)) if *rows > 0 => Some(WindowKind::Count { rows: rows.unsigned_abs() }),
                _ => {
                    let span = op.parameters.get("count").map_or(op.span, |parameter| parameter.span);
                    self.cx.say(say::count_of_window(span));
                    None
                }
            };
        }
        if window == OperatorType::SessionWindow {
            return Some(WindowKind::Session { gap_us: self.needed_length(op, "gap_ms")? });
        }
        let size_us = self.needed_length(op, "window_size_ms")?;
        if window == OperatorType::SlidingWindow {
            let slide_us = self.needed_length(op, "slide_ms")?;
            let (size_at, slide_at) = (self.place(op, "window_size_ms"), self.place(op, "slide_ms"));
            if slide_us > size_us {
                self.cx.say(say::slide_beyond_size(slide_at, size_at));
                return None;
            }
            if size_us / slide_us > MOST_OVERLAPS {
                self.cx.say(say::too_many_windows(size_us / slide_us, slide_at, size_at));
                return None;
            }
            return Some(WindowKind::Sliding { size_us, slide_us, offset_us: offset_us.rem_euclid(slide_us) });
        }
        if window == OperatorType::CumulateWindow {
            let step_us = self.needed_length(op, "step_ms")?;
            let (max_at, step_at) = (self.place(op, "window_size_ms"), self.place(op, "step_ms"));
            if size_us % step_us != 0 {
                self.cx.say(say::steps_do_not_fit(step_at, max_at));
                return None;
            }
            if size_us / step_us > MOST_OVERLAPS {
                self.cx.say(say::too_many_windows(size_us / step_us, step_at, max_at));
                return None;
            }
            let offset_us = offset_us.rem_euclid(size_us);
            return Some(WindowKind::Cumulate { step_us, max_us: size_us, offset_us });
        }
        Some(WindowKind::Tumbling { size_us, offset_us: offset_us.rem_euclid(size_us) })
    }

    fn place(&self, op: &StreamOperatorNode, name: &str) -> sabot_ir::span::Span {
        op.parameters.get(name).map(|parameter| parameter.span).filter(|span| !span.is_none()).unwrap_or(op.span)
    }

    fn needed_length(&mut self, op: &StreamOperatorNode, name: &str) -> Option<i64> {
        let length = self.length(op, name, Least::Positive)?;
        if length.is_none() {
            self.cx.say(say::length_missing(op.operator_type.name(), name, &op.name, op.span));
        }
        length
    }

    /// A length in milliseconds, as microseconds; `None` after a mistake.
    pub(super) fn length(&mut self, op: &StreamOperatorNode, name: &str, least: Least) -> Option<Option<i64>> {
        let Some(Parameter::Int(ms)) = op.get(name) else { return Some(None) };
        let too_short = match least {
            Least::Any => false,
            Least::Zero => *ms < 0,
            Least::Positive => *ms <= 0,
        };
        let us = ms.checked_mul(1000).filter(|us| us.checked_abs().is_some_and(|us| us <= LONGEST_US));
        let span = self.place(op, name);
        if too_short {
            self.cx.say(say::length_not_positive(*ms, span));
            return None;
        }
        if us.is_none() {
            self.cx.say(say::length_beyond_time(span));
        }
        us.map(Some)
    }
}

/// How short a length may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Least {
    /// It may point backwards.
    Any,
    /// It may be nothing.
    Zero,
    /// It must be something.
    Positive,
}
