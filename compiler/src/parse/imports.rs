//! What `use` brings in from the standard library: constants of floats and modules, by the names that the file gives them.
//!
//! `use std::f64::consts::PI;` makes `PI` mean `std::f64::consts::PI`, and after `use std::f64::consts;` so does `consts::PI`.
//! Functions need no entry, since the checker knows them by their last name; everything else is for cargo and passed over.

use std::collections::BTreeMap;

/// Full paths by the name that stands for them.
pub(super) type Imports = BTreeMap<String, Vec<String>>;

/// The imports of a file.
pub(super) fn of(file: &syn::File) -> Imports {
    let mut imports = Imports::new();
    for item in &file.items {
        if let syn::Item::Use(item) = item {
            add(&item.tree, &mut Vec::new(), &mut imports);
        }
    }
    imports
}

fn add(tree: &syn::UseTree, path: &mut Vec<String>, imports: &mut Imports) {
    match tree {
        syn::UseTree::Path(inner) => {
            path.push(inner.ident.to_string());
            add(&inner.tree, path, imports);
            path.pop();
        }
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| add(tree, path, imports)),
        syn::UseTree::Name(name) => insert(path, &name.ident.to_string(), &name.ident.to_string(), imports),
        syn::UseTree::Rename(name) => insert(path, &name.ident.to_string(), &name.rename.to_string(), imports),
        syn::UseTree::Glob(_) => {}
    }
}

fn insert(path: &[String], name: &str, as_name: &str, imports: &mut Imports) {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let name = if name == "self" { None } else { Some(name) };
    let full: Vec<&str> = names.iter().copied().chain(name).collect();
    let as_name = if as_name == "self" { names.last().copied().unwrap_or(as_name) } else { as_name };
    if let ["std" | "core", "f32" | "f64", ..] | ["std" | "core", "cmp" | "mem"] = full.as_slice() {
        imports.insert(as_name.to_owned(), full.into_iter().map(str::to_owned).collect());
    }
}

/// The path that is meant where the file says `segments`.
pub(super) fn expand(imports: &Imports, segments: &mut Vec<String>) {
    let Some(full) = segments.first().and_then(|first| imports.get(first)) else { return };
    // A single name is a constant only where it is written like one: a variable may have the name of a module.
    let is_constant = segments.len() > 1 || full.len() == 4;
    let is_itself = full.len() == 2 && full[1] == segments[0]; // `f64` means itself already
    if is_constant && !is_itself {
        segments.splice(..1, full.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_paths() {
        let file = syn::parse_str(
            "use std::f64::consts::{self, PI, TAU as CIRCLE}; use core::cmp; use std::f64; use std::collections::HashMap;",
        );
        let imports = of(&file.expect("it parses"));
        let expanded = |text: &str| {
            let mut segments: Vec<String> = text.split("::").map(str::to_owned).collect();
            expand(&imports, &mut segments);
            segments.join("::")
        };
        assert_eq!(expanded("PI"), "std::f64::consts::PI");
        assert_eq!(expanded("CIRCLE"), "std::f64::consts::TAU");
        assert_eq!(expanded("consts::E"), "std::f64::consts::E");
        for same in ["consts", "cmp", "cmp::max", "f64::MAX", "HashMap::new", "other", "std::f64::consts::PI"] {
            assert_eq!(expanded(same), same);
        }
    }
}
