//! `#[sabot::record]`, `#[sabot(key = value)]` and their kin.

use super::Reader;
use crate::diagnostics::syntax;
use sabot_ir::span::Span;
use syn::punctuated::Punctuated;

/// Whether one of the attributes is `#[sabot::name]` or, imported, `#[name]`.
pub(super) fn marker<'a>(attributes: &'a [syn::Attribute], name: &str) -> Option<&'a syn::Attribute> {
    attributes.iter().find(|attribute| {
        let segments: Vec<String> = attribute.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
        matches!(segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice(),
            ["sabot", last] | [last] if *last == name)
    })
}

/// Whether the item is for tests only: `#[cfg(test)]`, `#[test]`.
pub(super) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test"))
    })
}

/// A `key = value` of `#[sabot(..)]`.
pub(super) struct Setting {
    pub(super) at: Span,
    pub(super) value: syn::Expr,
}

impl Setting {
    /// The value as a string literal.
    pub(super) fn text(&self) -> Option<String> {
        match &self.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        }
    }
}

impl Reader<'_> {
    /// The settings in all `#[sabot(..)]`; other attributes belong to others.
    pub(super) fn settings(&mut self, attributes: &[syn::Attribute], known: &[&str]) -> Vec<Setting> {
        let mut settings = Vec::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("sabot")) {
            self.settings_of(attribute, known, &mut settings);
        }
        settings
    }

    /// The settings in the brackets of one attribute, of which there may be none.
    pub(super) fn settings_of(&mut self, attribute: &syn::Attribute, known: &[&str], settings: &mut Vec<Setting>) {
        let list = match &attribute.meta {
            syn::Meta::Path(_) => return,
            syn::Meta::List(list) => list,
            syn::Meta::NameValue(pair) => {
                let at = self.span_of(pair);
                self.diagnostics.push(syntax::attribute_value(at, "settings in round brackets"));
                return;
            }
        };
        let pairs = match list.parse_args_with(Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated) {
            Ok(pairs) => pairs,
            Err(error) => {
                let at = self.span(error.span());
                self.diagnostics.push(syntax::attribute_value(at, "`key = value`"));
                return;
            }
        };
        for pair in pairs {
            let at = self.span_of(&pair);
            let key =
                pair.path().segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>().join("::");
            if !known.contains(&key.as_str()) {
                self.diagnostics.push(syntax::unknown_attribute(at, &key, known));
                continue;
            }
            match pair {
                syn::Meta::NameValue(pair) => settings.push(Setting { at, value: pair.value }),
                syn::Meta::Path(_) | syn::Meta::List(_) => {
                    self.diagnostics.push(syntax::attribute_value(at, &format!("`{key} = value`")));
                }
            }
        }
    }
}
