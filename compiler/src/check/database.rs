//! Tables of databases: whether their URL, options and columns make sense. What a database really has is asked when the job runs.

use super::operators::Planner;
use crate::diagnostics::database as say;
use sabot_ir::job_graph::StreamOperatorNode;
use sabot_ir::plan::{Connector, Location};
use sabot_ir::span::Span;
use sabot_ir::ty::{Schema, Type};

/// Options and what their values are.
const OPTIONS: [(&str, &str, u64); 4] = [
    ("cache", "a number of rows", 0),
    ("cache_ms", "a length of time", 0),
    ("connections", "a number from 1 to 64", 1),
    ("retry_for", "a length of time", 0),
];

/// More connections no database has to spare.
const MOST_CONNECTIONS: u64 = 64;

impl Planner<'_, '_> {
    /// Reports what cannot be read of a database.
    pub(super) fn check_database(&mut self, op: &StreamOperatorNode, connector: &Connector, schema: &Schema) {
        let Location::Postgres(url) = &connector.location else { return };
        let of = |name: &str| op.parameters.get(name).map(|found| found.span).filter(|span| !span.is_none());
        let (at, options_at) = (of("postgres").unwrap_or(op.span), of("options").unwrap_or(op.span));
        match parts(url) {
            None => self.cx.say(say::not_a_url(at)),
            Some(Parts { has_password: true }) => self.cx.say(say::password_in_url(&op.name)),
            Some(Parts { has_password: false }) => {}
        }
        if connector.options.get("table").is_none_or(|table| table.split('.').any(str::is_empty)) {
            self.cx.say(say::no_table(&op.name, options_at));
        }
        for (option, value) in &connector.options {
            match OPTIONS.iter().find(|(name, ..)| name == option) {
                Some((_, expected, least)) => {
                    let fits =
                        |number: &u64| number >= least && (option != "connections" || *number <= MOST_CONNECTIONS);
                    if !value.parse::<u64>().ok().as_ref().is_some_and(fits) {
                        self.cx.say(say::bad_option(option, value, expected, options_at));
                    }
                }
                None if option == "table" => {}
                None => self.cx.say(say::unknown_option(option, options_at)),
            }
        }
        for field in &schema.fields {
            if !field.within.is_empty() || !is_column(field.ty.value_type()) {
                let place = if field.span == Span::NONE { options_at } else { field.span };
                let ty = if field.within.is_empty() { field.ty.to_string() } else { "a record".to_owned() };
                self.cx.say(say::not_a_column(&field.name, &ty, options_at, place));
            }
        }
    }
}

/// What there is to know of a URL before anybody connects.
struct Parts {
    has_password: bool,
}

fn parts(url: &str) -> Option<Parts> {
    let rest = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://"))?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A password may have any sign in it, also those that part a URL.
    let user = place.rsplit_once('@').or_else(|| rest.rsplit_once('@')).map_or("", |(user, _)| user);
    let in_query = query.split('&').any(|pair| pair.split('=').next().is_some_and(|name| name.ends_with("password")));
    Some(Parts { has_password: user.contains(':') || in_query })
}

/// Whether PostgreSQL has such columns.
fn is_column(ty: &Type) -> bool {
    match ty {
        Type::Bool
        | Type::Int16
        | Type::Int32
        | Type::Int64
        | Type::Float32
        | Type::Float64
        | Type::Decimal(..)
        | Type::String
        | Type::Bytes
        | Type::Date
        | Type::Timestamp(_) => true,
        Type::Int8
        | Type::UInt8
        | Type::UInt16
        | Type::UInt32
        | Type::UInt64
        | Type::Unit
        | Type::Char
        | Type::Duration
        | Type::Option(_)
        | Type::List(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn passwords_are_found_wherever_they_stand() {
        let has = |url: &str| parts(url).map(|parts| parts.has_password);
        assert_eq!(has("postgresql://localhost/shop"), Some(false));
        assert_eq!(has("postgres://me@localhost:5432/shop?sslmode=disable"), Some(false));
        assert_eq!(has("postgresql:///shop?host=/run/postgresql"), Some(false));
        for url in [
            "postgresql://me:secret@localhost/shop",
            "postgresql://me:a/b?c@localhost/shop",
            "postgresql://localhost/shop?password=secret",
            "postgresql://localhost/shop?user=me&password=secret",
        ] {
            assert_eq!(has(url), Some(true), "{url}");
        }
        assert_eq!(has("mysql://localhost/shop"), None);
        assert_eq!(has("host=localhost password=secret"), None);
    }
}
