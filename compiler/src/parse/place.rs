//! Where syn's nodes begin and end, without making their tokens again.
//!
//! `Spanned::span` turns a node into tokens to find the first and the last of them: asked at every level of a tree, that is
//! work for each level. These walk down one side. What they do not know is left to `Spanned`.

use super::Reader;
use proc_macro2::Span as Place;
use sabot_ir::span::Span;

impl Reader<'_> {
    /// Where an expression stands.
    pub(super) fn expr_span(&self, expr: &syn::Expr) -> Span {
        match (start(expr), end(expr)) {
            (Some(start), Some(end)) => self.span(start).to(self.span(end)),
            _ => self.span_of(expr),
        }
    }

    /// Where a path stands.
    pub(super) fn path_span(&self, path: &syn::Path) -> Span {
        match (path.leading_colon, path.segments.first(), path.segments.last()) {
            (None, Some(first), Some(last)) if last.arguments.is_none() => {
                self.span(first.ident.span()).to(self.span(last.ident.span()))
            }
            _ => self.span_of(path),
        }
    }

    /// Where a call of a macro stands.
    pub(super) fn macro_span(&self, call: &syn::Macro) -> Span {
        self.path_span(&call.path).to(self.span(call.delimiter.span().close()))
    }

    /// Where a function stands, attributes and all.
    pub(super) fn function_span(
        &self,
        attributes: &[syn::Attribute],
        visibility: &syn::Visibility,
        signature: &syn::Signature,
        block: &syn::Block,
    ) -> Span {
        let start = match (attributes.first(), visibility) {
            (Some(attribute), _) => attribute.pound_token.span,
            (None, syn::Visibility::Public(token)) => token.span,
            (None, syn::Visibility::Restricted(restricted)) => restricted.pub_token.span,
            (None, syn::Visibility::Inherited) => match (&signature.constness, &signature.asyncness) {
                (Some(token), _) => token.span,
                (None, Some(token)) => token.span,
                (None, None) => signature.unsafety.as_ref().map_or(signature.fn_token.span, |token| token.span),
            },
        };
        self.span(start).to(self.span(block.brace_token.span.close()))
    }

    /// Where a pattern stands.
    pub(super) fn pattern_span(&self, pattern: &syn::Pat) -> Span {
        match pattern {
            syn::Pat::Wild(wild) => self.span(wild.underscore_token.span),
            syn::Pat::Ident(bind) if bind.by_ref.is_none() && bind.subpat.is_none() => {
                let name = self.span(bind.ident.span());
                bind.mutability.as_ref().map_or(name, |token| self.span(token.span).to(name))
            }
            syn::Pat::Lit(literal) => self.span(literal.lit.span()),
            syn::Pat::Path(path) if path.qself.is_none() => self.path_span(&path.path),
            syn::Pat::Tuple(tuple) => self.span(tuple.paren_token.span.join()),
            syn::Pat::TupleStruct(tuple) if tuple.qself.is_none() => {
                self.path_span(&tuple.path).to(self.span(tuple.paren_token.span.join()))
            }
            other => self.span_of(other),
        }
    }

    /// Where a type stands.
    pub(super) fn type_span(&self, ty: &syn::Type) -> Span {
        match ty {
            syn::Type::Path(path) if path.qself.is_none() => self.path_span(&path.path),
            syn::Type::Reference(reference) => self.span(reference.and_token.span).to(self.type_span(&reference.elem)),
            syn::Type::Tuple(tuple) => self.span(tuple.paren_token.span.join()),
            other => self.span_of(other),
        }
    }
}

/// The first token.
fn start(expr: &syn::Expr) -> Option<Place> {
    Some(match expr {
        syn::Expr::Lit(literal) => literal.lit.span(),
        syn::Expr::Path(path) if path.qself.is_none() && path.path.leading_colon.is_none() => {
            path.path.segments.first()?.ident.span()
        }
        syn::Expr::MethodCall(call) => start(&call.receiver)?,
        syn::Expr::Field(field) => start(&field.base)?,
        syn::Expr::Binary(binary) => start(&binary.left)?,
        syn::Expr::Call(call) => start(&call.func)?,
        syn::Expr::Cast(cast) => start(&cast.expr)?,
        syn::Expr::Index(index) => start(&index.expr)?,
        syn::Expr::Try(tried) => start(&tried.expr)?,
        syn::Expr::Assign(assign) => start(&assign.left)?,
        syn::Expr::Closure(closure) if closure.attrs.is_empty() && closure.asyncness.is_none() => {
            closure.capture.as_ref().map_or(closure.or1_token.span, |token| token.span)
        }
        syn::Expr::Reference(reference) => reference.and_token.span,
        syn::Expr::Unary(unary) => match unary.op {
            syn::UnOp::Neg(token) => token.span,
            syn::UnOp::Not(token) => token.span,
            syn::UnOp::Deref(token) => token.span,
            _ => return None,
        },
        syn::Expr::Paren(inner) => inner.paren_token.span.open(),
        syn::Expr::Tuple(tuple) => tuple.paren_token.span.open(),
        syn::Expr::Array(array) => array.bracket_token.span.open(),
        syn::Expr::Repeat(repeat) => repeat.bracket_token.span.open(),
        syn::Expr::Block(block) => match &block.label {
            Some(label) => label.name.apostrophe,
            None => block.block.brace_token.span.open(),
        },
        syn::Expr::If(form) => form.if_token.span,
        syn::Expr::Match(form) => form.match_token.span,
        syn::Expr::While(form) => form.label.as_ref().map_or(form.while_token.span, |label| label.name.apostrophe),
        syn::Expr::ForLoop(form) => form.label.as_ref().map_or(form.for_token.span, |label| label.name.apostrophe),
        syn::Expr::Loop(form) => form.label.as_ref().map_or(form.loop_token.span, |label| label.name.apostrophe),
        syn::Expr::Return(form) => form.return_token.span,
        syn::Expr::Break(form) => form.break_token.span,
        syn::Expr::Continue(form) => form.continue_token.span,
        syn::Expr::Range(range) => match &range.start {
            Some(first) => start(first)?,
            None => return None,
        },
        syn::Expr::Struct(record) if record.qself.is_none() => record.path.segments.first()?.ident.span(),
        syn::Expr::Macro(call) => call.mac.path.segments.first()?.ident.span(),
        _ => return None,
    })
}

/// The last token.
fn end(expr: &syn::Expr) -> Option<Place> {
    Some(match expr {
        syn::Expr::Lit(literal) => literal.lit.span(),
        syn::Expr::Path(path) if path.qself.is_none() => {
            let last = path.path.segments.last()?;
            if !last.arguments.is_none() {
                return None;
            }
            last.ident.span()
        }
        syn::Expr::MethodCall(call) => call.paren_token.span.close(),
        syn::Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => name.span(),
            syn::Member::Unnamed(index) => index.span,
        },
        syn::Expr::Binary(binary) => end(&binary.right)?,
        syn::Expr::Call(call) => call.paren_token.span.close(),
        syn::Expr::Cast(cast) => match &*cast.ty {
            syn::Type::Path(path) if path.path.segments.last().is_some_and(|last| last.arguments.is_none()) => {
                path.path.segments.last()?.ident.span()
            }
            _ => return None,
        },
        syn::Expr::Index(index) => index.bracket_token.span.close(),
        syn::Expr::Try(tried) => tried.question_token.span,
        syn::Expr::Assign(assign) => end(&assign.right)?,
        syn::Expr::Closure(closure) => end(&closure.body)?,
        syn::Expr::Reference(reference) => end(&reference.expr)?,
        syn::Expr::Unary(unary) => end(&unary.expr)?,
        syn::Expr::Paren(inner) => inner.paren_token.span.close(),
        syn::Expr::Tuple(tuple) => tuple.paren_token.span.close(),
        syn::Expr::Array(array) => array.bracket_token.span.close(),
        syn::Expr::Repeat(repeat) => repeat.bracket_token.span.close(),
        syn::Expr::Block(block) => block.block.brace_token.span.close(),
        syn::Expr::If(form) => match &form.else_branch {
            Some((_, otherwise)) => end(otherwise)?,
            None => form.then_branch.brace_token.span.close(),
        },
        syn::Expr::Match(form) => form.brace_token.span.close(),
        syn::Expr::While(form) => form.body.brace_token.span.close(),
        syn::Expr::ForLoop(form) => form.body.brace_token.span.close(),
        syn::Expr::Loop(form) => form.body.brace_token.span.close(),
        syn::Expr::Return(form) => match &form.expr {
            Some(value) => end(value)?,
            None => form.return_token.span,
        },
        syn::Expr::Break(form) => match (&form.expr, &form.label) {
            (Some(value), _) => end(value)?,
            (None, Some(label)) => label.ident.span(),
            (None, None) => form.break_token.span,
        },
        syn::Expr::Continue(form) => match &form.label {
            Some(label) => label.ident.span(),
            None => form.continue_token.span,
        },
        syn::Expr::Range(range) => match &range.end {
            Some(last) => end(last)?,
            None => return None,
        },
        syn::Expr::Struct(record) => record.brace_token.span.close(),
        syn::Expr::Macro(call) => call.mac.delimiter.span().close(),
        _ => return None,
    })
}
