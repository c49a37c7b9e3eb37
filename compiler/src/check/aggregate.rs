//! `.aggregate(|g| ..)`: the calls of the group become columns of the aggregate, what is around them a projection.
//!
//! The closure's code lives in two worlds. Inside `g.sum(|q| ..)` a column is one of the rows that are grouped; outside
//! it is a key or the result of a call. The columns outside count from [`GROUP_BASE`] until the closure is lowered, so
//! that a value which is carried from the outside into a call is seen and refused.

use super::hir::{GroupPart, Hir, HirAggregate, HirClosure, HirKind};
use super::infer::{Body, GroupTy, GroupWindow};
use super::lower::Lower;
use super::region::{Region, wrap};
use super::snippet;
use super::types::Ty;
use super::unify::Kind;
use super::value::Value;
use crate::diagnostics::aggregate as say;
use crate::diagnostics::types::{Why, annotations_needed};
use sabot_ir::ast::{self, ExprKind as Ast, Name};
use sabot_ir::expr::{Expr, ExprKind, Function, LocalId};
use sabot_ir::plan::{AggregateCall, AggregateFunction, Share};
use sabot_ir::span::Span;
use sabot_ir::ty::{TimeUnit, Type};
use sabot_ir::value::ValueFunction;
use std::collections::BTreeSet;

/// The type of a window's start and end.
const TIME: Ty = Ty::Scalar(Type::Timestamp(TimeUnit::Microsecond));

/// Where the columns of the aggregate's output begin while its closure is lowered.
pub(super) const GROUP_BASE: u32 = 1 << 30;

/// The functions of a group that take a closure.
const FUNCTIONS: [AggregateFunction; 14] = [
    AggregateFunction::Sum,
    AggregateFunction::Min,
    AggregateFunction::Max,
    AggregateFunction::Avg,
    AggregateFunction::First,
    AggregateFunction::Last,
    AggregateFunction::ArgMin,
    AggregateFunction::ArgMax,
    AggregateFunction::CountDistinct,
    AggregateFunction::ApproxCountDistinct,
    AggregateFunction::Variance,
    AggregateFunction::Stddev,
    AggregateFunction::Median,
    AggregateFunction::Collect,
];

/// What the lowering of a group's closure needs and gathers.
pub(super) struct GroupCx {
    /// The key, in columns from [`GROUP_BASE`].
    pub(super) key: Option<Value>,
    /// How many columns the key has, and behind it the times of the window.
    pub(super) keys: u32,
    /// The times of the window, in columns from [`GROUP_BASE`].
    pub(super) times: Option<(Expr, Expr)>,
    /// When a row happened, where the stream says so.
    pub(super) row_time: Option<Expr>,
    /// A row of the input.
    pub(super) row: Value,
    /// Names of the input's columns.
    pub(super) row_names: Vec<String>,
    /// Names that the output has already.
    pub(super) taken: Vec<String>,
    /// The calls so far, each different.
    pub(super) calls: Vec<AggregateCall>,
}

/// The function of this name, if it is one.
pub(super) fn function_named(name: &str) -> Option<AggregateFunction> {
    FUNCTIONS.into_iter().find(|function| function.name() == name)
}

impl Body<'_, '_> {
    /// `g.name(args)`.
    pub(super) fn group_method(&mut self, receiver: &ast::Expr, name: &Name, args: &[ast::Expr], span: Span) -> Hir {
        let Some(group) = self.group.clone() else { return Hir::error(span) };
        let method = name.text.as_str();
        if self.in_aggregate {
            self.cx.say(say::nested(method, name.span));
            return Hir::error(span);
        }
        match method {
            "key" => {
                if !args.is_empty() {
                    return self.wrong_arity("key", 0, args, name.span, span);
                }
                return match group.key {
                    Some(ty) => Hir::new(HirKind::Group(GroupPart::Key), ty, span),
                    None => {
                        self.cx.say(say::no_key(name.span));
                        Hir::error(span)
                    }
                };
            }
            "count" => {
                if !args.is_empty() {
                    self.cx.say(say::count_takes_nothing(name.span));
                    return Hir::new(HirKind::Error, Ty::I64, span);
                }
                return aggregate(AggregateFunction::Count, Vec::new(), None, Ty::I64, span);
            }
            "count_if" => {
                let [condition] = args else {
                    return self.wrong_closures(method, &["condition"], args, name.span, span);
                };
                let filter = self.row_closure(condition, Some(&Ty::BOOL), &group, method);
                return match filter {
                    Some(filter) => aggregate(AggregateFunction::Count, Vec::new(), Some(filter), Ty::I64, span),
                    None => Hir::new(HirKind::Error, Ty::I64, span),
                };
            }
            "start" | "end" => {
                if !args.is_empty() {
                    return self.wrong_arity(method, 0, args, name.span, span);
                }
                let rows = match group.window {
                    GroupWindow::OfTime => None,
                    GroupWindow::OfRows => Some(say::Rows::Window),
                    GroupWindow::No => Some(say::Rows::Group),
                };
                if let Some(rows) = rows {
                    self.cx.say(say::window_only(method, rows, name.span));
                    return Hir::error(span);
                }
                let part = if method == "start" { GroupPart::Start } else { GroupPart::End };
                return Hir::new(HirKind::Group(part), TIME, span);
            }
            "percentile" | "percentile_if" | "approx_percentile" | "approx_percentile_if" => {
                return self.percentile(&group, name, args, span);
            }
            "aggregate" | "aggregate_if" => return self.user_aggregate(&group, name, &[], args, span),
            _ => {}
        }
        let (base, is_filtered) = match method.strip_suffix("_if") {
            Some(base) => (base, true),
            None => (method, false),
        };
        let Some(function) = function_named(base) else {
            let mut known: Vec<&str> = FUNCTIONS.iter().map(|function| function.name()).collect();
            known.extend(["key", "count", "count_if", "percentile", "approx_percentile", "aggregate"]);
            if group.window == GroupWindow::OfTime {
                known.extend(["start", "end"]);
            }
            let written = snippet::written(receiver).unwrap_or_else(|| "g".to_owned());
            self.cx.say(say::unknown_function(&written, method, &known, name.span));
            return Hir::error(span);
        };
        let two = matches!(function, AggregateFunction::ArgMin | AggregateFunction::ArgMax);
        let names: &[&str] = match (two, is_filtered) {
            (false, false) => &["value"],
            (false, true) => &["value", "condition"],
            (true, false) => &["by", "value"],
            (true, true) => &["by", "value", "condition"],
        };
        if args.len() != names.len() {
            return self.wrong_closures(method, names, args, name.span, span);
        }
        let (values, condition) = args.split_at(if two { 2 } else { 1 });
        let mut closures = Vec::with_capacity(2);
        for value in values {
            let closure = self.row_closure(value, None, &group, method);
            closures.push(closure);
        }
        let filter = match condition.first() {
            Some(condition) => self.row_closure(condition, Some(&Ty::BOOL), &group, method).map(Some),
            None => Some(None),
        };
        let closures: Option<Vec<HirClosure>> = closures.into_iter().collect();
        let (Some(closures), Some(filter)) = (closures, filter) else { return Hir::error(span) };
        let Some(ty) = self.result_of(function, &closures, name.span) else { return Hir::error(span) };
        aggregate(function, closures, filter, ty, span)
    }

    /// `g.percentile(0.95, |row| value)`: the share is a constant.
    fn percentile(&mut self, group: &GroupTy, name: &Name, args: &[ast::Expr], span: Span) -> Hir {
        let method = name.text.as_str();
        let (share, value, condition) = match args {
            [share, value] if !method.ends_with("_if") && !matches!(share.kind, Ast::Closure(_)) => {
                (share, value, None)
            }
            [share, value, condition] if method.ends_with("_if") => (share, value, Some(condition)),
            _ => {
                self.cx.say(say::percentile_arity(method, name.span));
                return Hir::error(span);
            }
        };
        let number = self.expect(share, &Ty::F64, Why::Argument { function: "percentile", index: 0 });
        let of_const = if let HirKind::Const(id) = &number.kind {
            self.cx.consts[id.0 as usize].literal.as_ref().map(|literal| &literal.kind)
        } else {
            None
        };
        let literal = if let HirKind::Float(number) = of_const.unwrap_or(&number.kind) { Some(*number) } else { None };
        let value = self.row_closure(value, None, group, method);
        let filter = condition.map(|condition| self.row_closure(condition, Some(&Ty::BOOL), group, method));
        let Some(share) = literal.and_then(Share::new) else {
            if !number.ty.is_error() {
                self.cx.say(say::no_share(share.span));
            }
            return Hir::error(span);
        };
        let (Some(value), false) = (value, filter.as_ref().is_some_and(Option::is_none)) else {
            return Hir::error(span);
        };
        let is_approximate = method.starts_with("approx");
        let function = if is_approximate {
            AggregateFunction::ApproxPercentile(share)
        } else {
            AggregateFunction::Percentile(share)
        };
        let closures = vec![value];
        let Some(ty) = self.result_of(function, &closures, name.span) else { return Hir::error(span) };
        aggregate(function, closures, filter.flatten(), ty, span)
    }

    pub(super) fn wrong_closures(
        &mut self,
        method: &str,
        names: &[&str],
        args: &[ast::Expr],
        at: Span,
        span: Span,
    ) -> Hir {
        self.cx.say(say::wrong_arity(method, names, args.len(), at));
        Hir::error(span)
    }

    /// A closure over one row, or the name of a function that stands for one.
    pub(super) fn row_closure(
        &mut self,
        arg: &ast::Expr,
        result: Option<&Ty>,
        group: &GroupTy,
        method: &str,
    ) -> Option<HirClosure> {
        let is_function = if let Ast::Name(name) = &arg.kind {
            self.cx.function_names.contains_key(name)
        } else {
            matches!(arg.kind, Ast::Path(_))
        };
        if is_function {
            self.in_aggregate = true;
            let closure = self.callback(arg, std::slice::from_ref(&group.row), result, method);
            self.in_aggregate = false;
            return closure;
        }
        let Ast::Closure(closure) = &arg.kind else {
            if !matches!(arg.kind, Ast::Error) {
                let text = snippet::written(arg);
                self.cx.say(say::not_a_closure(method, text.as_deref(), arg.span));
            }
            return None;
        };
        self.in_aggregate = true;
        let closure = self.closure(closure, std::slice::from_ref(&group.row), result, &format!("`{method}`"));
        self.in_aggregate = false;
        closure
    }

    /// The type of an aggregate's result.
    fn result_of(&mut self, function: AggregateFunction, args: &[HirClosure], at: Span) -> Option<Ty> {
        let arg = args.first()?;
        if function == AggregateFunction::Collect {
            return self.collected_list(arg, at);
        }
        let ty = self.table.deep(&arg.body.ty);
        let place = arg.body.span;
        if ty.is_error() {
            return None;
        }
        if self.table.kind(&ty) == Some(Kind::Any) {
            self.cx.say(annotations_needed(place));
            return None;
        }
        let (value, is_option) =
            if let Ty::Option(inner) = &ty { (self.table.deep(inner), true) } else { (ty.clone(), false) };
        let optional = |ty: Ty| if is_option { ty.option() } else { ty };
        let kind = self.table.kind(&value);
        let number = value.is_number() || kind.is_some_and(|kind| kind != Kind::Any);
        let scalar = value.column_type().is_some_and(|ty| !ty.is_option()) || kind.is_some();
        let (fits, wanted, result) = match function {
            AggregateFunction::Sum => (number || value == Ty::DURATION || value == Ty::DECIMAL, "a number", ty.clone()),
            AggregateFunction::Avg
            | AggregateFunction::Variance
            | AggregateFunction::Stddev
            | AggregateFunction::Median
            | AggregateFunction::Percentile(_)
            | AggregateFunction::ApproxPercentile(_) => (number || value == Ty::DECIMAL, "a number", optional(Ty::F64)),
            AggregateFunction::Min | AggregateFunction::Max => (scalar, "one value", ty.clone()),
            AggregateFunction::CountDistinct | AggregateFunction::ApproxCountDistinct => (scalar, "one value", Ty::I64),
            AggregateFunction::First | AggregateFunction::Last => {
                (scalar || matches!(ty, Ty::Tuple(_)) || self.cx.is_of_rows(&ty), "a value", ty.clone())
            }
            AggregateFunction::ArgMin | AggregateFunction::ArgMax => {
                let taken = self.table.deep(&args.get(1)?.body.ty);
                if taken.is_error() {
                    return None;
                }
                // `None` in `by` is never the least or greatest: there may be no row at all.
                let result = match (&taken, is_option) {
                    (Ty::Option(_), _) | (_, false) => taken.clone(),
                    (_, true) => taken.clone().option(),
                };
                (scalar, "one value", result)
            }
            AggregateFunction::Count | AggregateFunction::Collect | AggregateFunction::User(_) => (true, "", Ty::I64),
        };
        if !fits {
            let diagnostic = say::wrong_argument(function.name(), wanted, &self.show(&ty), place, at);
            self.cx.say(diagnostic);
            return None;
        }
        Some(result)
    }
}

/// A call of a group's function.
pub(super) fn aggregate(
    function: AggregateFunction,
    args: Vec<HirClosure>,
    filter: Option<HirClosure>,
    ty: Ty,
    span: Span,
) -> Hir {
    Hir::new(HirKind::Aggregate(Box::new(HirAggregate { function, args, filter })), ty, span)
}

impl Lower<'_, '_> {
    /// `g.key()`, `w.start()`, `w.end()`.
    pub(super) fn group_part(&mut self, part: GroupPart, hir: &Hir) -> Value {
        let found = self.group.as_ref().and_then(|group| match part {
            GroupPart::Key => group.key.clone(),
            GroupPart::Start => group.times.as_ref().map(|(start, _)| Value::Scalar(start.clone())),
            GroupPart::End => group.times.as_ref().map(|(_, end)| Value::Scalar(end.clone())),
        });
        found.unwrap_or_else(|| Value::default_of(self.cx, &hir.ty))
    }

    /// `g.sum(|q| ..)`: its column.
    pub(super) fn aggregate(&mut self, call: &HirAggregate, hir: &Hir) -> Value {
        let Some(row) = self.group.as_ref().map(|group| group.row.clone()) else {
            return Value::default_of(self.cx, &hir.ty);
        };
        let outer = std::mem::replace(&mut self.regions, vec![Region::new()]);
        let mut args: Vec<Value> = Vec::with_capacity(2);
        for closure in &call.args {
            args.push(self.closure(closure, vec![row.clone()]));
        }
        let mut filter = call.filter.as_ref().map(|closure| self.closure(closure, vec![row.clone()]));
        self.regions = outer;
        // What the closure reads of the code around it comes along.
        let around: Region = self.regions.iter().flatten().cloned().collect();
        let mut carried_group = false;
        for value in args.iter_mut().chain(&mut filter) {
            wrap(&around, value);
            carried_group |= reads_group(value);
        }
        if carried_group {
            self.cx.say(say::group_value_inside(call.function.name(), hir.span));
            return Value::default_of(self.cx, &hir.ty);
        }
        let filter = filter.and_then(|filter| filter.into_leaves().pop());
        if let AggregateFunction::User(part) = call.function {
            return self.user_call(call, part, args, filter.as_ref(), hir);
        }
        let by = if call.args.len() == 2 {
            args.first().and_then(|by| by.leaves().first().map(|by| (*by).clone()))
        } else {
            None
        };
        let Some(value) = args.pop() else {
            let ty = Type::Int64;
            return Value::Scalar(self.call_column(call.function, Vec::new(), filter, ty, hir.span));
        };
        let mut result = Value::default_of(self.cx, &hir.ty);
        let row_time = self.group.as_ref().and_then(|group| group.row_time.clone());
        let is_one = matches!(value, Value::Scalar(_));
        for (leaf, out) in value.into_leaves().into_iter().zip(result.leaves_mut()) {
            let mut args = by.iter().cloned().chain([leaf]).collect();
            let mut filter = filter.clone();
            let ty = out.ty.clone();
            let function = by_time(call.function, &mut args, is_one.then_some(&mut filter), row_time.as_ref());
            *out = self.call_column(function, args, filter, ty, hir.span);
        }
        result
    }

    /// The column of a call, which is made if there is none like it.
    pub(super) fn call_column(
        &mut self,
        function: AggregateFunction,
        mut args: Vec<Expr>,
        mut filter: Option<Expr>,
        ty: Type,
        span: Span,
    ) -> Expr {
        if matches!(
            function,
            AggregateFunction::Avg
                | AggregateFunction::Variance
                | AggregateFunction::Stddev
                | AggregateFunction::Median
                | AggregateFunction::Percentile(_)
                | AggregateFunction::ApproxPercentile(_)
        ) {
            for arg in &mut args {
                let local = self.fresh();
                decimal_as_float(arg, local);
            }
        }
        for expr in args.iter_mut().chain(&mut filter) {
            super::region::finish(expr);
        }
        let Some(group) = &mut self.group else { return super::value::default_of(&ty) };
        let found = group
            .calls
            .iter()
            .position(|call| call.function == function && call.args == args && call.filter == filter && call.ty == ty);
        let position = found.unwrap_or_else(|| {
            let of = match args.last().map(|arg| &arg.kind) {
                Some(ExprKind::Column(column)) => group.row_names.get(*column as usize).cloned(),
                _ => None,
            };
            let mut name = function.name().to_owned();
            if let AggregateFunction::User(part) = function {
                let of = self.cx.plan_aggregates.get(part.aggregate as usize);
                let column = of.and_then(|of| of.state.get(part.part as usize));
                name = column.map_or(name, |column| column.name.clone());
            }
            if filter.is_some() {
                name.push_str("_if");
            }
            if let Some(of) = of {
                name = format!("{name}_{of}");
            }
            let name = super::unique_name(&name, &group.taken);
            group.taken.push(name.clone());
            group.calls.push(AggregateCall { function, args, filter, name, ty: ty.clone(), span });
            group.calls.len() - 1
        });
        let position = u32::try_from(position).unwrap_or(u32::MAX / 4);
        Expr::new(ExprKind::Column(GROUP_BASE + group.keys + position), ty, span)
    }
}

/// The first row is the one that happened first, where rows say when they happened. With a filter to add to, it skips
/// `None` as `first` does; the parts of a record are those of one row.
fn by_time(
    function: AggregateFunction,
    args: &mut Vec<Expr>,
    filter: Option<&mut Option<Expr>>,
    time: Option<&Expr>,
) -> AggregateFunction {
    let by_time = match function {
        AggregateFunction::First => AggregateFunction::ArgMin,
        AggregateFunction::Last => AggregateFunction::ArgMax,
        AggregateFunction::Count
        | AggregateFunction::Sum
        | AggregateFunction::Min
        | AggregateFunction::Max
        | AggregateFunction::Avg
        | AggregateFunction::ArgMin
        | AggregateFunction::ArgMax
        | AggregateFunction::CountDistinct
        | AggregateFunction::ApproxCountDistinct
        | AggregateFunction::Variance
        | AggregateFunction::Stddev
        | AggregateFunction::Median
        | AggregateFunction::Percentile(_)
        | AggregateFunction::ApproxPercentile(_)
        | AggregateFunction::Collect
        | AggregateFunction::User(_) => return function,
    };
    let (Some(time), [value]) = (time, args.as_slice()) else { return function };
    if let Some(filter) = filter.filter(|_| value.ty.is_option()) {
        let is_there = super::value::is_some(value.clone(), value.span);
        *filter = Some(match filter.take() {
            Some(filter) => {
                let span = filter.span;
                super::value::binary(ast::BinaryOp::And, filter, is_there, Type::Bool, span)
            }
            None => is_there,
        });
    }
    args.insert(0, time.clone());
    by_time
}

/// What has a mean is a float: a decimal becomes the one next to it.
fn decimal_as_float(arg: &mut Expr, local: LocalId) {
    if *arg.ty.value_type() != Type::DECIMAL {
        return;
    }
    let span = arg.span;
    let convert =
        |x: Expr| Expr::new(ExprKind::Call(Function::Value(ValueFunction::DecimalToF64), vec![x]), Type::Float64, span);
    let value = std::mem::replace(arg, Expr::bool(true));
    *arg = if value.ty.is_option() {
        let inner = Expr::new(ExprKind::Local(local), Type::DECIMAL, span);
        let float = Type::Float64.optional();
        let then = Expr::new(ExprKind::Some(Box::new(convert(inner))), float.clone(), span);
        let otherwise = Expr::new(ExprKind::None, float.clone(), span);
        let kind =
            ExprKind::IfSome { option: Box::new(value), local, then: Box::new(then), otherwise: Box::new(otherwise) };
        Expr::new(kind, float, span)
    } else {
        convert(value)
    };
}

/// Drops the calls that nothing reads (of `g.last(|q| q)` one field may be enough) and lets the columns of the rest count
/// from the first key.
pub(super) fn keep_what_is_read(calls: &mut Vec<AggregateCall>, keys: u32, value: &mut Value) {
    let first = GROUP_BASE + keys;
    let read: BTreeSet<u32> = value.leaves().iter().flat_map(|leaf| leaf.columns()).collect();
    let mut moved: Vec<u32> = Vec::with_capacity(calls.len());
    let mut kept = Vec::with_capacity(calls.len());
    for (position, call) in (0_u32..).zip(std::mem::take(calls)) {
        moved.push(u32::try_from(kept.len()).unwrap_or(u32::MAX));
        let of_group = matches!(call.function, AggregateFunction::Sum | AggregateFunction::User(_));
        let can_fail = of_group || call.args.iter().chain(&call.filter).any(Expr::can_fail);
        if can_fail || read.contains(&(first + position)) {
            kept.push(call);
        }
    }
    *calls = kept;
    for leaf in value.leaves_mut() {
        leaf.rewrite(&mut |node| {
            if let ExprKind::Column(column) = &mut node.kind {
                *column = match column.checked_sub(first) {
                    Some(call) => keys + moved[call as usize],
                    None => *column - GROUP_BASE,
                };
            }
        });
    }
}

fn reads_group(value: &Value) -> bool {
    value.leaves().iter().any(|leaf| leaf.columns().iter().any(|column| *column >= GROUP_BASE))
}
