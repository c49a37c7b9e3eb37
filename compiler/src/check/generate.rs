//! `generate()`: whether the words for its columns make sense. What they mean is in `sabot_library::generate`.

use super::operators::Planner;
use crate::diagnostics::generate as say;
use sabot_ir::job_graph::StreamOperatorNode;
use sabot_ir::plan::{Connector, Location};
use sabot_ir::ty::{Schema, Type};
use sabot_library::generate::{Column, Kind};

/// So the options begin that say what a column holds.
const COLUMN: &str = "column.";

impl Planner<'_, '_> {
    /// Reports what a generator cannot make.
    pub(super) fn check_generator(&mut self, op: &StreamOperatorNode, connector: &Connector, schema: &Schema) {
        if !matches!(&connector.location, Location::Generator(name) if name == "generate") {
            return;
        }
        let span = ["options", "generator"].iter().find_map(|name| op.parameters.get(*name)).map(|found| found.span);
        let span = span.filter(|span| !span.is_none()).unwrap_or(op.span);
        for (option, value) in &connector.options {
            match option.strip_prefix(COLUMN) {
                Some(name) if schema.wire_position(name).is_none() => {
                    let known: Vec<&str> = schema.fields.iter().map(|field| field.wire_name.as_str()).collect();
                    self.cx.say(say::unknown_column(name, &known, span));
                }
                Some(_) => {}
                None if matches!(option.as_str(), "rows" | "rate") => {
                    let least = u64::from(option == "rate");
                    if !value.parse::<u64>().is_ok_and(|number| number >= least) {
                        self.cx.say(say::not_a_number(option, value, span));
                    }
                }
                None => self.cx.say(say::unknown_option(option, span)),
            }
        }
        for field in &schema.fields {
            let words = connector.options.get(&format!("{COLUMN}{}", field.wire_name)).map(String::as_str);
            let Some(kind) = kind_of(field.ty.value_type()).filter(|_| field.within.is_empty()) else {
                let place = if field.span.is_none() { span } else { field.span };
                self.cx.say(say::not_generated(&field.wire_name, &field.ty.to_string(), span, place));
                continue;
            };
            if let Err(wrong) = Column::parse(&field.wire_name, words, kind) {
                self.cx.say(say::wrong_words(&field.wire_name, &wrong, span));
            }
        }
    }
}

/// What can be said of columns of this type.
fn kind_of(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Bool => Some(Kind::Bool),
        Type::Float32 | Type::Float64 => Some(Kind::Float),
        Type::String => Some(Kind::Text),
        Type::Timestamp(_) => Some(Kind::Time),
        Type::Int8
        | Type::Int16
        | Type::Int32
        | Type::Int64
        | Type::UInt8
        | Type::UInt16
        | Type::UInt32
        | Type::UInt64 => {
            let (least, greatest) = super::types::integer_range(&super::types::Ty::of_column(ty))?;
            let most = i128::from(i64::MAX);
            let least = i64::try_from(least).ok()?;
            Some(Kind::Int { least, greatest: i64::try_from(greatest.min(most)).ok()? })
        }
        Type::Unit
        | Type::Char
        | Type::Bytes
        | Type::Decimal(..)
        | Type::Date
        | Type::Duration
        | Type::Option(_)
        | Type::List(_) => None,
    }
}
