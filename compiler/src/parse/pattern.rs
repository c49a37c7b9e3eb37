//! Patterns of `let`, `match` and closures.

use super::Reader;
use crate::diagnostics::syntax;
use sabot_ir::ast::{ExprKind, Name, Pattern, PatternKind, RangeBound, TypeName};
use sabot_ir::span::Span;
use syn::ext::IdentExt;

impl Reader<'_> {
    /// A pattern, and its type where one is written.
    pub(super) fn typed_pattern(&mut self, pattern: &syn::Pat) -> (Pattern, Option<TypeName>) {
        match pattern {
            syn::Pat::Type(typed) => {
                let (inner, _) = self.typed_pattern(&typed.pat);
                (inner, Some(self.ty(&typed.ty)))
            }
            _ => (self.pattern(pattern), None),
        }
    }

    /// A pattern; a form outside the subset is reported and becomes [`PatternKind::Error`].
    pub(super) fn pattern(&mut self, pattern: &syn::Pat) -> Pattern {
        let span = self.pattern_span(pattern);
        let kind = match pattern {
            syn::Pat::Wild(_) => PatternKind::Wild,
            syn::Pat::Ident(bind) => self.binding(bind, span),
            syn::Pat::Lit(literal) => self.literal(&literal.lit).map_or(PatternKind::Error, PatternKind::Literal),
            syn::Pat::Range(range) => self.range(range),
            syn::Pat::Or(or) => PatternKind::Or(or.cases.iter().map(|case| self.pattern(case)).collect()),
            syn::Pat::Path(path) if path.qself.is_none() => {
                PatternKind::Path(self.pattern_path(&path.path), Vec::new())
            }
            syn::Pat::TupleStruct(path) if path.qself.is_none() => {
                let inner = path.elems.iter().map(|elem| self.pattern(elem)).collect();
                PatternKind::Path(self.pattern_path(&path.path), inner)
            }
            syn::Pat::Tuple(tuple) => PatternKind::Tuple(tuple.elems.iter().map(|elem| self.pattern(elem)).collect()),
            syn::Pat::Paren(inner) => return self.pattern(&inner.pat),
            syn::Pat::Reference(reference) if reference.mutability.is_some() => {
                self.refuse_pattern(span, "`&mut` in a pattern", "leave it away: the language has values only");
                return self.pattern(&reference.pat); // what it binds is known all the same
            }
            syn::Pat::Reference(reference) => PatternKind::Reference(Box::new(self.pattern(&reference.pat))),
            syn::Pat::Struct(record) => self.record_pattern(record, span),
            syn::Pat::Rest(_) => PatternKind::Rest,
            syn::Pat::Slice(slice) => PatternKind::Slice(slice.elems.iter().map(|elem| self.pattern(elem)).collect()),
            syn::Pat::Type(_) => self.refuse_pattern(span, "a type here", "write the type behind the whole pattern"),
            _ => {
                // macros, const blocks, qualified paths
                self.refuse_pattern(span, "this pattern", "match literals, ranges, `Some(x)`, `None`, names or `_`")
            }
        };
        Pattern { kind, span }
    }

    fn record_pattern(&mut self, record: &syn::PatStruct, span: Span) -> PatternKind {
        let name = match self.type_path(&record.path) {
            Some(name) if record.qself.is_none() => name,
            _ => {
                return self.refuse_pattern(
                    span,
                    "a record with types in its path",
                    "name the record alone: `Quote { price, .. }`",
                );
            }
        };
        let mut fields = Vec::new();
        for field in &record.fields {
            let field_name = match &field.member {
                syn::Member::Named(ident) => self.name(ident),
                syn::Member::Unnamed(index) => Name { text: index.index.to_string(), span: self.span(index.span) },
            };
            // A field alone is a new variable, however it is spelt.
            let inner = match &*field.pat {
                syn::Pat::Ident(bind) if field.colon_token.is_none() && bind.by_ref.is_none() => {
                    let kind = PatternKind::Bind(field_name.text.clone(), bind.mutability.is_some(), None);
                    Pattern { kind, span: self.span_of(bind) }
                }
                inner => self.pattern(inner),
            };
            fields.push((field_name, inner));
        }
        PatternKind::Record(name, fields, record.rest.is_some())
    }

    fn refuse_pattern(&mut self, at: Span, form: &str, instead: &str) -> PatternKind {
        self.diagnostics.push(syntax::unsupported_pattern(at, form, instead));
        PatternKind::Error
    }

    fn binding(&mut self, bind: &syn::PatIdent, span: Span) -> PatternKind {
        // A reference and its value are the same here.
        if let (Some(by_ref), Some(_)) = (&bind.by_ref, &bind.mutability) {
            let at = self.span_of(by_ref).to(span);
            self.refuse_pattern(at, "`ref mut`", "make a new value instead: the language has values only");
        }
        let name = bind.ident.unraw().to_string();
        // syn cannot know whether `None` and `LIMIT` are bound or matched; rustc's naming rules can.
        let is_upper = name.chars().next().is_some_and(char::is_uppercase);
        if is_upper && bind.mutability.is_none() && bind.subpat.is_none() {
            self.mentioned.insert(name.clone());
            return PatternKind::Path(vec![name], Vec::new());
        }
        let inner = bind.subpat.as_ref().map(|(_, inner)| Box::new(self.pattern(inner)));
        PatternKind::Bind(name, bind.mutability.is_some(), inner)
    }

    fn pattern_path(&mut self, path: &syn::Path) -> Vec<String> {
        let segments: Vec<String> = path.segments.iter().map(|segment| self.text_of(&segment.ident)).collect();
        if let [name] = segments.as_slice() {
            self.mentioned.insert(name.clone());
        } else if let Some(last) = segments.last() {
            self.mentioned.insert(format!(".{last}"));
            self.mentioned.extend(segments.len().checked_sub(2).map(|owner| segments[owner].clone()));
        }
        segments
    }

    fn range(&mut self, range: &syn::PatRange) -> PatternKind {
        let inclusive = matches!(range.limits, syn::RangeLimits::Closed(_));
        match (self.bound(range.start.as_deref()), self.bound(range.end.as_deref())) {
            (Some(start), Some(end)) => PatternKind::Range(start, end, inclusive),
            _ => PatternKind::Error,
        }
    }

    /// A bound of a range; `None` if it was reported, `Some(None)` if there is none.
    fn bound(&mut self, bound: Option<&syn::Expr>) -> Option<Option<RangeBound>> {
        let Some(bound) = bound else {
            return Some(None);
        };
        let before = self.diagnostics.as_slice().len();
        let expr = self.expr(bound);
        if let ExprKind::Path(segments) = expr.kind {
            return Some(Some(RangeBound::Path(segments)));
        }
        if let ExprKind::Name(name) = expr.kind {
            return Some(Some(RangeBound::Path(vec![name])));
        }
        let literal = super::literal::constant(&expr).map(RangeBound::Literal);
        if literal.is_none() && self.diagnostics.as_slice().len() == before {
            self.refuse_pattern(
                expr.span,
                "a range that ends in something else than a constant",
                "write the number itself, or the name of a `const`",
            );
        }
        literal.map(Some)
    }
}
