//! Types as written.

use super::Reader;
use crate::diagnostics::syntax;
use sabot_ir::ast::{TypeName, TypeNameKind};

impl Reader<'_> {
    /// A type; one outside the subset is reported and becomes `_`.
    pub(super) fn ty(&mut self, ty: &syn::Type) -> TypeName {
        let span = self.type_span(ty);
        let kind = match ty {
            syn::Type::Path(path) if path.qself.is_none() => match path.path.segments.last() {
                Some(segment)
                    if path.path.segments.len() == 1 && self.aliases.contains_key(&segment.ident.to_string()) =>
                {
                    let name = segment.ident.to_string();
                    let Some(meant) = self.aliases.remove(&name) else {
                        return TypeName { kind: TypeNameKind::Infer, span };
                    };
                    let kind = self.ty(&meant).kind;
                    self.aliases.insert(name, meant);
                    return TypeName { kind, span };
                }
                Some(segment) => {
                    let name = self.text_of(&segment.ident);
                    self.mentioned.insert(name);
                    TypeNameKind::Path(self.text_of(&segment.ident), self.type_arguments(&segment.arguments))
                }
                None => TypeNameKind::Infer,
            },
            syn::Type::Paren(inner) => return self.ty(&inner.elem),
            syn::Type::Group(inner) => return self.ty(&inner.elem),
            syn::Type::Tuple(tuple) => TypeNameKind::Tuple(tuple.elems.iter().map(|item| self.ty(item)).collect()),
            syn::Type::Reference(reference) => match &*reference.elem {
                elem if reference.mutability.is_none() => TypeNameKind::Reference(Box::new(self.ty(elem))),
                _ => self.refuse_type(
                    span,
                    "a mutable reference",
                    "only parameters of functions may be `&mut T`: elsewhere, hold the value and give back the new one",
                ),
            },
            syn::Type::Infer(_) => TypeNameKind::Infer,
            syn::Type::Array(array) => {
                TypeNameKind::Array(Box::new(self.ty(&array.elem)), Box::new(self.expr(&array.len)))
            }
            syn::Type::Slice(slice) => TypeNameKind::Slice(Box::new(self.ty(&slice.elem))),
            syn::Type::BareFn(function) => {
                let inputs = function.inputs.iter().map(|input| self.ty(&input.ty)).collect();
                self.function_type(inputs, &function.output, span)
            }
            syn::Type::ImplTrait(syn::TypeImplTrait { bounds, .. })
            | syn::Type::TraitObject(syn::TypeTraitObject { bounds, .. }) => match self.function_bound(bounds) {
                Some(function) => function.kind,
                None => self.refuse_type(
                    span,
                    "a trait type",
                    "write the type itself, or a type parameter: `fn f<T: PartialOrd>(x: T)`",
                ),
            },
            syn::Type::Ptr(_) => {
                self.refuse_type(span, "a pointer", "write the type itself: the language has values only")
            }
            syn::Type::Never(_) => self.refuse_type(span, "`!`", "write the type of the value"),
            _ => {
                // a qualified path, a macro, whatever syn does not know
                self.refuse_type(span, "this", "write a type by its name, like `f64`, `Option<String>` or a record")
            }
        };
        TypeName { kind, span }
    }

    /// `Fn(A, B) -> C`, also of `FnMut` and `FnOnce`: whoever is called is put in where it is called.
    pub(super) fn function_bound<'a>(
        &mut self,
        bounds: impl IntoIterator<Item = &'a syn::TypeParamBound>,
    ) -> Option<TypeName> {
        bounds.into_iter().find_map(|bound| {
            let syn::TypeParamBound::Trait(bound) = bound else { return None };
            let segment = bound.path.segments.last()?;
            let syn::PathArguments::Parenthesized(function) = &segment.arguments else { return None };
            let span = self.span_of(bound);
            let inputs = function.inputs.iter().map(|input| self.ty(input)).collect();
            Some(TypeName { kind: self.function_type(inputs, &function.output, span), span })
        })
    }

    fn function_type(
        &mut self,
        inputs: Vec<TypeName>,
        output: &syn::ReturnType,
        span: sabot_ir::span::Span,
    ) -> TypeNameKind {
        let output = match output {
            syn::ReturnType::Default => TypeName { kind: TypeNameKind::Tuple(Vec::new()), span },
            syn::ReturnType::Type(_, ty) => self.ty(ty),
        };
        TypeNameKind::Path("Fn".to_owned(), vec![TypeName { kind: TypeNameKind::Tuple(inputs), span }, output])
    }

    fn refuse_type(&mut self, at: sabot_ir::span::Span, form: &str, instead: &str) -> TypeNameKind {
        self.diagnostics.push(syntax::unsupported_type(at, form, instead));
        TypeNameKind::Infer
    }

    pub(super) fn type_arguments(&mut self, arguments: &syn::PathArguments) -> Vec<TypeName> {
        match arguments {
            syn::PathArguments::None => Vec::new(),
            syn::PathArguments::AngleBracketed(arguments) => self.generic_arguments(arguments),
            syn::PathArguments::Parenthesized(arguments) => {
                let at = self.span_of(arguments);
                self.refuse_type(at, "a function type", "call the `#[sabot::udf] fn` by its name");
                Vec::new()
            }
        }
    }

    /// `<A, B>`; a number, as in `Decimal<18, 4>`, is a path of digits, and `Output = T` is one named `Output =`.
    pub(super) fn generic_arguments(&mut self, arguments: &syn::AngleBracketedGenericArguments) -> Vec<TypeName> {
        let mut types = Vec::new();
        for argument in &arguments.args {
            let span = self.span_of(argument);
            match argument {
                syn::GenericArgument::Type(ty) => types.push(self.ty(ty)),
                syn::GenericArgument::Lifetime(_) => {}
                syn::GenericArgument::Const(syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(number), .. })) => {
                    types.push(TypeName { kind: TypeNameKind::Path(number.to_string(), Vec::new()), span });
                }
                syn::GenericArgument::AssocType(assoc) if assoc.generics.is_none() => {
                    let name = format!("{} =", assoc.ident);
                    types.push(TypeName { kind: TypeNameKind::Path(name, vec![self.ty(&assoc.ty)]), span });
                }
                _ => {
                    // `N = 3`, `{ N + 1 }`, bounds
                    self.refuse_type(span, "this argument", "write types or numbers between `<` and `>`");
                }
            }
        }
        types
    }
}
