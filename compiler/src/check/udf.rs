//! The job's functions and constants: signatures first, then each body once, whether it is used or not.

use super::hir::{ConstId, FunctionId, Hir, HirClosure, HirKind};
use super::infer::Body;
use super::owned::is_string;
use super::types::Ty;
use super::{ConstTy, Cx, FunctionTy, ParamTy};
use crate::diagnostics::types::Why;
use crate::diagnostics::{generics, names, syntax, unsupported};
use sabot_ir::ast;
use sabot_ir::job_graph::JobGraph;
use sabot_ir::plan;
use sabot_ir::span::Span;
use std::collections::BTreeMap;
use std::rc::Rc;

impl Cx<'_> {
    /// Reads constants, functions and the job's parameters.
    pub(super) fn declare_code(&mut self, graph: &JobGraph) -> Vec<plan::Param> {
        self.declare_consts(&graph.consts);
        for function in &graph.functions {
            let (name, path) = (&function.name, function.full_name());
            if let Some(&first) = self.function_names.get(&path) {
                let first = self.functions[first.0 as usize].span;
                self.say(syntax::defined_twice(name.span, first, "function", &path));
                continue;
            }
            self.look_for_owner(function.owner.as_ref());
            let generics = self.enter_generics(function);
            let mut params = Vec::with_capacity(function.params.len());
            for (param, ty) in &function.params {
                let param = param.as_name().map_or_else(|| "_".to_owned(), |name| name.text);
                let ty = if super::template::function_type(ty).is_some() { Ty::unit() } else { self.resolve_type(ty) };
                params.push((param, ty));
            }
            let is_template = function.params.iter().any(|(_, ty)| super::template::function_type(ty).is_some());
            let returns = self.resolve_type(&function.returns);
            let id = FunctionId(u32::try_from(self.functions.len()).expect("fewer than 2^32 functions"));
            self.leave_generics();
            self.function_names.insert(path.clone(), id);
            let owned = function.params.iter().map(|(_, ty)| is_string(ty)).collect();
            let lent = function.params.iter().map(|(_, ty)| matches!(ty.kind, ast::TypeNameKind::MutReference(_)));
            let lent = lent.collect();
            self.functions.push(FunctionTy {
                name: path,
                generics,
                params,
                owned,
                lent,
                returns,
                body: None,
                template: is_template.then(|| Rc::new(function.clone())),
                span: name.span,
            });
        }
        let params = self.declare_params(graph);
        self.declare_aggregates(graph);
        let mut checked: BTreeMap<FunctionId, Rc<HirClosure>> = BTreeMap::new();
        for function in &graph.functions {
            let id = self.function_names[&function.full_name()];
            if checked.contains_key(&id) {
                continue;
            }
            let signature = &self.functions[id.0 as usize];
            if signature.template.is_some() {
                continue;
            }
            let generics = signature.generics.clone();
            let params: Vec<Ty> = signature.params.iter().map(|(_, ty)| ty.clone()).collect();
            let returns = signature.returns.clone();
            let errors = self.errors;
            self.reenter_generics(&generics);
            let mut body = Body::new(self, false);
            body.fast_math = function.fast_math;
            let mut closure = body.function(function, &params, &returns);
            body.finish(&mut closure);
            self.leave_generics();
            let lent = self.functions[id.0 as usize].lent.iter().enumerate();
            let lent: Vec<usize> = lent.filter(|(_, lent)| **lent).map(|(at, _)| at).collect();
            if self.errors == errors && !lent.is_empty() {
                super::lending::giving_back(&mut closure, &lent, &returns);
            }
            if self.errors == errors {
                checked.insert(id, Rc::new(closure));
            }
        }
        self.refuse_recursion(&mut checked);
        for (id, body) in checked {
            self.functions[id.0 as usize].body = Some(body);
        }
        params
    }

    /// An `impl` block is one of a record.
    fn look_for_owner(&mut self, owner: Option<&ast::Name>) {
        if let Some(owner) = owner
            && !self.record_names.contains_key(&owner.text)
        {
            self.say(generics::impl_of_unknown(&owner.text, owner.span));
        }
    }

    fn declare_consts(&mut self, consts: &[ast::Const]) {
        // A constant may use those that stand before or behind it: names and types first, then values until none is new.
        for constant in consts {
            let (name, path) = (&constant.name, constant.full_name());
            if let Some(&first) = self.const_names.get(&path) {
                let first = self.consts[first.0 as usize].span;
                self.say(syntax::defined_twice(name.span, first, "constant", &path));
                continue;
            }
            self.look_for_owner(constant.owner.as_ref());
            let ty = self.resolve_type(&constant.ty);
            let id = ConstId(u32::try_from(self.consts.len()).expect("fewer than 2^32 constants"));
            self.const_names.insert(path, id);
            self.consts.push(ConstTy { ty, body: None, literal: None, span: name.span });
        }
        let mut bodies: BTreeMap<ConstId, HirClosure> = BTreeMap::new();
        for constant in consts {
            let id = self.const_names[&constant.full_name()];
            if bodies.contains_key(&id) {
                continue;
            }
            let ty = self.consts[id.0 as usize].ty.clone();
            let errors = self.errors;
            let mut body = Body::new(self, false);
            let value = body.expect(&constant.value, &ty, Why::Annotation(constant.ty.span));
            let mut closure = HirClosure { params: Vec::new(), body: value };
            body.finish(&mut closure);
            if self.errors == errors {
                bodies.insert(id, closure);
            }
        }
        // Those whose own constants are ready become ready; what is left uses itself.
        while let Some(id) = bodies
            .iter()
            .find(|(_, closure)| constants_in(&closure.body).iter().all(|id| self.consts[id.0 as usize].body.is_some()))
            .map(|(id, _)| *id)
        {
            let Some(closure) = bodies.remove(&id) else { break };
            let literal = super::constant::value(self, &closure.body)
                .and_then(|literal| super::constant::as_hir(&literal, &closure.body));
            let constant = &mut self.consts[id.0 as usize];
            constant.literal = literal;
            constant.body = Some(Rc::new(closure));
        }
        for id in bodies.keys() {
            let depends_on_broken = constants_in(&bodies[id].body)
                .iter()
                .any(|other| !bodies.contains_key(other) && self.consts[other.0 as usize].body.is_none());
            if !depends_on_broken {
                let span = self.consts[id.0 as usize].span;
                self.say(names::constant_of_itself(span));
            }
        }
    }

    fn declare_params(&mut self, graph: &JobGraph) -> Vec<plan::Param> {
        let mut params = Vec::with_capacity(graph.params.len());
        for param in &graph.params {
            if let Some(first) = self.params.iter().find(|known| known.name == param.name.text) {
                let first = first.span;
                self.say(syntax::defined_twice(param.name.span, first, "parameter", &param.name.text));
                continue;
            }
            let mut ty = self.resolve_type(&param.ty);
            let column = ty.column_type().filter(|column| !column.is_option());
            if column.is_none() && !ty.is_error() {
                self.say(unsupported::parameter_type(&self.show(&ty), param.ty.span));
                ty = Ty::Error;
            }
            let mut default = None;
            if let Some(value) = &param.default {
                let errors = self.errors;
                let mut body = Body::new(self, false);
                let why = Why::Default { param: &param.name.text, declared: param.ty.span };
                let value_hir = body.expect(value, &ty, why);
                let mut closure = HirClosure { params: Vec::new(), body: value_hir };
                body.finish(&mut closure);
                if self.errors == errors {
                    default = super::constant::value(self, &closure.body);
                    if default.is_none() && self.errors == errors {
                        self.say(unsupported::default_not_constant(&param.name.text, value.span));
                    }
                }
            }
            self.params.push(ParamTy { name: param.name.text.clone(), ty, span: param.name.span });
            if let Some(ty) = column {
                params.push(plan::Param { name: param.name.text.clone(), ty, default });
            }
        }
        params
    }

    /// Reports functions that call themselves, through others or not, once per circle; their bodies are not used.
    fn refuse_recursion(&mut self, bodies: &mut BTreeMap<FunctionId, Rc<HirClosure>>) {
        let mut calls: BTreeMap<FunctionId, Vec<(FunctionId, Span)>> = BTreeMap::new();
        for (id, body) in bodies.iter() {
            let mut of_body = Vec::new();
            body.body.for_each_call(&mut |callee, span| of_body.push((callee, span)));
            calls.insert(*id, of_body);
        }
        let ids: Vec<FunctionId> = bodies.keys().copied().collect();
        for id in ids {
            if !bodies.contains_key(&id) {
                continue; // in a circle that is reported
            }
            if let Some((call, between)) = way_back(id, &calls) {
                let names: Vec<&str> = between.iter().map(|id| self.functions[id.0 as usize].name.as_str()).collect();
                let function = &self.functions[id.0 as usize];
                let diagnostic = unsupported::recursion(&function.name, &names, call, function.span);
                self.say(diagnostic);
                bodies.remove(&id);
                for other in between {
                    bodies.remove(&other);
                }
            }
        }
    }
}

/// How a function comes back to itself: its own call that begins the way, and the functions between.
fn way_back(id: FunctionId, calls: &BTreeMap<FunctionId, Vec<(FunctionId, Span)>>) -> Option<(Span, Vec<FunctionId>)> {
    // Breadth first, so that the way is a short one.
    let mut reached: Vec<(FunctionId, Span, Vec<FunctionId>)> = vec![(id, Span::NONE, Vec::new())];
    let mut next = 0;
    while let Some((at, first_call, between)) = reached.get(next).cloned() {
        next += 1;
        for (callee, span) in calls.get(&at).into_iter().flatten() {
            let first_call = if at == id { *span } else { first_call };
            if *callee == id {
                return Some((first_call, between));
            }
            if !reached.iter().any(|(seen, ..)| seen == callee) {
                let mut between = between.clone();
                between.push(*callee);
                reached.push((*callee, first_call, between));
            }
        }
    }
    None
}

fn constants_in(hir: &Hir) -> Vec<ConstId> {
    let mut found = Vec::new();
    if let HirKind::Const(id) = hir.kind {
        found.push(id);
    }
    hir.for_each_child(&mut |child| found.extend(constants_in(child)));
    found
}
