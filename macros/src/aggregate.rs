//! `#[sabot::aggregate]`: the `impl` block as it is, what it says of the record's type, and what the front end says of it.

use crate::job_file::JobFile;
use crate::report::{code, error, report};
use crate::signature::{Item, split_at_commas, without_sabot};
use crate::udf::{locate, name_after};
use proc_macro::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};

pub(crate) fn expand(arguments: &TokenStream, item: TokenStream) -> TokenStream {
    let item = Item::new(item);
    // The functions are called by compiled code, which rustc does not see.
    let mut out = code("#[allow(dead_code, reason = \"the job calls it\")]");
    out.extend(code("#[allow(clippy::needless_pass_by_value, reason = \"as it is called\")]"));
    out.extend(item.foreign_attributes());
    out.extend(without_sabot(item.rest.iter().cloned()));
    if !item.has_keyword("impl") {
        let at = Span::call_site();
        out.extend(error("`#[sabot::aggregate]` stands on the `impl` block of a record", at, at));
        return out;
    }
    if let [TokenTree::Ident(_), TokenTree::Ident(record), .., TokenTree::Group(body)] = item.rest.as_slice()
        && body.delimiter() == Delimiter::Brace
    {
        out.extend(types(record, body));
    }
    if let Some(file) = JobFile::current()
        && let Some(located) = locate(&file, arguments, &item)
    {
        let inside = located.range.clone();
        out.extend(report(&file, &located, name_after(&item, "impl"), |place| inside.contains(&place.start)).items);
    }
    out
}

/// What is added and what comes out, as far as the functions say so; where not, the front end has told.
fn types(record: &Ident, body: &Group) -> TokenStream {
    let trees: Vec<TokenTree> = body.stream().into_iter().collect();
    let (Some((parameters, _)), Some((_, returns))) = (function(&trees, "add"), function(&trees, "finish")) else {
        return TokenStream::new();
    };
    let added = split_at_commas(parameters.stream()).into_iter().skip(1).map(|parameter| {
        let colon = |tree: &TokenTree| {
            matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ':' && punct.spacing() == Spacing::Alone)
        };
        let behind = parameter.iter().position(colon).map_or(parameter.len(), |at| at + 1);
        parameter[behind..].iter().cloned().collect::<TokenStream>()
    });
    let added: Vec<TokenStream> = added.collect();
    let mut input = TokenStream::new();
    let is_one = added.len() == 1;
    for ty in added {
        input.extend(ty);
        if !is_one {
            input.extend(code(","));
        }
    }
    let input = if is_one { input } else { TokenTree::Group(Group::new(Delimiter::Parenthesis, input)).into() };
    let mut inside = code("type Input =");
    inside.extend(input);
    inside.extend(code("; type Output ="));
    inside.extend(returns);
    inside.extend(code(";"));
    let mut out = code("impl ::sabot::aggregate::UserAggregate for");
    out.extend([TokenTree::Ident(record.clone()), TokenTree::Group(Group::new(Delimiter::Brace, inside))]);
    out
}

/// The parameters of a function of this name, and the type that it returns.
fn function(trees: &[TokenTree], name: &str) -> Option<(Group, TokenStream)> {
    let is_word = |tree: &TokenTree, word: &str| matches!(tree, TokenTree::Ident(ident) if ident.to_string() == word);
    let at = trees.windows(2).position(|pair| is_word(&pair[0], "fn") && is_word(&pair[1], name))?;
    let TokenTree::Group(parameters) = trees.get(at + 2)? else { return None };
    let behind = &trees[at + 3..];
    let is_body = |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let until = behind.iter().position(is_body)?;
    // `-`, `>` and the type; nothing returns `()`.
    let returns = behind[..until].get(2..).unwrap_or_default();
    let returns: TokenStream = returns.iter().cloned().collect();
    Some((parameters.clone(), if returns.is_empty() { code("()") } else { returns }))
}
