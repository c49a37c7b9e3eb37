//! `#[sabot::record]`: the struct with what rows need, and what the front end says of it.

use crate::job_file::JobFile;
use crate::report::{code, error, report};
use crate::signature::{Item, without_sabot};
use crate::tokens::derived_before;
use crate::udf::{locate, name_after};
use proc_macro::{Span, TokenStream, TokenTree};

/// What every record can do.
const DERIVED: [&str; 3] = ["Clone", "Debug", "PartialEq"];

pub(crate) fn expand(arguments: &TokenStream, item: TokenStream) -> TokenStream {
    let item = Item::new(item);
    let name = item
        .rest
        .iter()
        .skip_while(|tree| !matches!(tree, TokenTree::Ident(word) if word.to_string() == "struct"))
        .nth(1)
        .cloned();
    let Some(TokenTree::Ident(name)) = name else {
        let at = Span::call_site();
        let mut out = item.foreign_attributes();
        out.extend(without_sabot(item.rest.iter().cloned()));
        out.extend(error("`#[sabot::record]` stands on a struct", at, at));
        return out;
    };
    let file = JobFile::current();
    let located = file.as_ref().and_then(|file| locate(file, arguments, &item));
    let derived = match (&file, &located) {
        (Some(file), Some(located)) => derived_before(&file.tokens, located),
        _ => derived_here(&item),
    };
    let missing: Vec<&str> = DERIVED.into_iter().filter(|name| !derived.iter().any(|known| known == name)).collect();

    // Columns are read and written by the job, which is not the code that rustc sees.
    let mut out = code("#[allow(dead_code, reason = \"a column is read where the data is\")]");
    if !missing.is_empty() {
        out.extend(code(&format!("#[derive({})]", missing.join(", "))));
    }
    out.extend(item.foreign_attributes());
    out.extend(without_sabot(item.rest.iter().cloned()));
    // Type parameters are refused by the front end; there is no record then.
    if !matches!(generics_of(&item), Some('<')) {
        out.extend(code("impl ::sabot::Record for"));
        out.extend([TokenTree::Ident(name.clone())]);
        out.extend(code("{}"));
        out.extend(code("impl ::sabot::aggregate::Value for"));
        out.extend([TokenTree::Ident(name)]);
        out.extend(code("{ type Optional = ::core::option::Option<Self>; }"));
    }
    if let (Some(file), Some(located)) = (&file, &located) {
        let inside = located.range.clone();
        let name = name_after(&item, "struct");
        out.extend(report(file, located, name, |place| inside.contains(&place.start)).items);
    }
    out
}

/// What stands directly behind the name.
fn generics_of(item: &Item) -> Option<char> {
    let mut behind =
        item.rest.iter().skip_while(|tree| !matches!(tree, TokenTree::Ident(word) if word.to_string() == "struct"));
    match behind.nth(2) {
        Some(TokenTree::Punct(punct)) => Some(punct.as_char()),
        Some(TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Literal(_)) | None => None,
    }
}

/// Words in the attributes that the macro is given, where the file is not known.
fn derived_here(item: &Item) -> Vec<String> {
    let words = item.attributes.iter().flat_map(|(_, brackets)| brackets.stream());
    let groups = words.filter_map(|tree| if let TokenTree::Group(group) = tree { Some(group.stream()) } else { None });
    groups.flatten().map(|tree| tree.to_string()).collect()
}
