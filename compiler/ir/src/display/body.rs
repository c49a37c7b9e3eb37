//! Bodies as text: `total = 0.0; 'l0: loop { if i >= n { break 'l0; } total = total + i; } total`.
//!
//! A variable has its name; where several share it, also its number. The text is for people and for diffs.

use super::expr::{Names, inside};
use crate::body::{Body, Statement, VariableId};
use std::fmt::Write as _;

/// The name of a variable.
pub(super) fn variable(body: Option<&Body>, id: VariableId) -> String {
    let Some((body, found)) = body.and_then(|body| Some((body, body.variables.get(id.0 as usize)?))) else {
        return format!("v{}", id.0);
    };
    let shared = body.variables.iter().filter(|other| other.name == found.name).count() > 1;
    match (found.name.as_str(), shared) {
        ("", _) => format!("v{}", id.0),
        (name, true) => format!("{name}_{}", id.0),
        (name, false) => name.to_owned(),
    }
}

/// Its statements and its result.
pub(super) fn text(body: &Body, names: Names<'_>) -> String {
    let mut out = String::new();
    statements(&mut out, body, &body.block, names);
    out + &inside(&body.result, names, Some(body))
}

fn statements(out: &mut String, body: &Body, list: &[Statement], names: Names<'_>) {
    let text = |expr| inside(expr, names, Some(body));
    for statement in list {
        // Writing to a string does not fail.
        let _ = match statement {
            Statement::Assign(id, value) => write!(out, "{} = {}; ", variable(Some(body), *id), text(value)),
            Statement::Evaluate(value) => write!(out, "{}; ", text(value)),
            Statement::If { condition, then, otherwise } => {
                let _ = write!(out, "if {} {{ ", text(condition));
                branches(out, body, then, otherwise, names);
                Ok(())
            }
            Statement::IfSome { option, variable: id, then, otherwise } => {
                let _ = write!(out, "if let Some({}) = {} {{ ", variable(Some(body), *id), text(option));
                branches(out, body, then, otherwise, names);
                Ok(())
            }
            Statement::Block { label, body: inner } => {
                let _ = write!(out, "'l{}: {{ ", label.0);
                statements(out, body, inner, names);
                out.write_str("} ")
            }
            Statement::Loop { label, body: inner, .. } => {
                let _ = write!(out, "'l{}: loop {{ ", label.0);
                statements(out, body, inner, names);
                out.write_str("} ")
            }
            Statement::Break(label) => write!(out, "break 'l{}; ", label.0),
            Statement::Continue(label) => write!(out, "continue 'l{}; ", label.0),
        };
    }
}

fn branches(out: &mut String, body: &Body, then: &[Statement], otherwise: &[Statement], names: Names<'_>) {
    statements(out, body, then, names);
    if !otherwise.is_empty() {
        out.push_str("} else { ");
        statements(out, body, otherwise, names);
    }
    out.push_str("} ");
}
