//! Tables that are read as a whole.

use super::server::database;
use super::{compiled, folder, job, lines, options};

/// A job that copies a table whose record has these fields.
fn copy(url: &str, table: &str, fields: &str) -> String {
    format!(
        "use sabot::prelude::*;\n#[sabot::record]\nstruct Row {{ {fields} }}\n#[sabot::pipeline]\nfn job() {{\n    \
         table::<Row>(\"rows\", postgres(\"{url}\", \"{table}\")).sink(\"out\", ndjson(\"out.ndjson\"));\n}}\n"
    )
}

#[test]
fn every_type_is_read() {
    let database = database();
    database.sql(
        "CREATE TABLE every (id int8, small int2, four int4, wide int4, single float4, double float8, yes bool, word text, \
         short varchar(9), number numeric(20,4), whole int8, day date, at timestamptz, raw bytea, doc jsonb, mark uuid);
         INSERT INTO every VALUES (1, -2, 3, -4, 1.5, 2.25, true, 'grün \"x\"', 'ab', -123456789.0001, 7, '1969-12-31', \
         '2024-02-29 12:00:00.000001+00', '\\xff00', '{\"a\": 1}', '00112233-4455-6677-8899-aabbccddeeff'), \
         (2, null, null, null, 'NaN', '-Infinity', null, null, null, null, null, null, null, null, null, null)",
    );
    let fields = "id: i64, small: Option<i16>, four: Option<i32>, wide: Option<i64>, single: Option<f64>, double: f64, \
        yes: Option<bool>, word: Option<String>, short: Option<String>, number: Option<Decimal>, whole: Option<Decimal>, \
        day: Option<Date>, at: Option<Timestamp>, doc: Option<String>, mark: Option<String>";
    let job = job(&compiled(&copy(&database.url(), "every", fields)));
    let folder = folder();
    let (_, lines) = lines(&job, &options(1, folder.path())).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(lines.len(), 2);
    let first = r#"{"id":1,"small":-2,"four":3,"wide":-4,"single":1.5,"double":2.25,"yes":true,"word":"grün \"x\"","short":"ab","number":-123456789.0001,"whole":7,"day":"1969-12-31","at":"2024-02-29T12:00:00.000001Z","doc":"{\"a\": 1}","mark":"00112233-4455-6677-8899-aabbccddeeff"}"#;
    assert_eq!(lines[0], first);
    assert!(lines[1].starts_with(r#"{"id":2,"small":null"#), "{}", lines[1]);
}

#[test]
fn tables_take_part_in_hash_joins_and_are_read_in_batches() {
    let database = database();
    database.sql(
        "CREATE SCHEMA sales; CREATE TABLE sales.accounts (id int4 PRIMARY KEY, owner text NOT NULL);
         INSERT INTO sales.accounts SELECT n, 'owner ' || n FROM generate_series(1, 200000) n",
    );
    let text = format!(
        r#"use sabot::prelude::*;
#[sabot::record] struct Account {{ id: i64, owner: String }}
#[sabot::record] struct Payment {{ account: i64 }}
#[sabot::record] struct Out {{ account: i64, owner: String }}
#[sabot::pipeline]
fn job() {{
    let accounts = table::<Account>("accounts", postgres("{}", "sales.accounts"));
    source::<Payment>("payments", generate().rows(1_000).column("account", "uniform:199000..201000"))
        .hash_join(accounts).on(|p| p.account, |a| a.id).map(|p, a| Out {{ account: p.account, owner: a.owner }})
        .sink("out", ndjson("out.ndjson"));
}}"#,
        database.url()
    );
    let job = job(&compiled(&text));
    for workers in [1, 2] {
        let folder = folder();
        let (summary, lines) = lines(&job, &options(workers, folder.path())).unwrap_or_else(|error| panic!("{error}"));
        assert!((400..600).contains(&lines.len()), "about half of the payments have an account: {}", lines.len());
        let is_right = |line: &String| {
            let number = line.split(['{', ':', ',']).nth(2).expect("a number");
            *line == format!(r#"{{"account":{number},"owner":"owner {number}"}}"#)
        };
        assert!(lines.iter().all(is_right));
        let read = summary.operators.iter().find(|operator| operator.name == "accounts").expect("it is listed");
        assert_eq!(read.rows_out, 200_000);
    }
}

#[test]
fn what_does_not_fit_is_said_at_the_start() {
    let database = database();
    database.sql(
        "CREATE TABLE t (id int8, name text, many int8[], n int4); INSERT INTO t VALUES (1, null, '{1}', 1), (null, 'x', '{}', 2);
         CREATE TABLE numbers (x numeric, day date); INSERT INTO numbers VALUES (0.1234567891, 'infinity')",
    );
    let url = database.url();
    for (table, fields, why) in [
        ("t", "id: i32", "column `id` holds `int8`, the record says i32: declare it `i64`"),
        ("t", "naem: String", "no column `naem` (did you mean `name`?)"),
        ("t", "many: String", "column `many` holds `_int8`, the record says String: read a view that casts it"),
        ("t", "id: i64", "row 2: column `id` is null"),
        ("t", "name: String", "row 1: column `name` is null"),
        ("nothing", "id: i64", "relation \"nothing\" does not exist (42P01): name a table"),
        ("numbers", "x: Decimal", "holds a number with 10 digits behind the point"),
        ("numbers", "day: Date", "column `day` holds `infinity`, expected Date"),
    ] {
        let job = job(&compiled(&copy(&url, table, fields)));
        let folder = folder();
        let error = lines(&job, &options(1, folder.path())).expect_err(why).to_string();
        assert!(error.contains(why) && error.contains("postgresql://sabot@/"), "{error}");
    }
    // Not there at all.
    for url in ["postgresql:///shop?host=/nowhere/at/all", "postgresql://127.0.0.1:1/shop"] {
        let job = job(&compiled(&copy(url, "t", "id: i64")));
        let folder = folder();
        let error = lines(&job, &options(1, folder.path())).expect_err("nobody listens").to_string();
        assert!(error.contains("connecting to it failed") && error.contains("is the database running"), "{error}");
    }
}
