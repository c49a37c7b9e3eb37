//! Items that no job has a use for. What is `pub`, named in code that cargo alone reads, or allowed to be unused, is not
//! looked at.

use super::Reader;
use super::attribute::{is_test, marker};
use super::job::Items;
use crate::diagnostics::unused;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::{BTreeMap, BTreeSet};
use syn::ext::IdentExt;

/// Tells of functions, constants and records that jobs, which mention `used`, have no use for.
pub(super) fn complain(reader: &mut Reader<'_>, file: &syn::File, items: &Items, used: &BTreeSet<String>) {
    if reader.diagnostics.has_errors() || is_allowed(&file.attrs) {
        return;
    }
    let reached = items.reached(used.clone());
    let words: Vec<BTreeSet<String>> = file.items.iter().map(|item| words(item.to_token_stream())).collect();
    let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words.iter().flatten() {
        *holders.entry(word).or_default() += 1;
    }
    let for_cargo: BTreeSet<&str> = file
        .items
        .iter()
        .zip(&words)
        .filter(|(item, _)| is_for_cargo(item))
        .flat_map(|(_, words)| words.iter().map(String::as_str))
        .collect();
    let is_unused = |name: &str| !reached.contains(name) && !for_cargo.contains(name);
    for item in &file.items {
        match item {
            syn::Item::Fn(item) if is_looked_at(&item.vis, &item.attrs) && !is_pipeline_or_main(item) => {
                let name = reader.name(&item.sig.ident);
                if is_unused(&name.text) && !name.text.starts_with('_') {
                    reader.diagnostics.push(unused::function(&name.text, name.span));
                }
            }
            syn::Item::Const(item) if is_looked_at(&item.vis, &item.attrs) => {
                let name = reader.name(&item.ident);
                if is_unused(&name.text) && !name.text.starts_with('_') {
                    reader.diagnostics.push(unused::constant(&name.text, name.span));
                }
            }
            syn::Item::Struct(item)
                if is_looked_at(&item.vis, &item.attrs) && marker(&item.attrs, "record").is_some() =>
            {
                let name = reader.name(&item.ident);
                if holders.get(name.text.as_str()).is_none_or(|count| *count < 2) {
                    reader.diagnostics.push(unused::record(&name.text, name.span));
                }
            }
            _ => {}
        }
    }
}

fn is_looked_at(visibility: &syn::Visibility, attributes: &[syn::Attribute]) -> bool {
    matches!(visibility, syn::Visibility::Inherited) && !is_test(attributes) && !is_allowed(attributes)
}

fn is_pipeline_or_main(item: &syn::ItemFn) -> bool {
    item.sig.ident == "main" || marker(&item.attrs, "pipeline").is_some()
}

/// Whether only cargo reads the item: `fn main`, tests.
fn is_for_cargo(item: &syn::Item) -> bool {
    match item {
        syn::Item::Fn(item) => item.sig.ident == "main" || is_test(&item.attrs),
        syn::Item::Mod(item) => is_test(&item.attrs),
        syn::Item::Impl(item) => is_test(&item.attrs),
        _ => false,
    }
}

/// `#[allow(dead_code)]`, `#[expect(unused)]`.
fn is_allowed(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.meta.require_list().ok().filter(|list| {
            list.path.is_ident("allow") || list.path.is_ident("expect") || list.path.is_ident("cfg_attr")
        });
        let words = list.map(|list| words(list.tokens.clone())).unwrap_or_default();
        words.contains("dead_code") || words.contains("unused")
    })
}

/// Every identifier among the tokens.
fn words(tokens: TokenStream) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![tokens];
    while let Some(tokens) = waiting.pop() {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    found.insert(ident.unraw().to_string());
                }
                TokenTree::Group(group) => waiting.push(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
    found
}
