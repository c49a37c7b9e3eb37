//! What is said about tables of databases: E0539 of passwords, E0540 of anything else.

use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// A password in a URL. No label: the line would be shown, and the password with it.
pub(crate) fn password_in_url(source: &str) -> Diagnostic {
    Diagnostic::error("E0539", format!("the URL of `{source}` has a password in it"))
        .note("whoever reads the job, its artifact or a log would read the password".to_owned())
        .help(
            "leave it away, `postgresql://user@host/database`, and set `PGPASSWORD` where the job runs, or write it into `~/.pgpass`",
        )
}

/// Not a URL of a database.
pub(crate) fn not_a_url(at: Span) -> Diagnostic {
    Diagnostic::error("E0540", "this is not the URL of a PostgreSQL database")
        .label(at, "does not begin with `postgresql://`")
        .help("write `postgresql://host:port/database`, or `postgresql:///database?host=/run/postgresql` for a socket")
}

/// A table without a name.
pub(crate) fn no_table(source: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0540", format!("`{source}` does not say which table of the database it reads"))
        .label(at, "no table")
        .help("write `postgres(\"postgresql://localhost/shop\", \"accounts\")`, with a schema `\"sales.accounts\"`")
}

/// An option that databases do not have.
pub(crate) fn unknown_option(option: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0540", format!("`postgres(..)` has no `{option}`"))
        .label(at, "unknown")
        .help("it has `.cache(rows, minutes(1))`, `.connections(4)` and `.retry_for(seconds(30))`")
}

/// An option whose value makes no sense.
pub(crate) fn bad_option(option: &str, value: &str, expected: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0540", format!("`{option}` of a database is {expected}, not `{value}`")).label(at, "said here")
}

/// A column of a type that no database has.
pub(crate) fn not_a_column(name: &str, ty: &str, at: Span, declared: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0540", format!("PostgreSQL has no columns of type `{ty}`"));
    let diagnostic = diagnostic.label(declared, format!("`{name}` is one"));
    let diagnostic = if declared == at { diagnostic } else { diagnostic.label(at, "read here") };
    diagnostic.help(
        "it has `bool`, `i16`, `i32`, `i64`, `f32`, `f64`, `Decimal`, `String`, `Vec<u8>`, `Date` and `Timestamp`, and `Option`s of them; make the others with `map`",
    )
}

/// An operator between a table of a database and where it is looked up.
pub(crate) fn between(at: Span, operator: &str, between: Span) -> Diagnostic {
    Diagnostic::error("E0540", "a database is asked by key directly")
        .label(at, "looks it up")
        .label(between, format!("this `{operator}` stands between"))
        .help("do it behind the join, or in a view of the database; `.hash_join(..)` reads all of the table instead")
}

/// A join that needs all rows of what is asked by key.
pub(crate) fn kind(at: Span, kind: &str) -> Diagnostic {
    Diagnostic::error("E0540", format!("a `{kind}` join needs all rows of the table, and this one is asked by key"))
        .label(at, "rows without a match are never seen")
        .help("leave it away, write `.left()`, or read all of the table: `.hash_join(..)`")
}

/// A clause of time at a lookup.
pub(crate) fn clause(at: Span, source: &str) -> Diagnostic {
    Diagnostic::error("E0540", format!("`{source}` is asked for its rows of the moment"))
        .label(at, "says something of time")
        .help("leave it away, or read all of the table: `.hash_join(..)`")
}

/// A lookup by rows that may be taken back.
pub(crate) fn changes(at: Span, source: &str) -> Diagnostic {
    Diagnostic::error("E0540", "rows that may be taken back cannot be looked up in a database")
        .label(at, format!("`{source}` may answer something else by then"))
        .help("look them up before what changes them, or read all of the table: `.hash_join(..)`")
}

/// A key of a database that is no column.
pub(crate) fn computed_key(at: Span) -> Diagnostic {
    Diagnostic::error("E0540", "a database is asked by columns as they are")
        .label(at, "computed")
        .help("name the column, and compute the other side of the key; or make a view of the database with the column")
}
