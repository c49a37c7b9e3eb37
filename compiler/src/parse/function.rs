//! Functions and constants: free ones, and those of an `impl` block.

use super::Reader;
use super::attribute::{is_test, marker};
use crate::diagnostics::syntax;
use sabot_ir::ast::{Const, Function, Generic, Name, Pattern, PatternKind, TypeName, TypeNameKind};

/// Whether an `impl` block is that of an aggregate.
pub(super) fn is_aggregate(block: &syn::ItemImpl) -> bool {
    marker(&block.attrs, "aggregate").is_some()
}

impl Reader<'_> {
    /// A constant.
    pub(super) fn constant_item(&mut self, item: &syn::ItemConst) -> Option<Const> {
        let (name, ty, value) = (self.name(&item.ident), self.ty(&item.ty), self.expr(&item.expr));
        Some(Const { name, owner: None, ty, value })
    }

    /// A `static` that nobody can change is a constant.
    pub(super) fn static_item(&mut self, item: &syn::ItemStatic) -> Option<Const> {
        let (name, ty, value) = (self.name(&item.ident), self.ty(&item.ty), self.expr(&item.expr));
        Some(Const { name, owner: None, ty, value })
    }

    /// A constant of an `impl` block.
    pub(super) fn owned_const(&mut self, owner: &Name, item: &syn::ImplItemConst) -> Option<Const> {
        self.inside(owner, |reader| {
            let (name, ty, value) = (reader.name(&item.ident), reader.ty(&item.ty), reader.expr(&item.expr));
            Some(Const { name, owner: Some(owner.clone()), ty, value })
        })
    }

    /// A UDF or helper.
    pub(super) fn function(&mut self, item: &syn::ItemFn) -> Option<Function> {
        let span = self.function_span(&item.attrs, &item.vis, &item.sig, &item.block);
        self.function_of(None, &item.attrs, &item.sig, &item.block, span)
    }

    /// A function of an `impl` block, of an aggregate's or any other.
    pub(super) fn owned_function(
        &mut self,
        owner: &Name,
        of_aggregate: bool,
        item: &syn::ImplItemFn,
    ) -> Option<Function> {
        let span = self.function_span(&item.attrs, &item.vis, &item.sig, &item.block);
        let function =
            self.inside(owner, |reader| reader.function_of(Some(owner), &item.attrs, &item.sig, &item.block, span));
        function.map(|function| Function { of_aggregate, ..function })
    }

    /// A function as the JSON form has it: alone, or in an `impl` block of its own.
    pub(super) fn function_item(&mut self, item: &syn::Item) -> Option<Function> {
        match item {
            syn::Item::Fn(function) => return self.function(function),
            syn::Item::Impl(block) => {
                if let (Some(owner), [syn::ImplItem::Fn(function)]) = (self.owner(block), block.items.as_slice()) {
                    return self.owned_function(&owner, is_aggregate(block), function);
                }
            }
            _ => {}
        }
        let at = self.span_of(item);
        self.diagnostics.push(syntax::unsupported_item(at, "this item", "write a `fn`, or an `impl` block with one"));
        None
    }

    /// A constant as the JSON form has it: alone, or in an `impl` block of its own.
    pub(super) fn const_item(&mut self, item: &syn::Item) -> Option<Const> {
        match item {
            syn::Item::Const(constant) => return self.constant_item(constant),
            syn::Item::Impl(block) => {
                if let (Some(owner), [syn::ImplItem::Const(constant)]) = (self.owner(block), block.items.as_slice()) {
                    return self.owned_const(&owner, constant);
                }
            }
            _ => {}
        }
        let at = self.span_of(item);
        self.diagnostics.push(syntax::unsupported_item(at, "this item", "write a `const`"));
        None
    }

    /// The record that an `impl` block is for; nothing if it was reported.
    pub(super) fn owner(&mut self, block: &syn::ItemImpl) -> Option<Name> {
        if let Some((_, path, _)) = &block.trait_ {
            let at = self.span_of(path);
            let instead = "write the functions in an `impl` block of the record alone: `impl Quote { .. }`";
            self.diagnostics.push(syntax::unsupported_item(at, "an `impl` of a trait", instead));
            return None;
        }
        if !block.generics.params.is_empty() {
            let at = self.span_of(&block.generics);
            let instead = "records have no type parameters: write `impl Quote { .. }`";
            self.diagnostics.push(syntax::unsupported_item(at, "a generic `impl` block", instead));
            return None;
        }
        if let syn::Type::Path(path) = &*block.self_ty
            && path.qself.is_none()
            && let Some(segment) = path.path.segments.last()
            && segment.arguments.is_empty()
        {
            return Some(self.name(&segment.ident));
        }
        let at = self.span_of(&*block.self_ty);
        let instead = "name the record alone: `impl Quote { .. }`";
        self.diagnostics.push(syntax::unsupported_item(at, "an `impl` block of this type", instead));
        None
    }

    /// The items of an `impl` block that are not for tests, with what else stands there reported.
    pub(super) fn items_of<'a>(&mut self, block: &'a syn::ItemImpl) -> Vec<&'a syn::ImplItem> {
        let mut items = Vec::new();
        for item in &block.items {
            match item {
                syn::ImplItem::Fn(function) if is_test(&function.attrs) => {}
                syn::ImplItem::Fn(_) | syn::ImplItem::Const(_) => items.push(item),
                other => {
                    let at = self.span_of(other);
                    let instead = "an `impl` block has functions and constants";
                    self.diagnostics.push(syntax::unsupported_item(at, "this item", instead));
                }
            }
        }
        items
    }

    /// Reads with `Self` meaning a record.
    fn inside<T>(&mut self, owner: &Name, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.this.replace(owner.text.clone());
        let item = read(self);
        self.this = before;
        item
    }

    fn function_of(
        &mut self,
        owner: Option<&Name>,
        attributes: &[syn::Attribute],
        signature: &syn::Signature,
        block: &syn::Block,
        span: sabot_ir::span::Span,
    ) -> Option<Function> {
        self.signature(signature, "a function of a job");
        let mut generics = self.generics(&signature.generics);
        let mut fast_math = false;
        if let Some(attribute) = marker(attributes, "udf") {
            let mut settings = Vec::new();
            self.settings_of(attribute, &["math"], &mut settings);
            settings.extend(self.settings(attributes, &["math"]));
            for setting in settings {
                match setting.text().as_deref() {
                    Some("fast") => fast_math = true,
                    Some("exact") => fast_math = false,
                    _ => self
                        .diagnostics
                        .push(syntax::attribute_value(setting.at, "`math = \"fast\"` or `math = \"exact\"`")),
                }
            }
        }
        let mut params: Vec<(Pattern, TypeName)> = Vec::new();
        for input in &signature.inputs {
            let Some((pattern, ty)) = self.fn_param(owner, input) else { continue };
            if let Some(name) = pattern.as_name()
                && let Some(first) =
                    params.iter().filter_map(|(first, _)| first.as_name()).find(|first| first.text == name.text)
            {
                self.diagnostics.push(syntax::defined_twice(name.span, first.span, "parameter", &name.text));
            }
            params.push((pattern, ty));
        }
        // `f: F` with `F: Fn(A) -> B` is `f: impl Fn(A) -> B`.
        let is_function = |bound: &TypeName| {
            matches!(&bound.kind, TypeNameKind::Path(name, args)
                if matches!(name.as_str(), "Fn" | "FnMut" | "FnOnce") && args.len() == 2)
        };
        generics.retain(|generic| {
            let Some(function) = generic.bounds.iter().find(|bound| is_function(bound)) else { return true };
            let TypeNameKind::Path(_, args) = &function.kind else { return true };
            for (_, ty) in &mut params {
                put_function(ty, &generic.name.text, args);
            }
            false
        });
        let returns = match &signature.output {
            syn::ReturnType::Default => {
                TypeName { kind: TypeNameKind::Tuple(Vec::new()), span: self.span_of(signature) }
            }
            syn::ReturnType::Type(_, ty) => self.ty(ty),
        };
        let body = self.block(block);
        let name = self.name(&signature.ident);
        Some(Function {
            name,
            owner: owner.cloned(),
            generics,
            params,
            returns,
            body,
            fast_math,
            of_aggregate: false,
            span,
        })
    }

    fn fn_param(&mut self, owner: Option<&Name>, input: &syn::FnArg) -> Option<(Pattern, TypeName)> {
        let at = self.span_of(input);
        match input {
            syn::FnArg::Typed(typed) => {
                let pattern = self.pattern(&typed.pat);
                if let syn::Type::Reference(lent) = &*typed.ty
                    && lent.mutability.is_some()
                {
                    let kind = TypeNameKind::MutReference(Box::new(self.ty(&lent.elem)));
                    return Some((pattern, TypeName { kind, span: self.type_span(&typed.ty) }));
                }
                Some((pattern, self.ty(&typed.ty)))
            }
            syn::FnArg::Receiver(receiver) => {
                let Some(owner) = owner else {
                    let diagnostic =
                        syntax::signature(at, "there is no `self` outside an `impl` block", "write `name: Type`");
                    self.diagnostics.push(diagnostic);
                    return None;
                };
                let changes = receiver.reference.is_some() && receiver.mutability.is_some();
                if receiver.colon_token.is_some() {
                    let help = "write `self` or `&self`";
                    self.diagnostics.push(syntax::signature(at, "`self` has no type of its own", help));
                }
                let own = TypeName { kind: TypeNameKind::Path(owner.text.clone(), Vec::new()), span: at };
                let kind = match &receiver.reference {
                    Some(_) if changes => TypeNameKind::MutReference(Box::new(own)),
                    Some(_) => TypeNameKind::Reference(Box::new(own)),
                    None => own.kind,
                };
                let mutable = receiver.reference.is_none() && receiver.mutability.is_some();
                let bound = Pattern { kind: PatternKind::Bind("self".to_owned(), mutable, None), span: at };
                Some((bound, TypeName { kind, span: at }))
            }
        }
    }

    /// Type parameters with their bounds; lifetimes say nothing in a language of values.
    fn generics(&mut self, generics: &syn::Generics) -> Vec<Generic> {
        let mut read: Vec<Generic> = Vec::new();
        for param in &generics.params {
            match param {
                syn::GenericParam::Type(param) => {
                    let name = self.name(&param.ident);
                    if let Some(first) = read.iter().find(|first| first.name.text == name.text) {
                        let (at, first) = (name.span, first.name.span);
                        self.diagnostics.push(syntax::defined_twice(at, first, "type parameter", &name.text));
                    }
                    let bounds = param.bounds.iter().filter_map(|bound| self.bound_of_type(bound)).collect();
                    read.push(Generic { name, bounds });
                }
                syn::GenericParam::Lifetime(_) => {}
                syn::GenericParam::Const(param) => {
                    let at = self.span_of(param);
                    let help = "make it a parameter of the function";
                    self.diagnostics.push(syntax::signature(
                        at,
                        "a function of a job cannot be generic over a number",
                        help,
                    ));
                }
            }
        }
        for predicate in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
            let syn::WherePredicate::Type(predicate) = predicate else { continue };
            let ty = self.ty(&predicate.bounded_ty);
            let generic = match &ty.kind {
                TypeNameKind::Path(name, arguments) if arguments.is_empty() => {
                    read.iter().position(|generic| generic.name.text == *name)
                }
                TypeNameKind::Path(..)
                | TypeNameKind::Tuple(_)
                | TypeNameKind::Reference(_)
                | TypeNameKind::MutReference(_)
                | TypeNameKind::Infer
                | TypeNameKind::Slice(_)
                | TypeNameKind::Array(..) => None,
            };
            let Some(generic) = generic else {
                let help = "write bounds of type parameters: `where T: PartialOrd`";
                self.diagnostics.push(syntax::signature(ty.span, "this bound is not about a type parameter", help));
                continue;
            };
            for bound in &predicate.bounds {
                let bound = self.bound_of_type(bound);
                read[generic].bounds.extend(bound);
            }
        }
        read
    }

    /// `PartialOrd`, `Into<f64>`; of `Fn(A, B) -> C` the arguments are `(A, B)` and `C`.
    fn bound_of_type(&mut self, bound: &syn::TypeParamBound) -> Option<TypeName> {
        let span = self.span_of(bound);
        let syn::TypeParamBound::Trait(bound) = bound else { return None };
        let segment = bound.path.segments.last()?;
        let arguments = match &segment.arguments {
            syn::PathArguments::Parenthesized(function) => {
                let at = self.span_of(&function.inputs);
                let inputs = function.inputs.iter().map(|input| self.ty(input)).collect();
                let output = match &function.output {
                    syn::ReturnType::Default => TypeName { kind: TypeNameKind::Tuple(Vec::new()), span: at },
                    syn::ReturnType::Type(_, ty) => self.ty(ty),
                };
                vec![TypeName { kind: TypeNameKind::Tuple(inputs), span: at }, output]
            }
            other @ (syn::PathArguments::None | syn::PathArguments::AngleBracketed(_)) => self.type_arguments(other),
        };
        Some(TypeName { kind: TypeNameKind::Path(self.text_of(&segment.ident), arguments), span })
    }

    pub(super) fn signature(&mut self, signature: &syn::Signature, what: &str) {
        let mut refuse = |at: proc_macro2::Span, form: &str, help: &str| {
            let at = self.span(at);
            self.diagnostics.push(syntax::signature(at, &format!("{what} cannot be {form}"), help));
        };
        if let Some(token) = &signature.asyncness {
            refuse(token.span, "async", "leave `async` away: a job waits for nothing inside a row");
        }
        if let Some(token) = &signature.unsafety {
            refuse(token.span, "unsafe", "write it in safe Rust");
        }
        if let Some(abi) = &signature.abi {
            refuse(abi.extern_token.span, "extern", "leave `extern` away");
        }
        if let Some(variadic) = &signature.variadic {
            refuse(variadic.dots.spans[0], "variadic", "write the parameters");
        }
    }
}

/// The function type in the place of the type parameter that stands for it.
fn put_function(ty: &mut TypeName, name: &str, args: &[TypeName]) {
    match &mut ty.kind {
        TypeNameKind::Path(path, none) if path == name && none.is_empty() => {
            ty.kind = TypeNameKind::Path("Fn".to_owned(), args.to_vec());
        }
        TypeNameKind::Reference(inner) | TypeNameKind::MutReference(inner) => put_function(inner, name, args),
        TypeNameKind::Path(..)
        | TypeNameKind::Tuple(_)
        | TypeNameKind::Infer
        | TypeNameKind::Slice(_)
        | TypeNameKind::Array(..) => {}
    }
}
