//! Structs without `#[sabot::record]` and `enum`s: types of values inside functions, no rows of streams.

use super::Reader;
use crate::diagnostics::syntax;
use sabot_ir::ast::{ExprKind, Literal, Name, Record, RecordField, Shape, UnaryOp, Variant};

impl Reader<'_> {
    /// A struct or an `enum`; nothing if it is neither, or was reported.
    pub(super) fn value_type(&mut self, item: &syn::Item) -> Option<Record> {
        match item {
            syn::Item::Struct(item) => self.plain_struct(item),
            syn::Item::Enum(item) => self.enumeration(item),
            _ => {
                let at = self.span_of(item);
                let instead = "write a `struct` or an `enum`";
                self.diagnostics.push(syntax::unsupported_item(at, "this item", instead));
                None
            }
        }
    }

    fn plain_struct(&mut self, item: &syn::ItemStruct) -> Option<Record> {
        let shape = Shape::Plain(derived(&item.attrs));
        if let syn::Fields::Unnamed(_) = &item.fields
            && item.generics.params.is_empty()
        {
            let name = self.name(&item.ident);
            return Some(Record { name, fields: self.fields(&item.fields), shape, span: self.span_of(item) });
        }
        self.record(item).map(|record| Record { shape, ..record })
    }

    fn enumeration(&mut self, item: &syn::ItemEnum) -> Option<Record> {
        let (name, span) = (self.name(&item.ident), self.span_of(item));
        if !item.generics.params.is_empty() || item.variants.is_empty() {
            let (form, instead) = if item.variants.is_empty() {
                ("an `enum` without variants", "give it at least one")
            } else {
                ("an `enum` with parameters", "write the types in its variants")
            };
            self.diagnostics.push(syntax::unsupported_item(name.span, form, instead));
            return None;
        }
        let mut variants: Vec<Variant> = Vec::new();
        let mut next = 0;
        for variant in &item.variants {
            let name = self.name(&variant.ident);
            if let Some(first) = variants.iter().find(|first| first.name.text == name.text) {
                self.diagnostics.push(syntax::defined_twice(name.span, first.name.span, "variant", &name.text));
                continue;
            }
            let fields = self.fields(&variant.fields);
            if let Some((_, value)) = &variant.discriminant {
                next = self.discriminant(value).unwrap_or(next);
            }
            variants.push(Variant { name, fields, discriminant: next });
            next += 1;
        }
        Some(Record { name, fields: Vec::new(), shape: Shape::Enum(variants, derived(&item.attrs)), span })
    }

    fn discriminant(&mut self, value: &syn::Expr) -> Option<i128> {
        let value = self.expr(value);
        match &value.kind {
            ExprKind::Literal(Literal::Int(value, _)) => return Some(*value),
            ExprKind::Unary(UnaryOp::Neg, inner) => {
                if let ExprKind::Literal(Literal::Int(value, _)) = inner.kind {
                    return Some(-value);
                }
            }
            _ => {}
        }
        self.diagnostics.push(syntax::unsupported_expr(
            value.span,
            "a computed discriminant",
            "write the number itself",
        ));
        None
    }

    /// Fields by name; those without one are called `0`, `1`, …
    fn fields(&mut self, fields: &syn::Fields) -> Vec<RecordField> {
        let mut read = Vec::new();
        for (position, field) in fields.iter().enumerate() {
            let name = match &field.ident {
                Some(ident) => self.name(ident),
                None => Name { text: position.to_string(), span: self.span_of(&field.ty) },
            };
            let ty = self.ty(&field.ty);
            read.push(RecordField { wire_name: name.text.clone(), name, ty });
        }
        read
    }
}

/// The names behind `derive`.
fn derived(attributes: &[syn::Attribute]) -> Vec<String> {
    let mut names = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        // What rustc would refuse is no business of a job's.
        let _ = attribute.parse_nested_meta(|meta| {
            names.extend(meta.path.segments.last().map(|segment| segment.ident.to_string()));
            Ok(())
        });
    }
    names
}
