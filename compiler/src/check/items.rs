//! Iterator chains over strings: `for c in s.chars()`, `s.split(',').filter(|p| ..).count()`. They become loops here: there
//! are no iterators when the job runs, so a chain stands whole where its items are used.

use super::hir::{BindingId, Hir, HirArm, HirKind, HirPat, HirStatement, LoopId, PatKind, Place};
use super::infer::Body;
use super::option::bind_params;
use super::text::{call, position, string};
use super::types::Ty;
use crate::diagnostics::text as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, BinaryOp, ExprKind, Name, Pattern, TypeName};
use sabot_ir::expr::{Function, UnaryOp};
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;

/// The methods of strings that give items, and how many arguments they take.
const SOURCES: [(&str, usize); 6] =
    [("chars", 0), ("bytes", 0), ("char_indices", 0), ("split", 1), ("split_whitespace", 0), ("lines", 0)];

/// What stands between the source and the end of a chain.
const STEPS: [(&str, usize); 11] = [
    ("rev", 0),
    ("enumerate", 0),
    ("filter", 1),
    ("map", 1),
    ("filter_map", 1),
    ("take", 1),
    ("skip", 1),
    ("take_while", 1),
    ("copied", 0),
    ("cloned", 0),
    ("into_iter", 0),
];

/// What a chain ends with.
const ENDS: [(&str, usize); 16] = [
    ("count", 0),
    ("any", 1),
    ("all", 1),
    ("next", 0),
    ("next_back", 0),
    ("last", 0),
    ("nth", 1),
    ("position", 1),
    ("find", 1),
    ("find_map", 1),
    ("fold", 2),
    ("sum", 0),
    ("product", 0),
    ("min", 0),
    ("max", 0),
    ("collect", 0),
];

/// A chain as it is written.
pub(super) struct Chain<'e> {
    base: &'e ast::Expr,
    source: &'e Name,
    pattern: Option<&'e ast::Expr>,
    steps: Vec<(&'e Name, Option<&'e ast::Expr>)>,
}

fn takes(list: &[(&str, usize)], name: &Name, args: &[ast::Expr]) -> bool {
    list.iter().any(|(known, arity)| *known == name.text && *arity == args.len())
}

/// The chain that an expression is.
pub(super) fn chain_of(expr: &ast::Expr) -> Option<Chain<'_>> {
    let ExprKind::Method(base, name, types, args) = &expr.kind else { return None };
    if !types.is_empty() {
        return None;
    }
    if takes(&SOURCES, name, args) {
        return Some(Chain { base, source: name, pattern: args.first(), steps: Vec::new() });
    }
    // `s.as_bytes().iter()` is `s.bytes()`.
    if let ("iter", ExprKind::Method(text, bytes, _, none)) = (name.text.as_str(), &base.kind)
        && bytes.text == "as_bytes"
        && none.is_empty()
        && args.is_empty()
    {
        return Some(Chain { base: text, source: bytes, pattern: None, steps: Vec::new() });
    }
    if !takes(&STEPS, name, args) {
        return None;
    }
    let mut chain = chain_of(base)?;
    chain.steps.push((name, args.first()));
    Some(chain)
}

/// A loop over a chain's items, while it is made.
pub(super) struct Going {
    /// What stands before the loop.
    pub(super) lets: Vec<HirStatement>,
    /// What a pass begins with.
    pass: Vec<HirStatement>,
    id: LoopId,
    /// What is gone over, in the pass.
    pub(super) item: Hir,
    span: Span,
}

impl Going {
    /// `break`
    pub(super) fn leave(&self) -> Hir {
        Hir::new(HirKind::Break(self.id, None), Ty::Never, self.span)
    }

    fn local(&self, id: BindingId, ty: &Ty) -> Hir {
        Hir::new(HirKind::Local(id), ty.clone(), self.span)
    }

    fn set(&self, binding: BindingId, value: Hir) -> HirStatement {
        let place = Place { binding, fields: Vec::new() };
        HirStatement::Expr(Hir::new(HirKind::Assign(place, Box::new(value)), Ty::unit(), self.span))
    }

    /// `if condition { then }`
    pub(super) fn when(&self, condition: Hir, then: Vec<HirStatement>) -> HirStatement {
        let then = Hir::new(HirKind::Block(then, None), Ty::unit(), self.span);
        HirStatement::Expr(Hir::new(HirKind::If(Box::new(condition), Box::new(then), None), Ty::unit(), self.span))
    }

    fn stop_when(&self, condition: Hir) -> HirStatement {
        let leave = HirStatement::Expr(self.leave());
        self.when(condition, vec![leave])
    }

    fn wrapping(&self, function: Function, a: Hir, b: Hir) -> Hir {
        Hir::new(HirKind::Call(function, vec![a, b]), Ty::Usize, self.span)
    }

    /// `{ lets; loop { pass; body }; tail }`
    pub(super) fn close(mut self, body: Vec<HirStatement>, tail: Option<Hir>) -> Hir {
        self.pass.extend(body);
        let pass = Hir::new(HirKind::Block(self.pass, None), Ty::unit(), self.span);
        self.lets.push(HirStatement::Expr(Hir::new(HirKind::Loop(self.id, Box::new(pass)), Ty::unit(), self.span)));
        let ty = tail.as_ref().map_or_else(Ty::unit, |tail| tail.ty.clone());
        Hir::new(HirKind::Block(self.lets, tail.map(Box::new)), ty, self.span)
    }
}

fn compare(op: BinaryOp, a: Hir, b: Hir, span: Span) -> Hir {
    Hir::new(HirKind::Binary(op, Box::new(a), Box::new(b)), Ty::BOOL, span)
}

/// `!x`
pub(super) fn not(x: Hir) -> Hir {
    let span = x.span;
    Hir::new(HirKind::Unary(UnaryOp::Not, Box::new(x)), Ty::BOOL, span)
}

fn len(text: &Hir, span: Span) -> Hir {
    Hir::new(HirKind::Call(Function::Len, vec![text.clone()]), Ty::Usize, span)
}

fn some(value: Hir) -> Hir {
    let (ty, span) = (value.ty.clone().option(), value.span);
    Hir::new(HirKind::Some(Box::new(value)), ty, span)
}

impl Body<'_, '_> {
    fn let_(&mut self, going: &mut Vec<HirStatement>, value: Hir) -> (BindingId, Hir) {
        let (ty, span) = (value.ty.clone(), value.span);
        let id = self.new_binding(ty.clone());
        going.push(HirStatement::Let(HirPat::new(PatKind::Bind(id, None), ty.clone(), span), value));
        (id, Hir::new(HirKind::Local(id), ty, span))
    }

    /// `for pattern in chain { body }`, with the loop that stands around the body.
    pub(super) fn for_items(
        &mut self,
        chain: &Chain<'_>,
        pattern: &Pattern,
        id: LoopId,
        body: &ast::Expr,
        span: Span,
    ) -> Hir {
        let Some(mut going) = self.begin(chain, id, span) else {
            let mark = self.enter();
            self.pattern(pattern, &Ty::Error);
            self.expr(body, None);
            self.leave(mark);
            return Hir::error(span);
        };
        let mark = self.enter();
        let item = self.pattern(pattern, &going.item.ty);
        self.must_match_all(&item, "`for`");
        let body = self.expect(body, &Ty::unit(), Why::LoopBody);
        self.leave(mark);
        let value = going.item.clone();
        going.pass.push(HirStatement::Let(item, value));
        going.close(vec![HirStatement::Expr(body)], None)
    }

    /// A source and its steps: what stands before the loop, and how a pass begins.
    fn begin(&mut self, chain: &Chain<'_>, id: LoopId, span: Span) -> Option<Going> {
        let text = self.expr(chain.base, None);
        let ty = self.table.resolve(&text.ty);
        if ty != Ty::STRING {
            if !ty.is_error() {
                let shown = self.show(&ty);
                self.cx.say(say::items_of(&chain.source.text, &shown, chain.source.span));
            }
            return None;
        }
        let mut lets = Vec::new();
        let (_, text) = self.let_(&mut lets, text);
        let nothing = position(0, span);
        let mut going = Going { lets, pass: Vec::new(), id, item: nothing, span };
        let reversed = chain.steps.first().is_some_and(|(step, _)| step.text == "rev");
        let word = chain.source.text.as_str();
        if reversed && !matches!(word, "chars" | "bytes" | "as_bytes") {
            self.cx.say(say::no_way_back(word, chain.steps[0].0.span));
            return None;
        }
        match word {
            "chars" if reversed => {
                self.chars_back(&mut going, &text);
            }
            "chars" | "char_indices" => self.chars(&mut going, &text, word == "char_indices"),
            "bytes" | "as_bytes" => self.bytes(&mut going, &text, reversed),
            "split" => {
                let pattern = self.text_pattern(chain.pattern?, "split")?;
                self.split(&mut going, &text, pattern);
            }
            "lines" => self.lines(&mut going, &text),
            _ => self.words(&mut going, &text),
        }
        for (step, arg) in &chain.steps[usize::from(reversed)..] {
            self.step(&mut going, step, *arg)?;
        }
        Some(going)
    }

    /// A loop over the characters of a string and where they begin, from the end if `backwards`.
    pub(super) fn begin_places(&mut self, text: Hir, backwards: bool, span: Span) -> Going {
        let mut lets = Vec::new();
        let (_, text) = self.let_(&mut lets, text);
        let id = self.fresh_loop();
        let mut going = Going { lets, pass: Vec::new(), id, item: position(0, span), span };
        if backwards {
            let at = self.chars_back(&mut going, &text);
            let ty = Ty::Tuple(vec![Ty::Usize, Ty::CHAR]);
            going.item = Hir::new(HirKind::Tuple(vec![at, going.item]), ty, span);
        } else {
            self.chars(&mut going, &text, true);
        }
        going
    }

    fn chars(&mut self, going: &mut Going, text: &Hir, with_places: bool) {
        let span = going.span;
        let (at, read) = self.let_(&mut going.lets, position(0, span));
        going.pass.push(going.stop_when(compare(BinaryOp::Ge, read.clone(), len(text, span), span)));
        let (_, c) = self.let_(&mut going.pass, call(TextFunction::CharAt, vec![text.clone(), read.clone()], span));
        let item = if with_places {
            let (_, place) = self.let_(&mut going.pass, read.clone());
            let ty = Ty::Tuple(vec![Ty::Usize, Ty::CHAR]);
            Hir::new(HirKind::Tuple(vec![place, c.clone()]), ty, span)
        } else {
            c.clone()
        };
        let width = call(TextFunction::CharLen, vec![c], span);
        going.pass.push(going.set(at, going.wrapping(Function::WrappingAdd, read, width)));
        going.item = item;
    }

    /// Gives also what the place of the character is read by.
    fn chars_back(&mut self, going: &mut Going, text: &Hir) -> Hir {
        let span = going.span;
        let (at, read) = self.let_(&mut going.lets, len(text, span));
        going.pass.push(going.stop_when(compare(BinaryOp::Eq, read.clone(), position(0, span), span)));
        let (_, c) = self.let_(&mut going.pass, call(TextFunction::CharBefore, vec![text.clone(), read.clone()], span));
        let width = call(TextFunction::CharLen, vec![c.clone()], span);
        going.pass.push(going.set(at, going.wrapping(Function::WrappingSub, read.clone(), width)));
        going.item = c;
        read
    }

    fn bytes(&mut self, going: &mut Going, text: &Hir, reversed: bool) {
        let span = going.span;
        let (_, bytes) = self.let_(&mut going.lets, call(TextFunction::AsBytes, vec![text.clone()], span));
        let first = if reversed { len(text, span) } else { position(0, span) };
        let (at, read) = self.let_(&mut going.lets, first);
        let one = || position(1, span);
        if reversed {
            going.pass.push(going.stop_when(compare(BinaryOp::Eq, read.clone(), position(0, span), span)));
            going.pass.push(going.set(at, going.wrapping(Function::WrappingSub, read.clone(), one())));
        } else {
            going.pass.push(going.stop_when(compare(BinaryOp::Ge, read.clone(), len(text, span), span)));
        }
        let (_, byte) = self.let_(&mut going.pass, call(TextFunction::ByteAt, vec![bytes, read.clone()], span));
        if !reversed {
            going.pass.push(going.set(at, going.wrapping(Function::WrappingAdd, read, one())));
        }
        going.item = byte;
    }

    /// Parts between matches; the last one may be empty. An empty pattern stands before every character and at the end.
    fn split(&mut self, going: &mut Going, text: &Hir, pattern: Hir) {
        let span = going.span;
        let may_be_empty = !matches!(&pattern.kind, HirKind::Str(text) if !text.is_empty());
        let (_, pattern) = self.let_(&mut going.lets, pattern);
        let (at, read) = self.let_(&mut going.lets, position(0, span));
        let (from, search) = self.let_(&mut going.lets, position(0, span));
        let (done, is_done) = self.let_(&mut going.lets, Hir::new(HirKind::Bool(false), Ty::BOOL, span));
        going.pass.push(going.stop_when(is_done));
        let found = call(TextFunction::FindFrom, vec![text.clone(), pattern.clone(), search], span);
        let (_, found) = self.let_(&mut going.pass, found);
        let (_, start) = self.let_(&mut going.pass, read);
        let end = Function::UnwrapOr;
        let end = Hir::new(HirKind::Call(end, vec![found.clone(), len(text, span)]), Ty::Usize, span);
        let (_, end) = self.let_(&mut going.pass, end);
        let (_, part) =
            self.let_(&mut going.pass, call(TextFunction::Slice, vec![text.clone(), start, end.clone()], span));
        let behind = going.wrapping(Function::WrappingAdd, end.clone(), len(&pattern, span));
        let mut next = vec![going.set(at, behind.clone()), going.set(from, behind.clone())];
        if may_be_empty {
            // The next match of nothing stands behind the next character, or there is none.
            let rest = call(TextFunction::Get, vec![text.clone(), end.clone(), len(text, span)], span);
            let rest = Hir::new(HirKind::Call(Function::UnwrapOr, vec![rest, string("", span)]), Ty::STRING, span);
            let c = call(TextFunction::NthChar, vec![rest, position(0, span)], span);
            let zero = Hir::new(HirKind::Int(0), Ty::CHAR, span);
            let c = Hir::new(HirKind::Call(Function::UnwrapOr, vec![c, zero]), Ty::CHAR, span);
            let step = going.wrapping(Function::WrappingAdd, end, call(TextFunction::CharLen, vec![c], span));
            let is_nothing = compare(BinaryOp::Eq, len(&pattern, span), position(0, span), span);
            next.push(going.when(is_nothing, vec![going.set(from, step)]));
        }
        let last = vec![going.set(done, Hir::new(HirKind::Bool(true), Ty::BOOL, span))];
        let wild = HirPat::new(PatKind::Wild, Ty::Usize, span);
        let is_found = HirPat::new(PatKind::Some(Box::new(wild)), found.ty.clone(), span);
        let rest = HirPat::new(PatKind::Wild, found.ty.clone(), span);
        let block = |statements| Hir::new(HirKind::Block(statements, None), Ty::unit(), span);
        let arms = vec![
            HirArm { pattern: is_found, guard: None, body: block(next) },
            HirArm { pattern: rest, guard: None, body: block(last) },
        ];
        going.pass.push(HirStatement::Expr(Hir::new(HirKind::Match(Box::new(found), arms), Ty::unit(), span)));
        going.item = part;
    }

    /// Parts before `\n` or `\r\n`; nothing behind the last one if it ends with it.
    fn lines(&mut self, going: &mut Going, text: &Hir) {
        let span = going.span;
        let (at, read) = self.let_(&mut going.lets, position(0, span));
        going.pass.push(going.stop_when(compare(BinaryOp::Ge, read.clone(), len(text, span), span)));
        let found = call(TextFunction::FindFrom, vec![text.clone(), string("\n", span), read.clone()], span);
        let (_, found) = self.let_(&mut going.pass, found);
        let end = Hir::new(HirKind::Call(Function::UnwrapOr, vec![found.clone(), len(text, span)]), Ty::Usize, span);
        let (_, end) = self.let_(&mut going.pass, end);
        let (_, whole) =
            self.let_(&mut going.pass, call(TextFunction::Slice, vec![text.clone(), read, end.clone()], span));
        going.pass.push(going.set(at, going.wrapping(Function::WrappingAdd, end.clone(), position(1, span))));
        let shorter = call(TextFunction::StripSuffix, vec![whole.clone(), string("\r", span)], span);
        let shorter = Hir::new(HirKind::Call(Function::UnwrapOr, vec![shorter, whole.clone()]), Ty::STRING, span);
        // A `\r` before the end of the text ends no line.
        let is_end = compare(BinaryOp::Eq, end, len(text, span), span);
        let line = HirKind::If(Box::new(is_end), Box::new(whole), Some(Box::new(shorter)));
        let (_, line) = self.let_(&mut going.pass, Hir::new(line, Ty::STRING, span));
        going.item = line;
    }

    fn words(&mut self, going: &mut Going, text: &Hir) {
        let span = going.span;
        let skip = |from: Hir| call(TextFunction::SkipWhitespace, vec![text.clone(), from], span);
        let (at, read) = self.let_(&mut going.lets, skip(position(0, span)));
        going.pass.push(going.stop_when(compare(BinaryOp::Ge, read.clone(), len(text, span), span)));
        let end = call(TextFunction::FindWhitespace, vec![text.clone(), read.clone()], span);
        let (_, end) = self.let_(&mut going.pass, end);
        let (_, word) =
            self.let_(&mut going.pass, call(TextFunction::Slice, vec![text.clone(), read, end.clone()], span));
        going.pass.push(going.set(at, skip(end)));
        going.item = word;
    }

    /// The value of a closure that is called with the item.
    pub(super) fn applied_to(
        &mut self,
        arg: &ast::Expr,
        values: Vec<Hir>,
        result: Option<&Ty>,
        method: &str,
    ) -> Option<Hir> {
        let types: Vec<Ty> = values.iter().map(|value| value.ty.clone()).collect();
        let closure = self.callback(arg, &types, result, method)?;
        Some(bind_params(closure, values, arg.span))
    }

    fn step(&mut self, going: &mut Going, step: &Name, arg: Option<&ast::Expr>) -> Option<()> {
        let (span, name) = (going.span, step.text.as_str());
        let next_pass = Hir::new(HirKind::Continue(going.id), Ty::Never, span);
        match (name, arg) {
            ("filter" | "take_while", Some(predicate)) => {
                let (_, item) = self.let_(&mut going.pass, going.item.clone());
                let holds = self.applied_to(predicate, vec![item.clone()], Some(&Ty::BOOL), name)?;
                let otherwise = if name == "filter" { next_pass } else { going.leave() };
                going.pass.push(going.when(not(holds), vec![HirStatement::Expr(otherwise)]));
                going.item = item;
            }
            ("map", Some(function)) => {
                let value = self.applied_to(function, vec![going.item.clone()], None, name)?;
                let (_, item) = self.let_(&mut going.pass, value);
                going.item = item;
            }
            ("filter_map", Some(function)) => {
                let inner = self.table.fresh(super::unify::Kind::Any);
                let value = self.applied_to(function, vec![going.item.clone()], Some(&inner.clone().option()), name)?;
                let inner = self.table.deep(&inner);
                let id = self.new_binding(inner.clone());
                let bind = HirPat::new(PatKind::Bind(id, None), inner.clone(), span);
                let there = HirPat::new(PatKind::Some(Box::new(bind)), inner.clone().option(), span);
                going.pass.push(HirStatement::LetElse(there, value, next_pass));
                going.item = going.local(id, &inner);
            }
            ("enumerate", _) => {
                let (count, read) = self.let_(&mut going.lets, position(0, span));
                let (_, number) = self.let_(&mut going.pass, read.clone());
                going.pass.push(going.set(count, going.wrapping(Function::WrappingAdd, read, position(1, span))));
                let ty = Ty::Tuple(vec![Ty::Usize, going.item.ty.clone()]);
                going.item = Hir::new(HirKind::Tuple(vec![number, going.item.clone()]), ty, span);
            }
            ("take" | "skip", Some(count)) => {
                let count = self.expect(count, &Ty::Usize, Why::Argument { function: name, index: 0 });
                let (left, read) = self.let_(&mut going.lets, count);
                let one = position(1, span);
                let less = going.set(left, going.wrapping(Function::WrappingSub, read.clone(), one));
                let is_zero = compare(BinaryOp::Eq, read.clone(), position(0, span), span);
                if name == "take" {
                    // Before the next item is looked for, as `take` does.
                    going.pass.insert(0, going.stop_when(is_zero));
                    going.pass.push(less);
                } else {
                    going.pass.push(going.when(not(is_zero), vec![less, HirStatement::Expr(next_pass)]));
                }
            }
            ("rev", _) => {
                self.cx.say(say::no_way_back("this chain", step.span));
                return None;
            }
            _ => {}
        }
        Some(())
    }

    /// `chain.name(args)`; nothing if the receiver is no chain. A chain without an end is reported.
    pub(super) fn chain_method(
        &mut self,
        receiver: &ast::Expr,
        name: &Name,
        types: &[TypeName],
        args: &[ast::Expr],
        hint: Option<&Ty>,
        span: Span,
    ) -> Option<Hir> {
        let Some(chain) = chain_of(receiver) else {
            let is_source = takes(&SOURCES, name, args) && name.text != "split";
            if is_source {
                self.cx.say(say::items_alone(&name.text, name.span));
                return Some(Hir::error(span));
            }
            return None;
        };
        if !takes(&ENDS, name, args) {
            let known: Vec<&str> = ENDS.iter().chain(&STEPS).map(|(name, _)| *name).collect();
            if takes(&STEPS, name, args) {
                self.cx.say(say::items_alone(&name.text, name.span));
            } else {
                self.cx.say(say::unknown_step(&name.text, &known, name.span));
            }
            return Some(Hir::error(span));
        }
        // What has a function of its own.
        let is_plain_chars = chain.source.text == "chars" && chain.steps.is_empty();
        let direct = match name.text.as_str() {
            "count" if is_plain_chars => Some(TextFunction::CharCount),
            "last" | "next_back" if is_plain_chars => Some(TextFunction::LastChar),
            _ => None,
        };
        if let Some(function) = direct {
            let text = self.expr(chain.base, None);
            let text = self.coerce(text, &Ty::STRING, Why::Argument { function: "chars", index: 0 }, Some(chain.base));
            return Some(call(function, vec![text], span));
        }
        let id = self.fresh_loop();
        let Some(going) = self.begin(&chain, id, span) else { return Some(Hir::error(span)) };
        Some(self.end(going, name, types, args, hint).unwrap_or_else(|| Hir::error(span)))
    }

    fn end(
        &mut self,
        mut going: Going,
        name: &Name,
        types: &[TypeName],
        args: &[ast::Expr],
        hint: Option<&Ty>,
    ) -> Option<Hir> {
        let (span, item) = (going.span, going.item.clone());
        let ty = self.table.deep(&item.ty);
        let truth = |value| Hir::new(HirKind::Bool(value), Ty::BOOL, span);
        let none = |ty: &Ty| Hir::new(HirKind::None, ty.clone().option(), span);
        match (name.text.as_str(), args) {
            ("count", _) => {
                let (count, read) = self.let_(&mut going.lets, position(0, span));
                let more = going.set(count, going.wrapping(Function::WrappingAdd, read.clone(), position(1, span)));
                Some(going.close(vec![more], Some(read)))
            }
            ("any" | "all", [predicate]) => {
                let is_any = name.text == "any";
                let holds = self.applied_to(predicate, vec![item], Some(&Ty::BOOL), &name.text)?;
                let (result, read) = self.let_(&mut going.lets, truth(!is_any));
                let decided = if is_any { holds } else { not(holds) };
                let leave = HirStatement::Expr(going.leave());
                let stop = going.when(decided, vec![going.set(result, truth(is_any)), leave]);
                Some(going.close(vec![stop], Some(read)))
            }
            ("next" | "last", _) => {
                let (result, read) = self.let_(&mut going.lets, none(&ty));
                let mut body = vec![going.set(result, some(item))];
                if name.text == "next" {
                    body.push(HirStatement::Expr(going.leave()));
                }
                Some(going.close(body, Some(read)))
            }
            ("next_back", _) => {
                self.cx.say(say::no_way_back("this chain", name.span));
                None
            }
            ("nth", [count]) => {
                let count = self.expect(count, &Ty::Usize, Why::Argument { function: "nth", index: 0 });
                let (left, still) = self.let_(&mut going.lets, count);
                let (result, read) = self.let_(&mut going.lets, none(&ty));
                let is_it = compare(BinaryOp::Eq, still.clone(), position(0, span), span);
                let leave = HirStatement::Expr(going.leave());
                let found = going.when(is_it, vec![going.set(result, some(item)), leave]);
                let less = going.set(left, going.wrapping(Function::WrappingSub, still, position(1, span)));
                Some(going.close(vec![found, less], Some(read)))
            }
            ("position", [predicate]) => {
                let holds = self.applied_to(predicate, vec![item], Some(&Ty::BOOL), "position")?;
                let (count, number) = self.let_(&mut going.lets, position(0, span));
                let (result, read) = self.let_(&mut going.lets, none(&Ty::Usize));
                let leave = HirStatement::Expr(going.leave());
                let found = going.when(holds, vec![going.set(result, some(number.clone())), leave]);
                let more = going.set(count, going.wrapping(Function::WrappingAdd, number, position(1, span)));
                Some(going.close(vec![found, more], Some(read)))
            }
            ("find", [predicate]) => {
                let (_, item) = self.let_(&mut going.pass, item);
                let holds = self.applied_to(predicate, vec![item.clone()], Some(&Ty::BOOL), "find")?;
                let (result, read) = self.let_(&mut going.lets, none(&ty));
                let leave = HirStatement::Expr(going.leave());
                let found = going.when(holds, vec![going.set(result, some(item)), leave]);
                Some(going.close(vec![found], Some(read)))
            }
            ("find_map", [function]) => {
                let inner = self.table.fresh(super::unify::Kind::Any);
                let value = self.applied_to(function, vec![item], Some(&inner.clone().option()), "find_map")?;
                let inner = self.table.deep(&inner);
                let (result, read) = self.let_(&mut going.lets, none(&inner));
                let set = going.set(result, value);
                let wild = HirPat::new(PatKind::Wild, inner.clone(), span);
                let there = HirPat::new(PatKind::Some(Box::new(wild)), read.ty.clone(), span);
                let rest = HirPat::new(PatKind::Wild, read.ty.clone(), span);
                let on = Hir::new(HirKind::Block(Vec::new(), None), Ty::unit(), span);
                let arms = vec![
                    HirArm { pattern: there, guard: None, body: going.leave() },
                    HirArm { pattern: rest, guard: None, body: on },
                ];
                let stop = Hir::new(HirKind::Match(Box::new(read.clone()), arms), Ty::unit(), span);
                Some(going.close(vec![set, HirStatement::Expr(stop)], Some(read)))
            }
            ("fold", [init, function]) => {
                let init = self.expr(init, hint);
                let (result, read) = self.let_(&mut going.lets, init);
                let ty = read.ty.clone();
                let value = self.applied_to(function, vec![read.clone(), item], Some(&ty), "fold")?;
                let set = going.set(result, value);
                Some(going.close(vec![set], Some(read)))
            }
            ("sum" | "product", _) => {
                if !ty.is_number() {
                    let shown = self.show(&ty);
                    self.cx.say(say::no_sum(&name.text, &shown, name.span));
                    return None;
                }
                let is_sum = name.text == "sum";
                let first = match (ty.is_float(), is_sum) {
                    // As std: so that a sum of nothing but `-0.0` is that.
                    (true, true) => HirKind::Float(-0.0),
                    (true, false) => HirKind::Float(1.0),
                    (false, is_sum) => HirKind::Int(i128::from(!is_sum)),
                };
                let (result, read) = self.let_(&mut going.lets, Hir::new(first, ty.clone(), span));
                let op = if is_sum { BinaryOp::Add } else { BinaryOp::Mul };
                let value = Hir::new(HirKind::Binary(op, Box::new(read.clone()), Box::new(item)), ty, span);
                let set = going.set(result, value);
                Some(going.close(vec![set], Some(read)))
            }
            ("min" | "max", _) => {
                if ty.is_float() || ty.column_type().is_none_or(|ty| ty.is_option()) {
                    let shown = self.show(&ty);
                    self.cx.say(say::no_sum(&name.text, &shown, name.span));
                    return None;
                }
                let function = if name.text == "min" { Function::Min } else { Function::Max };
                let (result, read) = self.let_(&mut going.lets, none(&ty));
                let (_, item) = self.let_(&mut going.pass, item);
                let so_far =
                    Hir::new(HirKind::Call(Function::UnwrapOr, vec![read.clone(), item.clone()]), ty.clone(), span);
                let best = Hir::new(HirKind::Call(function, vec![so_far, item]), ty, span);
                let set = going.set(result, some(best));
                Some(going.close(vec![set], Some(read)))
            }
            _ => self.collect(going, types, hint, name.span),
        }
    }

    /// `collect::<String>()` of characters or strings.
    fn collect(&mut self, mut going: Going, types: &[TypeName], hint: Option<&Ty>, at: Span) -> Option<Hir> {
        let (span, item) = (going.span, going.item.clone());
        let wanted = match (types, hint.map(|hint| self.table.deep(hint))) {
            ([to], _) => self.cx.resolve_type(to),
            (_, Some(hint)) => hint,
            (_, None) => Ty::STRING,
        };
        let ty = self.table.deep(&item.ty);
        if wanted.is_error() || ty.is_error() {
            return None;
        }
        if wanted != Ty::STRING || (ty != Ty::CHAR && ty != Ty::STRING) {
            let (shown, of) = (self.show(&wanted), self.show(&ty));
            self.cx.say(say::not_collected(&shown, &of, at));
            return None;
        }
        let (result, read) = self.let_(&mut going.lets, string("", span));
        let value = if ty == Ty::CHAR {
            let args = vec![read.clone(), item, string("", span)];
            Hir::new(HirKind::Call(Function::Append, args), Ty::STRING, span)
        } else {
            call(TextFunction::Concat, vec![read.clone(), item], span)
        };
        let set = going.set(result, value);
        Some(going.close(vec![set], Some(read)))
    }
}
