//! `#[sabot::pipeline]`: a function that returns the job's graph.
//!
//! ```text
//! fn job(#[sabot(default = 1.0)] least: f64) { body }
//!
//! fn job(least: f64) -> ::sabot::JobGraph {
//!     fn __sabot_types(least: f64) { body }  // never called: rustc and rust-analyzer see its types
//!     ::sabot::build::graph("job.rs", "text of the file", "job", [("least", argument(least))])
//! }
//! ```
//!
//! The body never runs. The graph is made by the front end, of the same text that it was checked in, so that every operator
//! knows its place in the file. With an error of the front end `__sabot_types` is left away: rustc would say the same again.

use crate::job_file::JobFile;
use crate::report::{Report, code, error, report};
use crate::signature::{Item, Signature};
use crate::udf::{locate, name_after};
use proc_macro::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};
use std::ops::Range;

pub(crate) fn expand(arguments: &TokenStream, item: TokenStream) -> TokenStream {
    let item = Item::new(item);
    if !item.has_keyword("fn") {
        let at = Span::call_site();
        let mut out = item.foreign_attributes();
        out.extend(item.rest.iter().cloned());
        out.extend(error("`#[sabot::pipeline]` stands on a function", at, at));
        return out;
    }
    let name = name_after(&item, "fn");
    let file = JobFile::current();
    let located = file.as_ref().and_then(|file| locate(file, arguments, &item));
    let said = match (&file, &located) {
        (Some(file), Some(located)) => {
            let is_first = is_first_pipeline(file, located.range.start);
            let mine = |place: &Range<usize>| {
                located.range.contains(&place.start) || (is_first && !is_in_an_item(file, place.start))
            };
            report(file, located, name, mine)
        }
        (Some(file), None) => no_text(&format!("its text is not in {} as it is compiled", file.name), name),
        (None, _) => no_text("its file is not known here", name),
    };
    let Some(signature) = Signature::new(&item.rest) else {
        // The front end has said why; a function keeps other code from failing on top of it.
        let mut out = said.items;
        if !said.has_errors {
            out.extend(error("a pipeline is a plain function: `fn job(parameter: f64) { .. }`", name, name));
        }
        return out;
    };
    let mut out = said.items;
    let text = file.as_ref().filter(|_| located.is_some());
    out.extend(function(&item, &signature, text.map(|file| (file.name.as_str(), file.text.as_str())), said.has_errors));
    out
}

/// Without the text there is no graph. An editor, which runs nothing, does without.
fn no_text(why: &str, name: Span) -> Report {
    let mut items = code("#[cfg(not(rust_analyzer))]");
    let text = format!("this pipeline cannot be read: {why}\nhelp: write it in a file of its own, not inside a macro");
    items.extend(error(&text, name, name));
    Report { items, has_errors: false }
}

fn function(item: &Item, signature: &Signature, text: Option<(&str, &str)>, has_errors: bool) -> TokenStream {
    let mut out = item.foreign_attributes();
    if !item.has_attribute("must_use") {
        out.extend(code("#[must_use]"));
    }
    out.extend(signature.before.iter().cloned());
    out.extend([TokenTree::Ident(signature.name.clone())]);
    let declared: TokenStream = signature.parameters.iter().flat_map(|parameter| parameter.declaration()).collect();
    out.extend([TokenTree::Group(Group::new(Delimiter::Parenthesis, declared.clone()))]);
    out.extend(code("-> ::sabot::JobGraph"));

    let mut body = TokenStream::new();
    if has_errors {
        // Without the body nothing would use the prelude, which would be one more thing to read.
        if text.is_some_and(|(_, text)| text.contains("prelude::*")) {
            body.extend(code("#[allow(dead_code, reason = \"the job has errors\")] type __SabotPrelude = Format;"));
        }
        body.extend(code("#[cfg(rust_analyzer)]"));
    }
    body.extend(code(
        "#[allow(dead_code, reason = \"it is there for its types: the job is made of its text\")] fn __sabot_types",
    ));
    body.extend([
        TokenTree::Group(Group::new(Delimiter::Parenthesis, declared)),
        TokenTree::Group(signature.body.clone()),
    ]);
    let name = signature.name.to_string();
    let name = Literal::string(name.strip_prefix("r#").unwrap_or(&name));
    let (file, text) = text.unwrap_or_default();
    let (file, text) = (Literal::string(file), Literal::string(text));
    let mut values = TokenStream::new();
    for parameter in &signature.parameters {
        let text = parameter.name.to_string();
        let text = Literal::string(text.strip_prefix("r#").unwrap_or(&text));
        let mut argument = code(&format!("{text}, ::sabot::build::Argument::into_default"));
        argument.extend([TokenTree::Group(Group::new(
            Delimiter::Parenthesis,
            TokenTree::Ident(parameter.name.clone()).into(),
        ))]);
        values.extend([TokenTree::Group(Group::new(Delimiter::Parenthesis, argument))]);
        values.extend(code(","));
    }
    let mut call = code(&format!("{file}, {text}, {name},"));
    call.extend([TokenTree::Group(Group::new(Delimiter::Bracket, values))]);
    body.extend(code("::sabot::build::graph"));
    body.extend([TokenTree::Group(Group::new(Delimiter::Parenthesis, call))]);
    out.extend([TokenTree::Group(Group::new(Delimiter::Brace, body))]);
    out
}

/// Whether no other pipeline stands before this place: the first one speaks for what belongs to no item with an attribute.
fn is_first_pipeline(file: &JobFile, at: usize) -> bool {
    file.items.iter().find(|item| item.is_pipeline).is_none_or(|first| first.range.contains(&at))
}

/// Whether an item with an attribute of ours holds the place: it speaks for itself.
fn is_in_an_item(file: &JobFile, at: usize) -> bool {
    file.items.iter().any(|item| item.range.contains(&at))
}
