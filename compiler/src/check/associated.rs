//! What stands in the `impl` block of a record: methods, functions, constants; and what stands behind a type parameter.

use super::hir::{FunctionId, Hir, HirKind};
use super::infer::Body;
use super::types::{RecordId, Ty};
use crate::diagnostics::generics as say;
use sabot_ir::ast::{self, Name};
use sabot_ir::span::Span;

impl Body<'_, '_> {
    /// Whether a path that begins so is one into an `impl` block, or into what a type parameter stands for.
    pub(super) fn is_owner(&self, name: &str) -> bool {
        self.cx.record_names.contains_key(name) || self.generic_named(name).is_some()
    }

    fn generic_named(&self, name: &str) -> Option<super::types::GenericId> {
        self.cx.generic_scope.iter().rev().find(|(known, _)| known == name).map(|(_, id)| *id)
    }

    /// The function of this name in the record's `impl` blocks.
    pub(super) fn method_of_record(&self, id: RecordId, name: &str) -> Option<FunctionId> {
        let record = &self.cx.record(id).name;
        if self.cx.record_names.get(record) != Some(&id) {
            return None; // made of columns
        }
        self.cx.function_names.get(&format!("{record}::{name}")).copied()
    }

    /// `receiver.method(args)`.
    pub(super) fn call_method(
        &mut self,
        id: FunctionId,
        receiver: (Hir, &ast::Expr),
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Hir {
        let (receiver, written) = receiver;
        let takes_self = self.cx.functions[id.0 as usize].params.first().is_some_and(|(name, _)| name == "self");
        if !takes_self {
            for arg in args {
                self.expr(arg, None);
            }
            let record = self.show(&receiver.ty);
            self.cx.say(say::not_a_method(&record, &name.text, name.span));
            return Hir::error(span);
        }
        self.call_function(id, Some((receiver, Some(written))), args, name.span, span)
    }

    /// `Record::function(args)`, `T::default()`.
    pub(super) fn associated_function(
        &mut self,
        owner: &str,
        function: &str,
        args: &[ast::Expr],
        at: Span,
        span: Span,
    ) -> Hir {
        if let Some(generic) = self.generic_named(owner) {
            return self.generic_function(generic, function, args, at, span);
        }
        if let Some(&id) = self.cx.function_names.get(&format!("{owner}::{function}")) {
            return self.call_function(id, None, args, at, span);
        }
        if let (Some(&id), "default", []) = (self.cx.record_names.get(owner), function, args)
            && self.cx.record(id).shape.derives().is_some_and(|known| known.iter().any(|name| name == "Default"))
            && self.cx.variants(id).is_empty()
        {
            let ty = Ty::Record(id);
            let fields = self.cx.record(id).fields.iter().enumerate();
            let given = fields.map(|(at, field)| (at, Hir::new(HirKind::Default, field.ty.clone(), span))).collect();
            return Hir::new(HirKind::Record(given, None), ty, span);
        }
        for arg in args {
            if !matches!(arg.kind, ast::ExprKind::Closure(_)) {
                self.expr(arg, None);
            }
        }
        self.no_associated(owner, function, "function", at);
        Hir::error(span)
    }

    /// `Record::CONSTANT`.
    pub(super) fn associated_constant(&mut self, owner: &str, name: &str, span: Span) -> Hir {
        if let Some(variant) = self.unit_variant(owner, name, span) {
            return variant;
        }
        if let Some(&id) = self.cx.const_names.get(&format!("{owner}::{name}")) {
            let ty = self.cx.consts[id.0 as usize].ty.clone();
            return Hir::new(HirKind::Const(id), ty, span);
        }
        self.no_associated(owner, name, "constant", span);
        Hir::new(HirKind::Error, Ty::Error, span)
    }

    fn no_associated(&mut self, owner: &str, name: &str, what: &str, at: Span) {
        let prefix = format!("{owner}::");
        let functions = self.cx.function_names.keys().chain(self.cx.const_names.keys());
        let known: Vec<String> = functions.filter_map(|path| path.strip_prefix(&prefix)).map(str::to_owned).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        self.cx.say(say::no_associated(owner, name, what, &known, at));
    }
}
