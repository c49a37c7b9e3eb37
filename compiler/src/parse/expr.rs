//! Expressions and statements: the subset that closures and UDFs may use.
//!
//! What is outside is reported with what to write instead, and becomes [`ExprKind::Error`].

use super::{Reader, imports};
use crate::diagnostics::syntax;
use sabot_ir::ast::{Arm, BinaryOp, Closure, Expr, ExprKind, Literal, Name, Pattern, PatternKind, Statement, UnaryOp};
use sabot_ir::span::Span;
use syn::punctuated::Punctuated;

impl Reader<'_> {
    /// An expression.
    pub(super) fn expr(&mut self, expr: &syn::Expr) -> Expr {
        if self.depth >= super::DEEPEST_EXPR {
            let span = self.span_of(expr);
            self.diagnostics.push(syntax::nested_too_deep(span));
            return Expr { kind: ExprKind::Error, span };
        }
        self.depth += 1;
        let expr = self.expr_inside(expr);
        self.depth -= 1;
        expr
    }

    pub(super) fn boxed(&mut self, expr: &syn::Expr) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn expr_inside(&mut self, expr: &syn::Expr) -> Expr {
        let (kind, span) = match expr {
            syn::Expr::Lit(literal) => {
                let kind = self.literal(&literal.lit).map_or(ExprKind::Error, ExprKind::Literal);
                (kind, self.span(literal.lit.span()))
            }
            syn::Expr::Path(path) => self.path(path),
            syn::Expr::Paren(inner) => {
                let span = self.span(inner.paren_token.span.join());
                return Expr { span, ..self.expr(&inner.expr) };
            }
            syn::Expr::Group(inner) => return self.expr(&inner.expr),
            syn::Expr::Field(field) => {
                let base = self.boxed(&field.base);
                let name = match &field.member {
                    syn::Member::Named(ident) => self.name(ident),
                    syn::Member::Unnamed(index) => Name { text: index.index.to_string(), span: self.span(index.span) },
                };
                let span = base.span.to(name.span);
                (ExprKind::Field(base, name), span)
            }
            syn::Expr::Unary(unary) => {
                let operand = self.boxed(&unary.expr);
                let (op, at) = match &unary.op {
                    syn::UnOp::Neg(token) => (UnaryOp::Neg, token.span),
                    syn::UnOp::Not(token) => (UnaryOp::Not, token.span),
                    syn::UnOp::Deref(token) => (UnaryOp::Deref, token.span),
                    _ => {
                        return self.refuse(
                            self.span_of(expr),
                            "this operator",
                            "write the computation in another way",
                        );
                    }
                };
                let span = self.span(at).to(operand.span);
                (ExprKind::Unary(op, operand), span)
            }
            syn::Expr::Reference(reference) => {
                let span = self.span(reference.and_token.span);
                let operand = self.boxed(&reference.expr);
                let span = span.to(operand.span);
                match reference.mutability {
                    Some(_) => (ExprKind::MutReference(operand), span),
                    None => (ExprKind::Reference(operand), span),
                }
            }
            syn::Expr::Binary(binary) => return self.binary(expr, binary),
            syn::Expr::Cast(cast) => {
                let value = self.boxed(&cast.expr);
                let ty = self.ty(&cast.ty);
                let span = value.span.to(ty.span);
                (ExprKind::Cast(value, ty), span)
            }
            syn::Expr::If(form) => return self.if_(form),
            syn::Expr::Match(matched) => {
                let value = self.boxed(&matched.expr);
                let arms = matched.arms.iter().map(|arm| self.arm(arm)).collect();
                let span = self.span(matched.match_token.span).to(self.span(matched.brace_token.span.join()));
                (ExprKind::Match(value, arms), span)
            }
            syn::Expr::Call(call) => return self.call(call),
            syn::Expr::MethodCall(call) => {
                let receiver = self.boxed(&call.receiver);
                let name = self.name(&call.method);
                self.mentioned.insert(format!(".{}", name.text));
                if matches!(name.text.as_str(), "aggregate" | "aggregate_if") && call.turbofish.is_some() {
                    let of_aggregate = [".init", ".add", ".merge", ".finish", ".remove"];
                    self.mentioned.extend(of_aggregate.map(str::to_owned));
                }
                let types = call.turbofish.as_ref().map(|types| self.generic_arguments(types)).unwrap_or_default();
                let arguments = call.args.iter().map(|argument| self.expr(argument)).collect();
                let span = receiver.span.to(self.span(call.paren_token.span.join()));
                (ExprKind::Method(receiver, name, types, arguments), span)
            }
            syn::Expr::Struct(record) => return self.record_expr(record),
            syn::Expr::Tuple(tuple) => {
                let items = tuple.elems.iter().map(|item| self.expr(item)).collect();
                (ExprKind::Tuple(items), self.span(tuple.paren_token.span.join()))
            }
            syn::Expr::Block(block) if block.label.is_none() => return self.block(&block.block),
            syn::Expr::Assign(_)
            | syn::Expr::While(_)
            | syn::Expr::ForLoop(_)
            | syn::Expr::Loop(_)
            | syn::Expr::Block(_)
            | syn::Expr::Break(_)
            | syn::Expr::Continue(_)
            | syn::Expr::Return(_)
            | syn::Expr::Try(_)
            | syn::Expr::Index(_)
            | syn::Expr::Range(_)
            | syn::Expr::Array(_)
            | syn::Expr::Repeat(_) => match self.control(expr) {
                Some(expr) => return expr,
                None => (ExprKind::Error, self.span_of(expr)),
            },
            syn::Expr::Closure(closure) => {
                let closure = self.closure(closure);
                let span = closure.span;
                (ExprKind::Closure(closure), span)
            }
            syn::Expr::Macro(call) => return self.macro_call(&call.mac),
            other => {
                let (form, instead) = outside(other);
                return self.refuse(self.span_of(expr), form, instead);
            }
        };
        Expr { kind, span }
    }

    /// Reports a form and stands in for it.
    fn refuse(&mut self, span: Span, form: &str, instead: &str) -> Expr {
        self.diagnostics.push(syntax::unsupported_expr(span, form, instead));
        Expr { kind: ExprKind::Error, span }
    }

    fn path(&mut self, path: &syn::ExprPath) -> (ExprKind, Span) {
        let span = if path.qself.is_none() { self.path_span(&path.path) } else { self.span_of(path) };
        if path.qself.is_some() || path.path.segments.iter().any(|segment| !segment.arguments.is_empty()) {
            let refused = self.refuse(span, "a path with types in it", "name the constant or function alone");
            return (refused.kind, span);
        }
        let mut segments: Vec<String> = path.path.segments.iter().map(|segment| self.text_of(&segment.ident)).collect();
        imports::expand(&self.imports, &mut segments);
        let kind = match segments.as_slice() {
            [name] => {
                self.mentioned.insert(name.clone());
                ExprKind::Name(segments.swap_remove(0))
            }
            _ => {
                self.mentioned.extend(segments.last().map(|last| format!(".{last}")));
                self.mentioned.extend(segments.len().checked_sub(2).map(|owner| segments[owner].clone()));
                ExprKind::Path(segments)
            }
        };
        (kind, span)
    }

    fn binary(&mut self, expr: &syn::Expr, binary: &syn::ExprBinary) -> Expr {
        if binary_op(&binary.op).is_none() {
            let span = self.span_of(binary);
            return self.control(expr).unwrap_or(Expr { kind: ExprKind::Error, span });
        }
        // `a + b + c + …` goes down its left side in a loop.
        let mut spine = vec![(binary, binary_op(&binary.op))];
        let mut first = &*binary.left;
        while let syn::Expr::Binary(inner) = first
            && let op @ Some(_) = binary_op(&inner.op)
        {
            spine.push((inner, op));
            first = &inner.left;
        }
        let mut left = self.expr(first);
        for (inner, op) in spine.into_iter().rev() {
            let Some(op) = op else { continue };
            let right = self.boxed(&inner.right);
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Binary(op, Box::new(left), right), span };
        }
        left
    }

    fn if_(&mut self, condition: &syn::ExprIf) -> Expr {
        // `if a {} else if b {} else if c {} …` in a loop.
        let mut links = Vec::new();
        let mut last = condition;
        let mut otherwise = loop {
            let tested = self.condition(&last.cond);
            links.push((last.if_token.span, tested, Box::new(self.block(&last.then_branch))));
            match &last.else_branch {
                Some((_, next)) => match &**next {
                    syn::Expr::If(next) => last = next,
                    other => break Some(self.boxed(other)),
                },
                None => break None,
            }
        };
        while let Some((at, tested, then)) = links.pop() {
            let span = self.span(at).to(otherwise.as_ref().map_or(then.span, |last| last.span));
            let whole = Expr { kind: ExprKind::If(Box::new(tested), then, otherwise), span };
            if links.is_empty() {
                return whole;
            }
            otherwise = Some(Box::new(whole));
        }
        Expr { kind: ExprKind::Error, span: self.span(condition.if_token.span) }
    }

    fn arm(&mut self, arm: &syn::Arm) -> Arm {
        Arm {
            pattern: self.pattern(&arm.pat),
            guard: arm.guard.as_ref().map(|(_, guard)| self.expr(guard)),
            body: self.expr(&arm.body),
        }
    }

    /// `Vec::<i64>::new()`: a block with a variable of that type. Nothing if it is another call with types.
    fn typed_call(&mut self, path: &syn::ExprPath, call: &syn::ExprCall) -> Option<Expr> {
        let [.., owner, function] = path.path.segments.iter().collect::<Vec<_>>()[..] else { return None };
        let is_typed =
            matches!(owner.arguments, syn::PathArguments::AngleBracketed(_)) && function.arguments.is_empty();
        let known = ["Vec", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "VecDeque", "BinaryHeap", "Option"];
        let name = owner.ident.to_string();
        if !is_typed || !known.contains(&name.as_str()) || path.path.segments.len() > 2 {
            return None;
        }
        let span = self.span_of(call);
        let args = self.type_arguments(&owner.arguments);
        let ty = sabot_ir::ast::TypeName { kind: sabot_ir::ast::TypeNameKind::Path(name, args), span };
        let names = vec![self.name(&owner.ident), self.name(&function.ident)];
        let values = call.args.iter().map(|arg| self.expr(arg)).collect();
        let at = |kind| Expr { kind, span };
        let pattern = Pattern { kind: PatternKind::Bind("made".to_owned(), false, None), span };
        let made = Statement::Let(pattern, Some(ty), at(ExprKind::Call(names, values)));
        Some(at(ExprKind::Block(vec![made], Some(Box::new(at(ExprKind::Name("made".to_owned())))))))
    }

    fn call(&mut self, call: &syn::ExprCall) -> Expr {
        let syn::Expr::Path(path) = &*call.func else {
            let span = self.span_of(&call.func);
            return self.refuse(span, "the call of a computed function", "call a `#[sabot::udf] fn` by its name");
        };
        if path.qself.is_some() || path.path.segments.iter().any(|segment| !segment.arguments.is_empty()) {
            let span = self.span_of(&call.func);
            if path.qself.is_none()
                && let Some(made) = self.typed_call(path, call)
            {
                return made;
            }
            let names: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            if let Some(outside) = crate::diagnostics::outside::outside(&names.join("::"), span) {
                self.diagnostics.push(outside);
                return Expr { kind: ExprKind::Error, span };
            }
            return self.refuse(span, "a call with types in its path", "name the function alone");
        }
        let segments: Vec<Name> = path.path.segments.iter().map(|segment| self.name(&segment.ident)).collect();
        match segments.as_slice() {
            [name] => self.mentioned.extend([name.text.clone()]),
            [.., owner, last] => self.mentioned.extend([owner.text.clone(), format!(".{}", last.text)]),
            [] => {}
        }
        let arguments = call.args.iter().map(|argument| self.expr(argument)).collect();
        let start = segments.first().map_or(Span::NONE, |name| name.span);
        let span = start.to(self.span(call.paren_token.span.join()));
        Expr { kind: ExprKind::Call(segments, arguments), span }
    }

    fn record_expr(&mut self, record: &syn::ExprStruct) -> Expr {
        let span = self.path_span(&record.path).to(self.span(record.brace_token.span.join()));
        let name = match self.type_path(&record.path) {
            Some(name) if record.qself.is_none() => name,
            _ => return self.refuse(span, "a record with type arguments", "name the record alone"),
        };
        let mut fields = Vec::new();
        for field in &record.fields {
            let field_name = match &field.member {
                syn::Member::Named(ident) => self.name(ident),
                syn::Member::Unnamed(index) => Name { text: index.index.to_string(), span: self.span(index.span) },
            };
            fields.push((field_name, self.expr(&field.expr)));
        }
        let base = record.rest.as_ref().map(|base| self.boxed(base));
        if base.is_none()
            && let Some(dots) = &record.dot2_token
        {
            let at = self.span_of(dots);
            return self.refuse(
                at,
                "`..` without a record behind it",
                "name the record that gives the other fields: `..q`",
            );
        }
        Expr { kind: ExprKind::Record(name, fields, base), span }
    }

    /// `Quote`, or `Token::Word`, a variant of an `enum`.
    pub(super) fn type_path(&mut self, path: &syn::Path) -> Option<Name> {
        if path.segments.iter().any(|segment| !segment.arguments.is_empty()) {
            return None;
        }
        let span = self.path_span(path);
        let names: Vec<String> = path.segments.iter().map(|segment| self.text_of(&segment.ident)).collect();
        let names = &names[names.len().saturating_sub(2)..];
        self.mentioned.extend(names.first().cloned());
        Some(Name { text: names.join("::"), span })
    }

    /// `{ statements; tail }`.
    pub(super) fn block(&mut self, block: &syn::Block) -> Expr {
        let span = self.span(block.brace_token.span.join());
        let mut statements = Vec::new();
        let mut tail = None;
        for (position, statement) in block.stmts.iter().enumerate() {
            let is_last = position + 1 == block.stmts.len();
            match statement {
                syn::Stmt::Local(local) => statements.push(self.local(local)),
                syn::Stmt::Expr(value, None) if is_last => tail = Some(self.boxed(value)),
                syn::Stmt::Expr(value, _) => statements.push(Statement::Expr(self.expr(value))),
                syn::Stmt::Macro(call) => {
                    let value = self.macro_call(&call.mac);
                    if is_last && call.semi_token.is_none() {
                        tail = Some(Box::new(value));
                    } else {
                        statements.push(Statement::Expr(value));
                    }
                }
                syn::Stmt::Item(syn::Item::Use(_)) => {}
                syn::Stmt::Item(syn::Item::Const(item)) => statements.push(self.local_const(item)),
                syn::Stmt::Item(
                    item @ (syn::Item::Fn(_) | syn::Item::Struct(_) | syn::Item::Enum(_) | syn::Item::Impl(_)),
                ) if self.inner.contains(&self.span_of(item).start) => {}
                syn::Stmt::Item(item) => {
                    let at = self.span_of(item);
                    self.diagnostics.push(syntax::unsupported_expr(
                        at,
                        "an item inside a function",
                        "move it out of the function, to the top of the file",
                    ));
                }
            }
        }
        Expr { kind: ExprKind::Block(statements, tail), span }
    }

    /// `|x| body`.
    pub(super) fn closure(&mut self, closure: &syn::ExprClosure) -> Closure {
        if let Some(token) = &closure.asyncness {
            let at = self.span_of(token);
            self.refuse(at, "an async closure", "leave `async` away: a job waits for nothing inside a row");
        }
        let returns = match &closure.output {
            syn::ReturnType::Default => None,
            syn::ReturnType::Type(_, ty) => Some(self.ty(ty)),
        };
        let params = closure.inputs.iter().map(|pattern| self.typed_pattern(pattern)).collect();
        let body = self.boxed(&closure.body);
        let span = self.span(closure.or1_token.span).to(body.span);
        Closure { params, body, returns, moves: closure.capture.is_some(), span }
    }

    fn macro_call(&mut self, call: &syn::Macro) -> Expr {
        let span = self.macro_span(call);
        let Some(segment) = call.path.segments.last() else {
            return self.refuse(span, "this macro", "write a function");
        };
        let name = self.name(&segment.ident);
        match name.text.as_str() {
            "vec" => match self.vec_macro(call, name) {
                Ok(kind) => return Expr { kind, span },
                Err(error) => {
                    let at = self.span(error.span());
                    self.diagnostics.push(syntax::not_rust(at, &error.to_string()));
                }
            },
            "format" | "write" | "writeln" | "regex" | "panic" | "todo" | "unimplemented" | "unreachable"
            | "assert" | "assert_eq" | "assert_ne" | "debug_assert" | "debug_assert_eq" | "debug_assert_ne" => {
                match call.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated) {
                    Ok(arguments) => {
                        let arguments = arguments.iter().map(|argument| self.expr(argument)).collect();
                        return Expr { kind: ExprKind::Macro(name, arguments), span };
                    }
                    Err(error) => {
                        let at = self.span(error.span());
                        self.diagnostics.push(syntax::not_rust(at, &error.to_string()));
                    }
                }
            }
            "matches" => match call.parse_body_with(matches_arguments) {
                Ok((value, pattern, guard)) => {
                    let value = self.boxed(&value);
                    let pattern = self.pattern(&pattern);
                    let guard = guard.map(|guard| self.expr(&guard));
                    let truth = |value| Expr { kind: ExprKind::Literal(Literal::Bool(value)), span };
                    let otherwise = Pattern { kind: PatternKind::Wild, span };
                    let arms = vec![
                        Arm { pattern, guard, body: truth(true) },
                        Arm { pattern: otherwise, guard: None, body: truth(false) },
                    ];
                    return Expr { kind: ExprKind::Match(value, arms), span };
                }
                Err(error) => {
                    let at = self.span(error.span());
                    self.diagnostics.push(syntax::not_rust(at, &error.to_string()));
                }
            },
            other => {
                let instead = match other {
                    "println" | "print" | "eprintln" | "eprint" | "dbg" => {
                        "rows go to sinks: `.sink(\"debug\", stdout())` shows them"
                    }
                    _ => "write the computation itself, or a `#[sabot::udf] fn`",
                };
                self.diagnostics.push(syntax::unsupported_macro(span, other, instead));
            }
        }
        Expr { kind: ExprKind::Error, span }
    }
}

/// `value, pattern [if guard]`.
fn matches_arguments(input: syn::parse::ParseStream<'_>) -> syn::Result<(syn::Expr, syn::Pat, Option<syn::Expr>)> {
    let value = input.parse()?;
    input.parse::<syn::Token![,]>()?;
    let pattern = syn::Pat::parse_multi_with_leading_vert(input)?;
    let guard = match input.parse::<Option<syn::Token![if]>>()? {
        Some(_) => Some(input.parse()?),
        None => None,
    };
    input.parse::<Option<syn::Token![,]>>()?;
    Ok((value, pattern, guard))
}

pub(super) fn binary_op(op: &syn::BinOp) -> Option<BinaryOp> {
    Some(match op {
        syn::BinOp::Add(_) => BinaryOp::Add,
        syn::BinOp::Sub(_) => BinaryOp::Sub,
        syn::BinOp::Mul(_) => BinaryOp::Mul,
        syn::BinOp::Div(_) => BinaryOp::Div,
        syn::BinOp::Rem(_) => BinaryOp::Rem,
        syn::BinOp::BitAnd(_) => BinaryOp::BitAnd,
        syn::BinOp::BitOr(_) => BinaryOp::BitOr,
        syn::BinOp::BitXor(_) => BinaryOp::BitXor,
        syn::BinOp::Shl(_) => BinaryOp::Shl,
        syn::BinOp::Shr(_) => BinaryOp::Shr,
        syn::BinOp::Eq(_) => BinaryOp::Eq,
        syn::BinOp::Ne(_) => BinaryOp::Ne,
        syn::BinOp::Lt(_) => BinaryOp::Lt,
        syn::BinOp::Le(_) => BinaryOp::Le,
        syn::BinOp::Gt(_) => BinaryOp::Gt,
        syn::BinOp::Ge(_) => BinaryOp::Ge,
        syn::BinOp::And(_) => BinaryOp::And,
        syn::BinOp::Or(_) => BinaryOp::Or,
        _ => return None,
    })
}

/// The name of a form outside the subset, and what to write instead.
fn outside(expr: &syn::Expr) -> (&'static str, &'static str) {
    match expr {
        syn::Expr::Async(_) | syn::Expr::Await(_) => {
            ("`async`", "compute the value directly: a job waits for nothing inside a row")
        }
        syn::Expr::Unsafe(_) => ("`unsafe`", "write the computation in safe Rust"),
        syn::Expr::Let(_) => ("`let` as a value", "write it behind `if` or `while`, alone or between `&&`"),
        syn::Expr::Const(_) => ("a `const` block", "write a `const` at the top of the file"),
        syn::Expr::Infer(_) => ("`_` as a value", "write the value"),
        syn::Expr::RawAddr(_) => ("a pointer", "write the value itself"),
        syn::Expr::Yield(_) => ("`yield`", "use `.flat_map(..)` to make several rows of one"),
        syn::Expr::TryBlock(_) => ("a `try` block", "use `match` or `.and_then(..)` on the `Option`"),
        _ => ("this form", "write it with `if`, `match`, `let`, calls and operators"),
    }
}
