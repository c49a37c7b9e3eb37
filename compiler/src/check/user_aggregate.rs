//! `#[sabot::aggregate] impl Spread { init, add, merge, finish }`: the author's own aggregate functions.
//!
//! The record is the state of a group, taken apart into columns like any other. `init`, `add`, `merge` and `remove` become
//! expressions over these columns ([`sabot_ir::user_aggregate`]), each call of `g.aggregate::<Spread>(..)` a call for each
//! column, and `finish` code around them.

use super::aggregate::aggregate;
use super::group::GroupCode;
use super::hir::{FunctionId, Hir, HirAggregate, HirClosure};
use super::infer::{Body, GroupTy};
use super::lower::Lower;
use super::types::{RecordId, Ty};
use super::unify::Kind;
use super::value::Value;
use super::{Cx, region};
use crate::diagnostics::types::annotations_needed;
use crate::diagnostics::user_aggregate as say;
use sabot_ir::ast::{self, Name, TypeNameKind};
use sabot_ir::expr::Expr;
use sabot_ir::job_graph::JobGraph;
use sabot_ir::plan::{AggregateFunction, UserAggregate, UserPart};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Type};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A record that is an aggregate.
pub(super) struct AggregateTy {
    record: RecordId,
    init: FunctionId,
    add: FunctionId,
    merge: FunctionId,
    finish: FunctionId,
    remove: Option<FunctionId>,
    /// Its place in the plan, once something uses it.
    number: Option<u32>,
}

/// The functions that an aggregate must have.
const NEEDED: [&str; 4] = ["init", "add", "merge", "finish"];

impl Cx<'_> {
    /// Finds the aggregates among the records, and checks their functions' signatures.
    pub(super) fn declare_aggregates(&mut self, graph: &JobGraph) {
        let mut owners: BTreeMap<&str, Vec<&ast::Function>> = BTreeMap::new();
        for function in graph.functions.iter().filter(|function| function.of_aggregate) {
            if let Some(owner) = &function.owner {
                owners.entry(owner.text.as_str()).or_default().push(function);
            }
        }
        for (owner, functions) in owners {
            let (Some(&record), Some(at)) = (self.record_names.get(owner), functions.first()) else { continue };
            let at = at.owner.as_ref().map_or(at.span, |owner| owner.span);
            let errors = self.errors;
            let find = |name: &str| functions.iter().find(|function| function.name.text == name).copied();
            let missing: Vec<&str> = NEEDED.into_iter().filter(|name| find(name).is_none()).collect();
            if !missing.is_empty() {
                self.say(say::missing(owner, &missing, at));
                self.broken_aggregates.insert(record);
                continue;
            }
            let mut ids = BTreeMap::new();
            for function in NEEDED.into_iter().chain(["remove"]).filter_map(find) {
                if let Some(&id) = self.function_names.get(&function.full_name()) {
                    self.check_signature(record, owner, function, id);
                    ids.insert(function.name.text.as_str(), id);
                }
            }
            let found = |name: &str| ids.get(name).copied();
            let (Some(init), Some(add), Some(merge), Some(finish)) =
                (found("init"), found("add"), found("merge"), found("finish"))
            else {
                continue;
            };
            if let Some(remove) = found("remove")
                && self.functions[remove.0 as usize]
                    .params
                    .iter()
                    .map(|(_, ty)| ty)
                    .ne(self.functions[add.0 as usize].params.iter().map(|(_, ty)| ty))
            {
                let span = self.functions[remove.0 as usize].span;
                self.say(say::wrong_signature(owner, "remove", "the parameters of `add`", span));
            }
            if self.errors > errors {
                self.broken_aggregates.insert(record);
                continue;
            }
            self.aggregates.push(AggregateTy {
                record,
                init,
                add,
                merge,
                finish,
                remove: found("remove"),
                number: None,
            });
        }
    }

    fn check_signature(&mut self, record: RecordId, owner: &str, function: &ast::Function, id: FunctionId) {
        let own = Ty::Record(record);
        let of = &self.functions[id.0 as usize];
        let takes_self = of.params.first().is_some_and(|(name, ty)| name == "self" && *ty == own);
        let name = function.name.text.as_str();
        let is_reference = |(_, ty): &&(ast::Pattern, ast::TypeName)| matches!(ty.kind, TypeNameKind::Reference(_));
        let is_generic = !of.generics.is_empty();
        let wrong = match name {
            _ if is_generic => Some("no type parameters"),
            "init" if !of.params.is_empty() || of.returns != own => Some("no parameters, and returns `Self`"),
            "add" | "remove" if !takes_self || of.returns != own => {
                Some("`self` and the values of a row, and returns `Self`")
            }
            "add" | "remove" if function.params.iter().skip(1).any(|param| is_reference(&param)) => {
                Some("the values of a row themselves: `String`, not `&str`")
            }
            "merge" if !takes_self || of.params.len() != 2 || of.params[1].1 != own || of.returns != own => {
                Some("`self` and `other: Self`, and returns `Self`")
            }
            "finish" if !takes_self || of.params.len() != 1 || of.returns == Ty::unit() => {
                Some("`self` alone, and returns what the group comes to")
            }
            _ => None,
        };
        let has_mistake = of.returns.is_error() || of.params.iter().any(|(_, ty)| ty.is_error());
        if let Some(takes) = wrong.filter(|_| !has_mistake) {
            self.say(say::wrong_signature(owner, name, takes, function.name.span));
        } else if has_mistake {
            self.broken_aggregates.insert(record);
        }
    }

    fn state_types(&self, ty: &Ty) -> Vec<Type> {
        let mut types = Vec::new();
        Value::of_type(self, ty, &mut |ty| {
            types.push(ty.clone());
            super::value::default_of(&ty)
        });
        types
    }

    /// The columns of a value of this type, with names.
    fn named_columns(&self, prefix: &str, ty: &Ty, columns: &mut Vec<Field>) {
        if let Some(column) = ty.column_type() {
            columns.push(Field::new(prefix, column));
            return;
        }
        let inside = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        match ty {
            Ty::Record(id) => {
                for field in &self.record(*id).fields {
                    self.named_columns(&inside(&field.name), &field.ty, columns);
                }
            }
            Ty::Tuple(parts) => {
                for (at, part) in parts.iter().enumerate() {
                    self.named_columns(&inside(&at.to_string()), part, columns);
                }
            }
            Ty::Option(inner) => {
                columns.push(Field::new(inside("is_some"), Type::Bool));
                self.named_columns(&inside("some"), inner, columns);
            }
            Ty::Error
            | Ty::Never
            | Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Result(..)
            | Ty::Failure
            | Ty::List(_)
            | Ty::Generic(_)
            | Ty::Ordering
            | Ty::Of(..)
            | Ty::Group
            | Ty::Var(_) => {}
        }
    }

    fn body_of(&self, function: FunctionId) -> Option<Rc<HirClosure>> {
        self.functions[function.0 as usize].body.as_ref().map(Rc::clone)
    }
}

impl Body<'_, '_> {
    /// `g.aggregate::<Spread>(|row| value)`.
    pub(super) fn user_aggregate(
        &mut self,
        group: &GroupTy,
        name: &Name,
        type_args: &[ast::TypeName],
        args: &[ast::Expr],
        span: Span,
    ) -> Hir {
        let method = name.text.as_str();
        let [written] = type_args else {
            self.cx.say(say::which_aggregate(method, name.span));
            return Hir::error(span);
        };
        let errors = self.cx.errors;
        let ty = self.cx.resolve_type(written);
        let found = self.cx.aggregates.iter().position(|of| Ty::Record(of.record) == ty);
        let Some(number) = found else {
            let is_broken = matches!(&ty, Ty::Record(id) if self.cx.broken_aggregates.contains(id));
            if self.cx.errors == errors && !is_broken && !ty.is_error() {
                let shown = self.cx.show(&ty);
                self.cx.say(say::no_aggregate(&shown, matches!(ty, Ty::Record(_)), written.span));
            }
            return Hir::error(span);
        };
        let (closure, condition) = match (method, args) {
            ("aggregate", [closure]) => (closure, None),
            ("aggregate_if", [closure, condition]) => (closure, Some(condition)),
            _ => {
                let names: &[&str] = if method == "aggregate" { &["value"] } else { &["value", "condition"] };
                return self.wrong_closures(method, names, args, name.span, span);
            }
        };
        let of = &self.cx.aggregates[number];
        let add = &self.cx.functions[of.add.0 as usize];
        let mut takes: Vec<Ty> = add.params.iter().skip(1).map(|(_, ty)| ty.clone()).collect();
        let input = if let [_] = takes.as_slice() { takes.remove(0) } else { Ty::Tuple(takes) };
        let returns = self.cx.functions[of.finish.0 as usize].returns.clone();
        let value = self.row_closure(closure, Some(&input), group, method);
        let filter = condition.map(|condition| self.row_closure(condition, Some(&Ty::BOOL), group, method));
        let (Some(value), false) = (value, filter.as_ref().is_some_and(Option::is_none)) else {
            return Hir::error(span);
        };
        let part = UserPart { aggregate: u32::try_from(number).unwrap_or(u32::MAX), part: 0, kept_by: None };
        aggregate(AggregateFunction::User(part), vec![value], filter.flatten(), returns, span)
    }

    /// `g.collect(|row| value)`: the type of the list.
    pub(super) fn collected_list(&mut self, closure: &HirClosure, at: Span) -> Option<Ty> {
        let ty = self.table.deep(&closure.body.ty);
        if ty.is_error() {
            return None;
        }
        if self.table.kind(&ty) == Some(Kind::Any) {
            self.cx.say(annotations_needed(closure.body.span));
            return None;
        }
        let list = Ty::List(Box::new(ty.clone()));
        let is_open_number = self.table.kind(&ty).is_some();
        if !is_open_number && (list.column_type().is_none() || matches!(ty, Ty::List(_))) {
            let shown = self.show(&ty);
            self.cx.say(say::not_collected(&shown, closure.body.span, at));
            return None;
        }
        Some(list)
    }
}

impl Lower<'_, '_> {
    /// The columns of an aggregate's state behind its calls, and `finish` of them.
    pub(super) fn user_call(
        &mut self,
        call: &HirAggregate,
        part: UserPart,
        args: Vec<Value>,
        filter: Option<&Expr>,
        hir: &Hir,
    ) -> Value {
        let number = self.user_aggregate(part.aggregate, hir.span);
        let of = &self.cx.aggregates[part.aggregate as usize];
        let (ty, finish) = (Ty::Record(of.record), of.finish);
        // `|_| ()` has a value, too, of which there is nothing to add.
        let takes_nothing = self.cx.functions[of.add.0 as usize].params.len() == 1;
        let args = args.into_iter().flat_map(Value::into_leaves).filter(|_| !takes_nothing);
        let args: Vec<Expr> = args.collect();
        debug_assert!(call.args.len() == 1, "one closure gives all that is added");
        let mut state = Value::default_of(self.cx, &ty);
        for (part, leaf) in (0..).zip(state.leaves_mut()) {
            let function = AggregateFunction::User(UserPart { aggregate: number, part, kept_by: None });
            *leaf = self.call_column(function, args.clone(), filter.cloned(), leaf.ty.clone(), hir.span);
        }
        match self.cx.body_of(finish) {
            Some(body) => self.inline(&body, vec![state]),
            None => Value::default_of(self.cx, &hir.ty),
        }
    }

    /// The number of an aggregate in the plan: it is put there when it is met first.
    fn user_aggregate(&mut self, at: u32, span: Span) -> u32 {
        let of = &self.cx.aggregates[at as usize];
        if let Some(number) = of.number {
            return number;
        }
        let (record, init, add, merge, remove) = (of.record, of.init, of.add, of.merge, of.remove);
        let ty = Ty::Record(record);
        let params: Vec<Ty> =
            self.cx.functions[add.0 as usize].params.iter().skip(1).map(|(_, ty)| ty.clone()).collect();
        let mut state = Vec::new();
        self.cx.named_columns("", &ty, &mut state);
        let mut lower = Lower::new(self.cx, Vec::new(), span);
        let with_args = || std::iter::once(&ty).chain(&params).collect::<Vec<_>>();
        let made = UserAggregate {
            name: lower.cx.record(record).name.clone(),
            init: lower.columns_of(init, &[]),
            add: lower.columns_of(add, &with_args()),
            merge: lower.columns_of(merge, &[&ty, &ty]),
            remove: remove.map(|remove| lower.columns_of(remove, &with_args())),
            args: params.iter().flat_map(|ty| lower.cx.state_types(ty)).collect(),
            state,
        };
        let number = self.cx.add_aggregate(made);
        self.cx.aggregates[at as usize].number = Some(number);
        number
    }

    /// The columns that a function gives whose parameters are columns, in order.
    fn columns_of(&mut self, function: FunctionId, params: &[&Ty]) -> Vec<Expr> {
        let Some(body) = self.cx.body_of(function) else { return Vec::new() };
        let mut position = 0;
        let args = params.iter().map(|ty| super::row::columns_from(self.cx, ty, &mut position)).collect();
        let mut columns = self.closure(&body, args).into_leaves();
        columns.iter_mut().for_each(region::finish);
        columns
    }
}

impl Cx<'_> {
    /// Puts an aggregate into the plan; gives its number there.
    pub(super) fn add_aggregate(&mut self, aggregate: UserAggregate) -> u32 {
        self.plan_aggregates.push(aggregate);
        u32::try_from(self.plan_aggregates.len() - 1).unwrap_or(u32::MAX)
    }
}

/// Whether some call of a group cannot take rows back: the name of its aggregate.
pub(super) fn without_remove<'a>(cx: &'a Cx<'_>, code: &GroupCode) -> Option<(&'a str, Span)> {
    code.calls.iter().find_map(|call| {
        if call.function == AggregateFunction::Collect {
            return Some(("collect", call.span));
        }
        let AggregateFunction::User(part) = call.function else { return None };
        let of = cx.plan_aggregates.get(part.aggregate as usize)?;
        of.remove.is_none().then_some((of.name.as_str(), call.span))
    })
}
