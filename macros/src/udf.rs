//! `#[sabot::udf]`: the function as it is, and what the front end says of it.

use crate::fast_math;
use crate::job_file::JobFile;
use crate::report::{code, error, report};
use crate::signature::{Item, without_sabot};
use crate::tokens;
use proc_macro::{Delimiter, Group, Span, TokenStream, TokenTree};

pub(crate) fn expand(arguments: &TokenStream, item: TokenStream) -> TokenStream {
    let item = Item::new(item);
    let function = |body: Option<TokenTree>| {
        let mut function = item.foreign_attributes();
        let mut rest = item.rest.clone();
        if let (Some(body), Some(last)) = (body, rest.last_mut()) {
            *last = body;
        }
        function.extend(without_sabot(rest));
        function
    };
    if !item.has_keyword("fn") {
        let at = Span::call_site();
        let mut out = function(None);
        out.extend(error("`#[sabot::udf]` stands on a function", at, at));
        return out;
    }
    let mut out = TokenStream::new();
    let mut has_errors = false;
    if let Some(file) = JobFile::current()
        && let Some(located) = locate(&file, arguments, &item)
    {
        let inside = located.range.clone();
        let report = report(&file, &located, name_after(&item, "fn"), |place| inside.contains(&place.start));
        out.extend(report.items);
        has_errors = report.has_errors;
    }
    if has_errors {
        // rustc would say the same again of the body.
        out.extend(code("#[cfg(rust_analyzer)]"));
        out.extend(function(None));
        out.extend(code("#[cfg(not(rust_analyzer))] #[allow(unused, reason = \"the function has errors\")]"));
        let body = Group::new(Delimiter::Brace, code("::core::unreachable!()"));
        out.extend(function(Some(TokenTree::Group(body))));
    } else {
        let body = item.rest.last().filter(|_| fast_math::is_wanted(arguments)).map(fast_math::body);
        out.extend(function(body));
    }
    out
}

/// Where the item of an attribute with these arguments stands.
pub(crate) fn locate(file: &JobFile, arguments: &TokenStream, item: &Item) -> Option<tokens::Located> {
    let rest: TokenStream = item.rest.iter().cloned().collect();
    // The attribute itself is not given to us, its arguments are; they come before or between the others.
    let mut attributes = tokens::of_stream(arguments.clone());
    attributes.extend(tokens::of_stream(item.all_attributes()));
    tokens::locate(&file.tokens, &file.next, &attributes, &tokens::of_stream(rest))
}

/// The name behind `fn` or `struct`, where the blame goes for what has no place of its own.
pub(crate) fn name_after(item: &Item, keyword: &str) -> Span {
    let mut words =
        item.rest.iter().skip_while(|tree| !matches!(tree, TokenTree::Ident(word) if word.to_string() == keyword));
    words.nth(1).map_or_else(Span::call_site, TokenTree::span)
}
