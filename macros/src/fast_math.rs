//! `#[sabot::udf(math = "fast")]`: the body with `x.exp()` and its like as sabotc compiles them, `x.fast_exp()`.

use crate::report::code;
use proc_macro::{Group, Ident, TokenStream, TokenTree};

/// Methods of floats that `sabot::math` has too.
const METHODS: [&str; 14] =
    ["exp", "exp2", "exp_m1", "ln", "ln_1p", "log2", "log10", "sin", "cos", "tan", "sinh", "cosh", "tanh", "powf"];

/// Whether the arguments of the attribute ask for it.
pub(crate) fn is_wanted(arguments: &TokenStream) -> bool {
    let words: Vec<String> = arguments.clone().into_iter().map(|tree| tree.to_string()).collect();
    words.windows(3).any(|words| words == ["math", "=", "\"fast\""])
}

/// The body of a function, calling the methods of `FastMath`.
pub(crate) fn body(body: &TokenTree) -> TokenTree {
    let TokenTree::Group(group) = body else { return body.clone() };
    let mut inside = code("#[allow(unused_imports)] use ::sabot::math::FastMath as _;");
    inside.extend(rewritten(group.stream()));
    let mut new = Group::new(group.delimiter(), inside);
    new.set_span(group.span());
    TokenTree::Group(new)
}

fn rewritten(stream: TokenStream) -> TokenStream {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut out = Vec::with_capacity(trees.len());
    for (at, tree) in trees.iter().enumerate() {
        out.push(match tree {
            TokenTree::Group(group) => {
                let mut new = Group::new(group.delimiter(), rewritten(group.stream()));
                new.set_span(group.span());
                TokenTree::Group(new)
            }
            TokenTree::Ident(name) if is_method(&trees, at) => {
                TokenTree::Ident(Ident::new(&format!("fast_{name}"), name.span()))
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => tree.clone(),
        });
    }
    out.into_iter().collect()
}

/// Whether a method of floats is called here: `.exp(..)`, `f64::exp(..)`.
fn is_method(trees: &[TokenTree], at: usize) -> bool {
    let is = |place: Option<usize>, wanted: &[&str]| {
        let text = place.and_then(|place| trees.get(place)).map(ToString::to_string);
        text.is_some_and(|text| wanted.contains(&text.as_str()))
    };
    let is_called = matches!(trees.get(at + 1), Some(TokenTree::Group(_)));
    let of_value = is(at.checked_sub(1), &["."]);
    let of_type = is(at.checked_sub(1), &[":"]) && is(at.checked_sub(3), &["f64", "f32"]);
    is_called && is(Some(at), &METHODS) && (of_value || of_type)
}
