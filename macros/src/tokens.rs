//! Finds the compiler's tokens of an item in the text of its file, so that a place in the text becomes a span.
//!
//! Tokens are compared in order, brackets included: neither lines nor columns are asked of the compiler, which not every
//! host of macros knows. Literals are all alike here, since doc comments are written in several ways.

use proc_macro::{Span, TokenStream, TokenTree};
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What every literal is compared as.
const LITERAL: &str = "'";

/// A token in the text of a file.
#[derive(Debug)]
pub(crate) struct Token {
    word: String,
    /// Bytes from the file's beginning.
    pub(crate) start: usize,
    /// Behind its last byte.
    pub(crate) end: usize,
}

/// A token of the compiler's.
pub(crate) struct SpannedToken {
    word: String,
    /// Where the compiler says it stands.
    pub(crate) span: Span,
}

/// The tokens of a text; none if it is not Rust's.
pub(crate) fn of_text(text: &str) -> Vec<Token> {
    // A byte order mark and a `#!` line, which Rust allows in front of a file, are not tokens.
    let mut list = Vec::new();
    if let Ok(stream) = proc_macro2::TokenStream::from_str(text) {
        flatten_text(stream, &mut list);
    }
    list
}

fn flatten_text(stream: proc_macro2::TokenStream, list: &mut Vec<Token>) {
    use proc_macro2::{Delimiter, TokenTree};
    let token = |word: &str, range: Range<usize>| Token { word: word.to_owned(), start: range.start, end: range.end };
    for tree in stream {
        match tree {
            TokenTree::Ident(ident) => list.push(token(&ident.to_string(), ident.span().byte_range())),
            TokenTree::Punct(punct) => list.push(token(&punct.as_char().to_string(), punct.span().byte_range())),
            TokenTree::Literal(literal) => list.push(token(LITERAL, literal.span().byte_range())),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                list.push(token(open, group.span_open().byte_range()));
                flatten_text(group.stream(), list);
                list.push(token(close, group.span_close().byte_range()));
            }
        }
    }
}

/// The compiler's tokens, brackets opened.
pub(crate) fn of_stream(stream: TokenStream) -> Vec<SpannedToken> {
    let mut list = Vec::new();
    flatten_stream(stream, &mut list);
    list
}

fn flatten_stream(stream: TokenStream, list: &mut Vec<SpannedToken>) {
    use proc_macro::Delimiter;
    for tree in stream {
        match tree {
            TokenTree::Ident(ident) => list.push(SpannedToken { word: ident.to_string(), span: ident.span() }),
            TokenTree::Punct(punct) => {
                list.push(SpannedToken { word: punct.as_char().to_string(), span: punct.span() });
            }
            TokenTree::Literal(literal) => {
                list.push(SpannedToken { word: LITERAL.to_owned(), span: literal.span() });
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => {
                        flatten_stream(group.stream(), list);
                        continue;
                    }
                };
                list.push(SpannedToken { word: open.to_owned(), span: group.span_open() });
                flatten_stream(group.stream(), list);
                list.push(SpannedToken { word: close.to_owned(), span: group.span_close() });
            }
        }
    }
}

/// An item with one of our attributes.
#[derive(Debug)]
pub(crate) struct MarkedItem {
    /// Its bytes, its attributes included.
    pub(crate) range: Range<usize>,
    /// Whether it is a job.
    pub(crate) is_pipeline: bool,
}

/// The items with `#[sabot::record]`, `#[sabot::udf]` or `#[sabot::pipeline]`, or the same without `sabot::`.
pub(crate) fn marked_items(file: &[Token]) -> Vec<MarkedItem> {
    let word = |at: usize| file.get(at).map_or("", |token| token.word.as_str());
    let mut items: Vec<MarkedItem> = Vec::new();
    for at in 0..file.len() {
        if word(at) != "#" || word(at + 1) != "[" {
            continue;
        }
        let path = if word(at + 2) == "sabot" && word(at + 3) == ":" { at + 5 } else { at + 2 };
        if !["record", "udf", "pipeline"].contains(&word(path)) || !["]", "("].contains(&word(path + 1)) {
            continue;
        }
        let start = file[first_attribute(file, at)].start;
        // Behind the attributes, the item goes to its first closing brace or semicolon outside of all brackets.
        let mut depth = 0_usize;
        let mut end = at;
        while end < file.len() {
            match word(end) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && word(end) == "}" {
                        break;
                    }
                }
                ";" if depth == 0 => break,
                _ => {}
            }
            end += 1;
        }
        let end = file.get(end).or(file.last()).map_or(start, |token| token.end);
        items.push(MarkedItem { range: start..end, is_pipeline: word(path) == "pipeline" });
    }
    items
}

/// An item's tokens, each with its place in the file.
pub(crate) struct Located {
    /// Bytes and span of each token, ascending.
    places: Vec<(Range<usize>, Span)>,
    /// The whole item, its attributes included.
    pub(crate) range: Range<usize>,
}

impl Located {
    /// The first and the last token that the range touches; a range between two tokens is the one before.
    pub(crate) fn spans(&self, range: &Range<usize>) -> Option<(Span, Span)> {
        let mut touched = self.places.iter().filter(|(place, _)| place.start < range.end && range.start < place.end);
        if let Some((_, first)) = touched.next() {
            let last = touched.next_back().map_or(*first, |(_, last)| *last);
            return Some((*first, last));
        }
        let before = self.places.iter().rfind(|(place, _)| place.start <= range.start)?;
        Some((before.1, before.1))
    }
}

/// Where the item stands whose attributes, its own one first, and whose other tokens these are. Items mostly come in the order
/// of the file: `next` is where the last one ended, and the search begins there.
pub(crate) fn locate(
    file: &[Token],
    next: &AtomicUsize,
    attributes: &[SpannedToken],
    item: &[SpannedToken],
) -> Option<Located> {
    if item.is_empty() || file.len() < item.len() {
        return None;
    }
    let same = |at: usize, tokens: &[SpannedToken]| {
        file[at..].iter().zip(tokens).all(|(written, token)| written.word == token.word)
    };
    let places = file.len() - item.len() + 1;
    let hint = next.load(Ordering::Relaxed).min(places);
    let at = (hint..places).chain(0..hint).find(|at| same(*at, item))?;
    next.store(at + item.len(), Ordering::Relaxed);
    let mut places: Vec<(Range<usize>, Span)> = Vec::with_capacity(item.len());
    let mut push = |at: usize, tokens: &[SpannedToken]| {
        for (written, token) in file[at..].iter().zip(tokens) {
            places.push((written.start..written.end, token.span));
        }
    };
    push(at, item);
    let mut start = file[at].start;
    // The attributes in front of it, of which the compiler has taken this macro's own.
    let first = first_attribute(file, at);
    if first < at {
        start = file[first].start;
    }
    let mut from = first;
    for attribute in split_attributes(attributes) {
        let found = (from..at).find(|place| place + attribute.len() <= at && same(*place, attribute));
        if let Some(found) = found {
            push(found, attribute);
            from = found + attribute.len();
        }
    }
    let end = file[at + item.len() - 1].end;
    places.sort_by_key(|(place, _)| place.start);
    Some(Located { places, range: start..end })
}

/// Position of the first of the attributes that stand directly before `at`.
fn first_attribute(file: &[Token], at: usize) -> usize {
    let mut first = at;
    while first > 0 && file[first - 1].word == "]" {
        let mut depth = 0_usize;
        let mut place = first;
        while place > 0 {
            place -= 1;
            match file[place].word.as_str() {
                "]" => depth += 1,
                "[" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        if place == 0 || file[place - 1].word != "#" {
            break;
        }
        first = place - 1;
    }
    first
}

/// The tokens between the brackets of each attribute, and what else stands there.
fn split_attributes(tokens: &[SpannedToken]) -> Vec<&[SpannedToken]> {
    let mut list = Vec::new();
    let mut from = 0;
    for (place, token) in tokens.iter().enumerate() {
        if token.word == "#" && place > from && tokens.get(place + 1).is_some_and(|next| next.word == "[") {
            list.push(&tokens[from..place]);
            from = place;
        }
    }
    list.push(&tokens[from..]);
    list.retain(|attribute| !attribute.is_empty());
    list
}

/// Names in the `#[derive(..)]`s before the item that stands at `at`.
pub(crate) fn derived_before(file: &[Token], located: &Located) -> Vec<String> {
    let within = file.iter().filter(|token| located.range.contains(&token.start));
    let mut names = Vec::new();
    let mut in_derive = false;
    for token in within {
        match token.word.as_str() {
            "derive" => in_derive = true,
            "]" | "struct" => in_derive = false,
            word if in_derive => names.push(word.to_owned()),
            _ => {}
        }
    }
    names
}
