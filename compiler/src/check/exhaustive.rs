//! Whether a `match` has an arm for every value, and whether every arm can be reached.
//!
//! The usefulness check of rows of patterns, column by column: a row is useful if some value matches it and none of the
//! rows above. Integers and ranges are split where any pattern of the column begins or ends.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many patterns and constructors, one is of interest at a time")]

use super::Cx;
use super::hir::{Hir, HirKind, HirPat, PatKind};
use super::types::{Ty, integer_range};
use crate::diagnostics::types as say;

/// Work beyond which a `match` is taken for exhaustive: code that needs more was not written by hand.
const MAX_STEPS: usize = 20_000;

/// Checks every `match` in a typed body.
pub(super) fn check(cx: &mut Cx<'_>, hir: &Hir) {
    hir.for_each_child(&mut |child| check(cx, child));
    let HirKind::Match(value, arms) = &hir.kind else { return };
    let has_error = |pattern: &HirPat| contains_error(pattern);
    if value.ty.is_error() || arms.iter().any(|arm| has_error(&arm.pattern)) {
        return;
    }
    let mut rows: Vec<Vec<&HirPat>> = Vec::with_capacity(arms.len());
    let mut steps = 0;
    for arm in arms {
        let row = vec![&arm.pattern];
        // What the checker itself adds (the second arm of `if let`) stands where the whole `match` stands.
        let is_written = arm.pattern.span != hir.span;
        let is_reached = witness(&rows, &row, std::slice::from_ref(&value.ty), &mut steps).is_some();
        if is_written && !is_reached && steps <= MAX_STEPS {
            cx.say(say::unreachable_arm(arm.pattern.span));
        }
        if arm.guard.is_none() {
            rows.push(row);
        }
    }
    let wild = HirPat::new(PatKind::Wild, value.ty.clone(), hir.span);
    if let Some(missing) = witness(&rows, &[&wild], std::slice::from_ref(&value.ty), &mut steps) {
        let missing = missing.join(", ");
        cx.say(say::not_exhaustive(&missing, value.span));
    }
}

fn contains_error(pattern: &HirPat) -> bool {
    pattern.ty.is_error()
        || match &pattern.kind {
            PatKind::Bind(_, inner) => inner.as_ref().is_some_and(|inner| contains_error(inner)),
            PatKind::Some(inner) => contains_error(inner),
            PatKind::Or(parts) | PatKind::Tuple(parts) => parts.iter().any(contains_error),
            PatKind::Variant(variant) => variant.parts.iter().any(|(_, part)| contains_error(part)),
            PatKind::Wild
            | PatKind::Bool(_)
            | PatKind::Int(..)
            | PatKind::Float(..)
            | PatKind::Str(_)
            | PatKind::Bytes(_)
            | PatKind::None => false,
        }
}

/// What a column is split by.
#[derive(Clone, Debug, PartialEq)]
enum Constructor {
    Bool(bool),
    Some,
    None,
    Tuple,
    /// A variant: its number, its name, the positions of its fields that patterns look at.
    Variant(usize, String, Vec<usize>),
    Int(i128, i128),
    /// One value of a type that has too many: a string or a float range, by its pattern.
    Listed(PatKind2),
    /// Everything that no pattern of the column lists.
    Other,
}

/// A pattern of a type whose values cannot be counted.
#[derive(Clone, Debug, PartialEq)]
enum PatKind2 {
    Float(f64, f64, bool),
    Str(String),
    Bytes(Vec<u8>),
}

/// A value, as text, that `query` matches and no row does; nothing if there is none.
fn witness(rows: &[Vec<&HirPat>], query: &[&HirPat], types: &[Ty], steps: &mut usize) -> Option<Vec<String>> {
    *steps += 1;
    if *steps > MAX_STEPS {
        return None;
    }
    let Some((first, query_rest)) = query.split_first() else {
        return if rows.is_empty() { Some(Vec::new()) } else { None };
    };
    if let PatKind::Or(parts) = &strip(first).kind {
        return parts.iter().find_map(|part| {
            let mut query = vec![part];
            query.extend(query_rest);
            witness(rows, &query, types, steps)
        });
    }
    let rows = &expand_or(rows);
    let (ty, types_rest) = types.split_first()?;
    for constructor in constructors(rows, first, ty) {
        let Some(head) = specialize(first, &constructor) else { continue };
        let fields = field_types(&constructor, ty, rows, first);
        let arity = fields.len();
        let mut query: Vec<&HirPat> = head.unwrap_or_else(|| vec![&WILD; arity]);
        query.extend(query_rest);
        let specialized: Vec<Vec<&HirPat>> = rows
            .iter()
            .filter_map(|row| {
                let mut head = specialize(row[0], &constructor)?.unwrap_or_else(|| vec![&WILD; arity]);
                head.extend(&row[1..]);
                Some(head)
            })
            .collect();
        let mut types = fields;
        types.extend(types_rest.iter().cloned());
        if let Some(mut found) = witness(&specialized, &query, &types, steps) {
            let rest = found.split_off(arity);
            let mut result = vec![show(&constructor, &found, ty)];
            result.extend(rest);
            return Some(result);
        }
    }
    None
}

static WILD: HirPat = HirPat { kind: PatKind::Wild, ty: Ty::Error, span: sabot_ir::span::Span::NONE };

/// The pattern behind `x @`.
fn strip(pattern: &HirPat) -> &HirPat {
    match &pattern.kind {
        PatKind::Bind(_, Some(inner)) => strip(inner),
        PatKind::Bind(_, None) => &WILD,
        PatKind::Wild
        | PatKind::Bool(_)
        | PatKind::Int(..)
        | PatKind::Float(..)
        | PatKind::Str(_)
        | PatKind::Bytes(_)
        | PatKind::Or(_)
        | PatKind::Some(_)
        | PatKind::None
        | PatKind::Variant(_)
        | PatKind::Tuple(_) => pattern,
    }
}

/// Rows whose first pattern is `a | b` become two.
fn expand_or<'a>(rows: &[Vec<&'a HirPat>]) -> Vec<Vec<&'a HirPat>> {
    let mut expanded = Vec::with_capacity(rows.len());
    for row in rows {
        let mut waiting = vec![row[0]];
        while let Some(first) = waiting.pop() {
            if let PatKind::Or(parts) = &strip(first).kind {
                waiting.extend(parts.iter().rev());
            } else {
                let mut row = row.clone();
                row[0] = first;
                expanded.push(row);
            }
        }
    }
    expanded
}

/// The cases that the first column must be split into.
fn constructors(rows: &[Vec<&HirPat>], query: &HirPat, ty: &Ty) -> Vec<Constructor> {
    let column = || rows.iter().map(|row| strip(row[0])).chain([strip(query)]);
    let variants: Vec<&super::hir::VariantPat> = column()
        .filter_map(|pattern| if let PatKind::Variant(variant) = &pattern.kind { Some(&**variant) } else { None })
        .collect();
    if let Some(first) = variants.first() {
        let each = first.of.iter().enumerate().map(|(at, name)| {
            let looked_at = variants.iter().filter(|variant| variant.at == at).flat_map(|variant| &variant.parts);
            let mut positions: Vec<usize> = looked_at.map(|(position, _)| *position).collect();
            positions.sort_unstable();
            positions.dedup();
            Constructor::Variant(at, name.clone(), positions)
        });
        return each.collect();
    }
    if matches!(ty, Ty::Option(_) | Ty::Result(..)) {
        return vec![Constructor::Some, Constructor::None];
    }
    if matches!(ty, Ty::Tuple(_) | Ty::Record(_)) {
        return vec![Constructor::Tuple];
    }
    if *ty == Ty::BOOL {
        return vec![Constructor::Bool(true), Constructor::Bool(false)];
    }
    if let Some((least, greatest)) = integer_range(ty) {
        // Where a piece begins.
        let mut starts = vec![least];
        for pattern in column() {
            if let PatKind::Int(from, to) = pattern.kind {
                starts.push(from);
                if to < greatest {
                    starts.push(to + 1);
                }
            }
        }
        starts.sort_unstable();
        starts.dedup();
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([greatest]);
        return starts.iter().zip(ends).map(|(from, to)| Constructor::Int(*from, to)).collect();
    }
    let mut listed: Vec<Constructor> = Vec::new();
    for pattern in column() {
        let kind = match &pattern.kind {
            PatKind::Float(from, to, inclusive) => PatKind2::Float(*from, *to, *inclusive),
            PatKind::Str(text) => PatKind2::Str(text.clone()),
            PatKind::Bytes(bytes) => PatKind2::Bytes(bytes.clone()),
            PatKind::Wild
            | PatKind::Bind(..)
            | PatKind::Bool(_)
            | PatKind::Int(..)
            | PatKind::Or(_)
            | PatKind::Some(_)
            | PatKind::None
            | PatKind::Variant(_)
            | PatKind::Tuple(_) => continue,
        };
        let constructor = Constructor::Listed(kind);
        if !listed.contains(&constructor) {
            listed.push(constructor);
        }
    }
    listed.push(Constructor::Other);
    listed
}

/// The patterns under a constructor: `None` if the pattern does not match it, `Some(None)` if it matches whatever is there.
fn specialize<'a>(pattern: &'a HirPat, constructor: &Constructor) -> Option<Option<Vec<&'a HirPat>>> {
    let matches = |yes: bool| if yes { Some(None) } else { None };
    match &strip(pattern).kind {
        PatKind::Wild | PatKind::Bind(..) => Some(None),
        PatKind::Bool(value) => matches(*constructor == Constructor::Bool(*value)),
        PatKind::None => matches(*constructor == Constructor::None),
        PatKind::Some(inner) => {
            if *constructor == Constructor::Some {
                Some(Some(vec![&**inner]))
            } else {
                None
            }
        }
        PatKind::Tuple(parts) => Some(Some(parts.iter().collect())),
        PatKind::Variant(variant) => match constructor {
            Constructor::Variant(at, _, positions) if *at == variant.at => {
                let part = |position: &usize| variant.parts.iter().find(|(known, _)| known == position);
                Some(Some(positions.iter().map(|position| part(position).map_or(&WILD, |(_, part)| part)).collect()))
            }
            _ => None,
        },
        PatKind::Int(from, to) => {
            matches(matches!(constructor, Constructor::Int(low, high) if from <= low && high <= to))
        }
        PatKind::Float(from, to, inclusive) => {
            matches(*constructor == Constructor::Listed(PatKind2::Float(*from, *to, *inclusive)))
        }
        PatKind::Str(text) => matches(*constructor == Constructor::Listed(PatKind2::Str(text.clone()))),
        PatKind::Bytes(bytes) => matches(*constructor == Constructor::Listed(PatKind2::Bytes(bytes.clone()))),
        PatKind::Or(_) => None,
    }
}

fn field_types(constructor: &Constructor, ty: &Ty, rows: &[Vec<&HirPat>], query: &HirPat) -> Vec<Ty> {
    match (constructor, ty) {
        // What a record holds, a pattern of it knows; where there is none, nothing asks.
        (Constructor::Tuple, Ty::Record(_)) => {
            let column = rows.iter().map(|row| strip(row[0])).chain([strip(query)]);
            column
                .filter_map(|pattern| if let PatKind::Tuple(parts) = &pattern.kind { Some(parts) } else { None })
                .map(|parts| parts.iter().map(|part| part.ty.clone()).collect())
                .next()
                .unwrap_or_default()
        }
        (Constructor::Some, Ty::Option(inner) | Ty::Result(inner, _)) => vec![(**inner).clone()],
        (Constructor::Tuple, Ty::Tuple(parts)) => parts.clone(),
        (Constructor::Variant(at, _, positions), _) => {
            let column = rows.iter().map(|row| strip(row[0])).chain([strip(query)]);
            let variants = column.filter_map(|pattern| match &pattern.kind {
                PatKind::Variant(variant) if variant.at == *at => Some(variant),
                _ => None,
            });
            let known: Vec<&(usize, HirPat)> = variants.flat_map(|variant| &variant.parts).collect();
            let of = |position: &usize| known.iter().find(|(at, _)| at == position);
            positions.iter().map(|position| of(position).map_or(Ty::Error, |(_, part)| part.ty.clone())).collect()
        }
        (
            Constructor::Bool(_)
            | Constructor::Some
            | Constructor::None
            | Constructor::Tuple
            | Constructor::Int(..)
            | Constructor::Listed(_)
            | Constructor::Other,
            _,
        ) => Vec::new(),
    }
}

fn show(constructor: &Constructor, fields: &[String], ty: &Ty) -> String {
    match constructor {
        Constructor::Bool(value) => value.to_string(),
        Constructor::Some if matches!(ty, Ty::Result(..)) => format!("Ok({})", fields.join(", ")),
        Constructor::None if matches!(ty, Ty::Result(..)) => "Err(_)".to_owned(),
        Constructor::Some => format!("Some({})", fields.join(", ")),
        Constructor::None => "None".to_owned(),
        Constructor::Variant(_, name, _) if fields.is_empty() => name.clone(),
        Constructor::Variant(_, name, _) => format!("{name}({})", fields.join(", ")),
        Constructor::Tuple => format!("({})", fields.join(", ")),
        Constructor::Int(from, to) => match integer_range(ty) {
            Some(range) if range == (*from, *to) => "_".to_owned(),
            _ if from == to && *ty == Ty::CHAR => {
                let c = u32::try_from(*from).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
                format!("{c:?}")
            }
            _ if *ty == Ty::CHAR => "_".to_owned(),
            _ if from == to => from.to_string(),
            Some((least, _)) if *from == least => format!("..={to}"),
            Some((_, greatest)) if *to == greatest => format!("{from}.."),
            _ => format!("{from}..={to}"),
        },
        Constructor::Listed(PatKind2::Str(text)) => format!("{text:?}"),
        Constructor::Listed(PatKind2::Float(..) | PatKind2::Bytes(_)) | Constructor::Other => "_".to_owned(),
    }
}
