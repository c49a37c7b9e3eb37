//! `#[sabot::record] struct`s and the names of their fields in files.

use super::Reader;
use super::attribute::Setting;
use crate::diagnostics::{outside, syntax};
use sabot_ir::ast::{Record, RecordField, Shape};

/// What `rename_all` may say.
const CASES: [&str; 8] = [
    "camelCase",
    "PascalCase",
    "snake_case",
    "SCREAMING_SNAKE_CASE",
    "kebab-case",
    "SCREAMING-KEBAB-CASE",
    "lowercase",
    "UPPERCASE",
];

impl Reader<'_> {
    /// A record; nothing if it is no struct with named fields.
    pub(super) fn record(&mut self, item: &syn::ItemStruct) -> Option<Record> {
        let name = self.name(&item.ident);
        if !item.generics.params.is_empty() {
            let at = self.span_of(&item.generics);
            let has_lifetime = item.generics.lifetimes().next().is_some();
            self.diagnostics.push(if has_lifetime {
                outside::kept_reference(at)
            } else {
                syntax::record_shape(at, "has type parameters")
            });
            return None;
        }
        let syn::Fields::Named(named) = &item.fields else {
            self.diagnostics.push(syntax::record_shape(name.span, "has no named fields"));
            return None;
        };
        let rename_all = self.settings(&item.attrs, &["rename_all"]).last().and_then(|setting| self.case(setting));
        let mut fields: Vec<RecordField> = Vec::new();
        for field in &named.named {
            let Some(ident) = &field.ident else { continue };
            let name = self.name(ident);
            let mut wire_name = rename_all.map_or_else(|| name.text.clone(), |case| rename(&name.text, case));
            for setting in self.settings(&field.attrs, &["rename"]) {
                match setting.text() {
                    Some(text) => wire_name = text,
                    None => self.diagnostics.push(syntax::attribute_value(setting.at, "`rename = \"name\"`")),
                }
            }
            if let Some(first) = fields.iter().find(|first| first.name.text == name.text) {
                self.diagnostics.push(syntax::defined_twice(name.span, first.name.span, "field", &name.text));
                continue;
            }
            if let Some(first) = fields.iter().find(|first| first.wire_name == wire_name) {
                self.diagnostics.push(syntax::column_twice(name.span, first.name.span, &wire_name));
            }
            let ty = self.ty(&field.ty);
            fields.push(RecordField { name, wire_name, ty });
        }
        if fields.is_empty() {
            self.diagnostics.push(syntax::record_shape(name.span, "has no fields"));
        }
        let span = self.span_of(item);
        Some(Record { name, fields, shape: Shape::Rows, span })
    }

    fn case(&mut self, setting: &Setting) -> Option<&'static str> {
        let Some(text) = setting.text() else {
            self.diagnostics.push(syntax::attribute_value(setting.at, "`rename_all = \"camelCase\"`"));
            return None;
        };
        let case = CASES.into_iter().find(|case| *case == text);
        if case.is_none() {
            self.diagnostics.push(syntax::unknown_case(setting.at, &text, &CASES));
        }
        case
    }
}

/// The name in files of a field whose name in code is in snake case; as serde does it.
fn rename(field: &str, case: &str) -> String {
    let pascal = || {
        let mut name = String::new();
        let mut upper = true;
        for character in field.chars() {
            match character {
                '_' => upper = true,
                _ if upper => {
                    name.push(character.to_ascii_uppercase());
                    upper = false;
                }
                _ => name.push(character),
            }
        }
        name
    };
    match case {
        "camelCase" => {
            let pascal = pascal();
            let mut characters = pascal.chars();
            match characters.next() {
                Some(first) => first.to_ascii_lowercase().to_string() + characters.as_str(),
                None => pascal,
            }
        }
        "PascalCase" => pascal(),
        "SCREAMING_SNAKE_CASE" | "UPPERCASE" => field.to_ascii_uppercase(),
        "kebab-case" => field.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => field.to_ascii_uppercase().replace('_', "-"),
        "lowercase" => field.to_ascii_lowercase(),
        _ => field.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_files_follow_serde() {
        let names: Vec<String> = CASES.iter().map(|case| rename("instrument_id2", case)).collect();
        assert_eq!(
            names,
            [
                "instrumentId2",
                "InstrumentId2",
                "instrument_id2",
                "INSTRUMENT_ID2",
                "instrument-id2",
                "INSTRUMENT-ID2",
                "instrument_id2",
                "INSTRUMENT_ID2"
            ]
        );
    }
}
