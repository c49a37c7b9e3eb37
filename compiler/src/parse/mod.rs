//! `syn` syntax to [`JobGraph`]; syn types end here.
//!
//! [`parse`] reads a job.rs, [`graph_from_json`] the JSON form of a graph. Both go on after a mistake, and neither ever
//! panics, whatever the text is.
#![allow(clippy::wildcard_enum_match_arm, reason = "syn's enums are not ours, and are open")]

mod attribute;
mod brackets;
mod connector;
mod control;
mod expr;
mod function;
mod imports;
mod job;
mod json;
mod json_text;
mod literal;
mod nesting;
mod operator;
mod pattern;
mod place;
mod record;
mod stream;
mod types;
mod unused;
mod value_type;

use crate::diagnostics::syntax;
use proc_macro2::TokenStream;
use sabot_ir::ast;
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::job_graph::JobGraph;
use sabot_ir::span::Span;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use syn::ext::IdentExt;
use syn::parse::Parse;

/// Longest text that is read; spans count in 32 bits, and so does proc-macro2, over all texts of a thread.
const LONGEST_TEXT: usize = 256 << 20;

/// Parses a job file: one graph per `#[sabot::pipeline]` function, in the order they stand.
///
/// Mistakes are pushed into `diagnostics`; what could be understood is returned, so that later stages can go on.
pub fn parse(source: &str, diagnostics: &mut Diagnostics) -> Vec<JobGraph> {
    let text = without_shebang(source);
    let mut reader = Reader::new(SpanMap::default(), diagnostics);
    match reader.syntax::<syn::File>(&text) {
        Some(file) => job::job(&mut reader, &file),
        None => Vec::new(),
    }
}

pub use json::graph_from_json;

/// A block of the library's own code, all of which stands at one place of the job.
///
/// # Panics
/// If the code is not Rust: it is ours.
pub(crate) fn library_block(code: &str, at: Span) -> ast::Expr {
    let mut diagnostics = Diagnostics::new();
    let mut reader = Reader { at: Some(at), ..Reader::new(SpanMap::default(), &mut diagnostics) };
    let block = reader.syntax::<syn::Block>(code).expect("the library's code is Rust");
    let block = reader.block(&block);
    assert!(diagnostics.as_slice().is_empty(), "the library's code is in the job language: {code}");
    block
}

/// The text with what Rust allows in front of it made blank: a byte order mark, a `#!` line.
fn without_shebang(source: &str) -> Cow<'_, str> {
    const BYTE_ORDER_MARK: &str = "\u{feff}";
    let rest = source.strip_prefix(BYTE_ORDER_MARK).unwrap_or(source);
    let shebang = match rest.strip_prefix("#!") {
        Some(line) if !line.trim_start().starts_with('[') => 2 + line.find('\n').unwrap_or(line.len()),
        Some(_) | None => 0,
    };
    let blank = source.len() - rest.len() + shebang;
    if blank == 0 {
        return Cow::Borrowed(source);
    }
    Cow::Owned(format!("{}{}", " ".repeat(blank), &source[blank..]))
}

/// Where a piece of Rust text stands in the file that holds it.
///
/// A job.rs is its own place. Code inside a JSON string has lost its escapes, so its offsets move by pieces.
#[derive(Clone, Debug, Default)]
struct SpanMap {
    /// Offset in the Rust text and in the file, where a piece begins; ascending. Empty: both are the same.
    pieces: Vec<(usize, usize)>,
}

impl SpanMap {
    fn offset(&self, offset: usize) -> usize {
        let piece = self.pieces.partition_point(|(start, _)| *start <= offset).checked_sub(1);
        match piece.map(|piece| self.pieces[piece]) {
            Some((start, moved)) => moved + (offset - start),
            None => offset,
        }
    }
}

/// The sign that syn says is missing.
fn missing_sign(reason: &str) -> Option<&str> {
    let sign = reason.strip_prefix("expected `")?.strip_suffix('`')?;
    matches!(sign, ";" | ",").then_some(sign)
}

/// Turns syn's nodes into ours: spans, complaints, and what was mentioned.
struct Reader<'a> {
    spans: SpanMap,
    diagnostics: &'a mut Diagnostics,
    depth: usize,
    /// Functions, constants and records that the code named since this was last taken.
    /// Behind a dot: methods, and what was named behind a `::`.
    mentioned: BTreeSet<String>,
    /// What `Self` means here.
    this: Option<String>,
    /// All of the text stands here: it is no part of a file.
    at: Option<Span>,
    /// What the file's `use` items name.
    imports: imports::Imports,
    /// Functions inside of functions that are read with the file's own, by where they begin.
    inner: BTreeSet<u32>,
    /// What the file's `type` items stand for.
    aliases: BTreeMap<String, syn::Type>,
}

/// How deep the tree of an expression may be.
const DEEPEST_EXPR: usize = 200;

impl<'a> Reader<'a> {
    fn new(spans: SpanMap, diagnostics: &'a mut Diagnostics) -> Self {
        Self {
            spans,
            diagnostics,
            depth: 0,
            mentioned: BTreeSet::new(),
            this: None,
            at: None,
            imports: imports::Imports::new(),
            inner: BTreeSet::new(),
            aliases: BTreeMap::new(),
        }
    }

    /// Reads text as one piece of syntax; the first mistake ends it.
    fn syntax<T: Parse>(&mut self, text: &str) -> Option<T> {
        if text.len() > LONGEST_TEXT {
            self.diagnostics.push(syntax::file_too_large());
            return None;
        }
        let tokens = match TokenStream::from_str(text) {
            Ok(tokens) => tokens,
            Err(error) => {
                if let Some(mistake) = brackets::mistake(text, |offset| self.spans.offset(offset)) {
                    self.diagnostics.push(mistake);
                    return None;
                }
                let at = self.span(error.span());
                let reason = match text.get(error.span().byte_range().start..).and_then(|rest| rest.chars().next()) {
                    Some('"' | '\'') => "this literal is not closed or not valid".to_owned(),
                    Some('/') => "this comment is not closed".to_owned(),
                    Some(character) => format!("Rust has no word that begins with `{}`", character.escape_debug()),
                    None => "the text ends inside a literal or a comment".to_owned(),
                };
                self.diagnostics.push(syntax::not_rust(at, &reason));
                return None;
            }
        };
        if let Some(at) = nesting::too_deep(&tokens) {
            let at = self.span(at);
            self.diagnostics.push(syntax::nested_too_deep(at));
            return None;
        }
        match syn::parse2::<T>(tokens) {
            Ok(syntax) => Some(syntax),
            Err(error) => {
                for error in error {
                    let reason = error.to_string();
                    let mut at = self.span(error.span());
                    if reason.starts_with("unexpected end of input") {
                        let end = self.spans.offset(text.trim_end().len());
                        at = Span::new(end, end);
                    } else if let Some(sign) = missing_sign(&reason)
                        && let Some(place) = self.behind_last_token(text, error.span().byte_range().start)
                    {
                        self.diagnostics.push(syntax::missing_sign(place, sign));
                        continue;
                    }
                    self.diagnostics.push(syntax::not_rust(at, &reason));
                }
                None
            }
        }
    }

    /// Behind the token before `offset`, if it ends its line: that is where a `;` is missing.
    fn behind_last_token(&self, text: &str, offset: usize) -> Option<Span> {
        let before = text.get(..offset)?.trim_end();
        let line = &before[before.rfind('\n').map_or(0, |newline| newline + 1)..];
        if before.len() == offset || line.contains("//") || line.ends_with("*/") {
            return None;
        }
        let end = self.spans.offset(before.len());
        Some(Span::new(end, end))
    }

    /// Where syn's span stands in the file.
    fn span(&self, span: proc_macro2::Span) -> Span {
        if let Some(at) = self.at {
            return at;
        }
        let range = span.byte_range();
        let start = self.spans.offset(range.start);
        // The last byte, not the one behind it, belongs to the piece in which the span ends.
        let end = if range.end > range.start { self.spans.offset(range.end - 1) + 1 } else { start };
        Span::new(start, end)
    }

    /// Where a node of syn's stands in the file.
    fn span_of(&self, node: &impl syn::spanned::Spanned) -> Span {
        self.span(node.span())
    }

    fn name(&self, ident: &syn::Ident) -> ast::Name {
        ast::Name { text: self.text_of(ident), span: self.span(ident.span()) }
    }

    /// The identifier; inside an `impl` block `Self` is its record.
    fn text_of(&self, ident: &syn::Ident) -> String {
        match &self.this {
            Some(this) if ident == "Self" => this.clone(),
            Some(_) | None => ident.unraw().to_string(),
        }
    }

    fn take_mentioned(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.mentioned)
    }
}

#[cfg(test)]
mod tests;
