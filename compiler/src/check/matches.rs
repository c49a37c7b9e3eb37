//! What a regular expression gives beside yes and no: matches, groups, parts, replacements.
//!
//! The runtime says where all groups stand; everything else is made of that here, in the job language. A match is its text and
//! where it begins and ends; captures are the text and all places, of a type of their own for each pattern, so that names of
//! groups are known when the job is compiled.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::hir::{Hir, HirKind};
use super::infer::Body;
use super::text::{call, string};
use super::types::{FieldTy, RecordId, RecordTy, Ty, TypeShape};
use crate::diagnostics::text as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, ExprKind, Literal, Name};
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;
use sabot_library::Regex;

/// The methods of a pattern that are here.
pub(super) const METHODS: [&str; 8] =
    ["find", "find_iter", "captures", "captures_iter", "split", "splitn", "replace", "replacen"];

/// Those that give items.
const ITEMS: [&str; 4] = ["find_iter", "captures_iter", "split", "splitn"];

const MATCH: &str = "(x[at[i]..at[i + 1]].to_string(), at[i], at[i + 1])";
const GROUP: &str = "n < at.len() / 2 && at[n * 2] != usize::MAX";

/// The captures of every match, each the text and its places.
fn each_captures(width: &str) -> String {
    format!(
        "let mut y = Vec::new(); let mut i = 0usize;
         while i < at.len() {{ y.push((x, at[i..i + {width}].to_vec())); i += {width}; }} y"
    )
}

impl Body<'_, '_> {
    /// Whether an expression gives the matches of a pattern one after the other.
    pub(super) fn gives_matches(&self, receiver: &ast::Expr, name: &Name) -> bool {
        ITEMS.contains(&name.text.as_str()) && self.regex_of(receiver).is_some()
    }

    /// The type of a match.
    fn match_type(&mut self) -> Ty {
        let id = match self.cx.match_record {
            Some(id) => id,
            None => {
                let fields = vec![("$text", Ty::STRING), ("$start", Ty::Usize), ("$end", Ty::Usize)];
                let id = self.library_record("Match", fields, &["Clone", "Copy", "PartialEq", "Eq"]);
                self.cx.match_record = Some(id);
                id
            }
        };
        Ty::Record(id)
    }

    /// The type of what the groups of a pattern match.
    fn captures_type(&mut self, pattern: &str, regex: &Regex) -> Ty {
        if let Some((_, id, _)) = self.cx.captures.iter().find(|(known, ..)| known == pattern) {
            return Ty::Record(*id);
        }
        let fields = vec![("$text", Ty::STRING), ("$at", Ty::List(Box::new(Ty::Usize)))];
        let id = self.library_record("Captures", fields, &[]);
        self.cx.captures.push((pattern.to_owned(), id, regex.names()));
        Ty::Record(id)
    }

    fn library_record(&mut self, name: &str, fields: Vec<(&str, Ty)>, derives: &[&str]) -> RecordId {
        let fields = fields.into_iter().map(|(name, ty)| FieldTy {
            name: name.to_owned(),
            wire_name: name.to_owned(),
            ty,
            span: Span::NONE,
        });
        let derives = derives.iter().map(|name| (*name).to_owned()).collect();
        let shape = TypeShape::Plain(derives, Span::NONE);
        self.cx.add_record(RecordTy { name: name.to_owned(), fields: fields.collect(), shape, span: Span::NONE })
    }

    /// A method of a pattern that says more than yes or no; nothing if it is none of these.
    pub(super) fn regex_matches(
        &mut self,
        pattern: &str,
        literal: Span,
        regex: &Regex,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let method = METHODS.iter().copied().find(|known| *known == name.text);
        let by_closure = matches!(name.text.as_str(), "replace" | "replace_all" | "replacen")
            && args.last().is_some_and(|with| matches!(with.kind, ExprKind::Closure(_)));
        let method = method.or_else(|| by_closure.then_some("replace_all"))?;
        let arity = match method {
            "splitn" | "replace" | "replace_all" => 2,
            "replacen" => 3,
            _ => 1,
        };
        if args.len() != arity {
            return Some(self.wrong_arity(method, arity, args, name.span, span));
        }
        let subject = self.expect(&args[0], &Ty::STRING, Why::Argument { function: method, index: 0 });
        let mut lets = Vec::new();
        let subject = self.named(subject, &Ty::STRING, &mut lets);
        let p = || string(pattern, literal);
        if !by_closure && matches!(method, "replace" | "replacen") {
            let (most, with) = match args {
                [_, most, with] => (self.expect(most, &Ty::Usize, Why::Argument { function: method, index: 1 }), with),
                [_, with] => (super::list::position(1, span), with),
                _ => return None,
            };
            let with = self.expect(with, &Ty::STRING, Why::Argument { function: method, index: arity - 1 });
            let replaced = call(TextFunction::RegexReplacen, vec![subject, p(), with, most], span);
            return Some(Hir::new(HirKind::Block(lets, Some(Box::new(replaced))), Ty::STRING, span));
        }
        let all = !matches!(method, "find" | "captures");
        let at_ty = Ty::List(Box::new(Ty::Usize));
        let all = super::chain::truth(all, span);
        let places = call(TextFunction::RegexPlaces, vec![subject.clone(), p(), all], span);
        let places = Hir { ty: at_ty.clone(), ..places };
        let places = self.named(places, &at_ty, &mut lets);
        let mut values = vec![("x", subject.clone(), Ty::STRING), ("at", places.clone(), at_ty.clone())];
        let width = format!("{}usize", 2 * (regex.groups() + 1));
        let mut functions = Vec::new();
        let (code, ty) = match method {
            "find" => {
                let code = format!("let i = 0usize; if at.is_empty() {{ None }} else {{ Some({MATCH}) }}");
                (code, self.match_type().option())
            }
            "find_iter" => {
                let code = format!(
                    "let mut y = Vec::new(); let mut i = 0usize; while i < at.len() {{ y.push({MATCH}); i += {width}; }} y"
                );
                (code, Ty::List(Box::new(self.match_type())))
            }
            "captures" => (
                "if at.is_empty() { None } else { Some((x, at)) }".to_owned(),
                self.captures_type(pattern, regex).option(),
            ),
            "captures_iter" => (each_captures(&width), Ty::List(Box::new(self.captures_type(pattern, regex)))),
            "split" | "splitn" => {
                let stop = if method == "splitn" { "if y.len() + 1 == n { break; }" } else { "" };
                let (before, behind) = if method == "splitn" { ("if n > 0 {", "}") } else { ("", "") };
                if let [_, most] = args {
                    values.push(("n", self.expect(most, &Ty::Usize, Why::Index), Ty::Usize));
                }
                let code = format!(
                    "let mut y: Vec<String> = Vec::new(); let mut from = 0usize; let mut i = 0usize; {before}
                     while i < at.len() {{ {stop} y.push(x[from..at[i]].to_string()); from = at[i + 1]; i += {width}; }}
                     y.push(x[from..].to_string()); {behind} y"
                );
                (code, Ty::List(Box::new(Ty::STRING)))
            }
            _ => {
                // A closure says what stands in the place of each match.
                let ExprKind::Closure(closure) = &args.last()?.kind else { return None };
                let mut closure = closure.clone();
                closure.params.iter_mut().for_each(|(_, ty)| *ty = None);
                functions.push(("f", closure));
                let most = match (name.text.as_str(), args) {
                    ("replace", _) => super::list::position(1, span),
                    ("replacen", [_, most, _]) => self.expect(most, &Ty::Usize, Why::Index),
                    _ => super::list::position(0, span),
                };
                values.push(("n", most, Ty::Usize));
                let ty = Ty::List(Box::new(self.captures_type(pattern, regex)));
                let of = vec![("x", subject, Ty::STRING), ("at", places, at_ty)];
                let each = self.written(of, &[], &format!("{{ {} }}", each_captures(&width)), span);
                values.push(("all", Hir { ty: ty.clone(), ..each }, ty));
                let code = format!(
                    "let mut out = String::new(); let mut from = 0usize; let mut i = 0usize; let mut done = 0usize;
                     while i < at.len() && (n == 0 || done < n) {{
                         out.push_str(&x[from..at[i]]); out.push_str(&f(&all[done]));
                         from = at[i + 1]; i += {width}; done += 1;
                     }}
                     out.push_str(&x[from..]); out"
                );
                (code, Ty::STRING)
            }
        };
        let made = self.written(values, &functions, &format!("{{ {code} }}"), span);
        // A match is a tuple with a name.
        let made = Hir { ty: ty.clone(), ..made };
        Some(Hir::new(HirKind::Block(lets, Some(Box::new(made))), ty, span))
    }

    /// A method of a match or of captures; nothing if the record is neither, or has no such method.
    pub(super) fn match_method(
        &mut self,
        receiver: &Hir,
        id: RecordId,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let field = |at, ty: Ty| Hir::new(HirKind::Field(Box::new(receiver.clone()), at), ty, span);
        if self.cx.match_record == Some(id) {
            let part = match (name.text.as_str(), args) {
                ("as_str", []) => return Some(field(0, Ty::STRING)),
                ("start", []) => return Some(field(1, Ty::Usize)),
                ("end", []) => return Some(field(2, Ty::Usize)),
                ("len", []) => "b - a",
                ("is_empty", []) => "b == a",
                _ => {
                    let known = ["as_str", "start", "end", "len", "is_empty"];
                    self.cx.say(crate::diagnostics::lists::no_method("Match", &name.text, &known, name.span));
                    return Some(Hir::error(span));
                }
            };
            let values = vec![("a", field(1, Ty::Usize), Ty::Usize), ("b", field(2, Ty::Usize), Ty::Usize)];
            return Some(self.written(values, &[], &format!("{{ {part} }}"), span));
        }
        self.cx.captures.iter().find(|(_, known, _)| *known == id)?;
        match (name.text.as_str(), args) {
            ("get" | "name", [arg]) => {
                let Some(group) = self.group_of(id, arg) else { return Some(Hir::error(span)) };
                let code = format!("{{ let i = n.saturating_mul(2); if {GROUP} {{ Some({MATCH}) }} else {{ None }} }}");
                let found = self.of_captures(receiver, group, &code, span);
                let ty = self.match_type().option();
                Some(Hir { ty, ..found })
            }
            ("len", []) => {
                let zero = super::list::position(0, span);
                Some(self.of_captures(receiver, zero, "{ n + at.len() / 2 }", span))
            }
            _ => {
                let known = ["get", "name", "len"];
                self.cx.say(crate::diagnostics::lists::no_method("Captures", &name.text, &known, name.span));
                Some(Hir::error(span))
            }
        }
    }

    /// `captures[1]`, `captures["year"]`; nothing if the record is no captures.
    pub(super) fn captures_index(&mut self, base: &Hir, id: RecordId, index: &ast::Expr, span: Span) -> Option<Hir> {
        self.cx.captures.iter().find(|(_, known, _)| *known == id)?;
        let Some(group) = self.group_of(id, index) else { return Some(Hir::error(span)) };
        let code = format!(
            "{{ if {GROUP} {{ x[at[n * 2]..at[n * 2 + 1]].to_string() }} else {{ panic!(\"no group at this index\") }} }}"
        );
        Some(self.of_captures(base, group, &code, span))
    }

    fn of_captures(&mut self, captures: &Hir, group: Hir, code: &str, span: Span) -> Hir {
        let at_ty = Ty::List(Box::new(Ty::Usize));
        let field = |at, ty: &Ty| Hir::new(HirKind::Field(Box::new(captures.clone()), at), ty.clone(), span);
        let text = field(0, &Ty::STRING);
        let values = vec![("n", group, Ty::Usize), ("x", text, Ty::STRING), ("at", field(1, &at_ty), at_ty.clone())];
        self.written(values, &[], code, span)
    }

    /// The number of a group, by number or name; nothing after a mistake.
    fn group_of(&mut self, id: RecordId, arg: &ast::Expr) -> Option<Hir> {
        let names = self.cx.captures.iter().find(|(_, known, _)| *known == id).map(|(_, _, names)| names.clone())?;
        let text = match &arg.kind {
            ExprKind::Literal(Literal::String(text)) => text,
            _ => {
                let group = self.expect(arg, &Ty::Usize, Why::Index);
                if let HirKind::Int(number) = group.kind
                    && usize::try_from(number).is_ok_and(|number| number >= names.len())
                {
                    self.cx.say(say::regex_group(number, names.len() - 1, arg.span));
                    return None;
                }
                return Some(group);
            }
        };
        match names.iter().position(|name| name.as_deref() == Some(text)) {
            Some(at) => Some(super::list::position(i128::try_from(at).unwrap_or_default(), arg.span)),
            None => {
                let known: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
                self.cx.say(say::regex_group_name(text, &known, arg.span));
                None
            }
        }
    }
}
