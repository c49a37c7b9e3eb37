//! Tables that are asked by key.

use super::server::{Database, database, database_of_its_own};
use super::{compiled, folder, job, lines, options};
use sabot_reference::random::difference;
use sabot_reference::{Inputs, Row, Value};
use sabot_runtime::RunOptions;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What stands in the place of the parts of a job.
struct Parts<'a> {
    /// What the payments are made by.
    payments: &'a str,
    /// Behind the connector.
    options: &'a str,
    /// The table.
    table: &'a str,
    /// Behind the join.
    join: &'a str,
}

const INNER: &str = ".map(|p, a| Out { account: p.account, owner: Some(a.owner), limit: a.limit })";
const LEFT: &str = ".left().map(|p, a| match a { Some(a) => Out { account: p.account, owner: Some(a.owner), limit: a.limit }, \
                    None => Out { account: p.account, owner: None, limit: None } })";

fn text(database: &Database, parts: &Parts<'_>) -> String {
    let Parts { payments, options, table, join } = parts;
    format!(
        r#"use sabot::prelude::*;
#[sabot::record] struct Account {{ id: i64, owner: String, limit: Option<i32> }}
#[sabot::record] struct Payment {{ account: i64 }}
#[sabot::record] struct Out {{ account: i64, owner: Option<String>, limit: Option<i32> }}
#[sabot::pipeline]
fn job() {{
    let accounts = table::<Account>("accounts", postgres("{}", "{table}"){options});
    source::<Payment>("payments", {payments}).lookup_join(accounts).on(|p| p.account, |a| a.id){join}
        .sink("out", ndjson("out.ndjson"));
}}"#,
        database.url()
    )
}

fn accounts(database: &Database, count: u32) {
    database.sql(&format!(
        "CREATE TABLE accounts (id int8 NOT NULL, owner text NOT NULL, \"limit\" int4, secret bytea);
         INSERT INTO accounts SELECT n, 'owner ' || n, nullif(n % 5, 0) FROM generate_series(1, {count}) n;
         CREATE INDEX ON accounts (id)"
    ));
}

/// The number behind a name in a line.
fn number(line: &str, name: &str) -> i64 {
    let value = line.split(&format!("\"{name}\":")).nth(1).expect("it is there");
    value.split([',', '}']).next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn rows_meet_the_rows_of_their_key_in_the_order_of_the_input() {
    let database = database();
    accounts(&database, 1000);
    // Several rows of one key.
    database.sql("INSERT INTO accounts VALUES (7, 'owner 7', 2), (7, 'owner 7', 2)");
    let payments = r#"generate().rows(20_000).column("account", "uniform:0..2000")"#;
    for (join, is_left) in [(INNER, false), (LEFT, true)] {
        let job = job(&compiled(&text(&database, &Parts { payments, options: "", table: "accounts", join })));
        let mut first: Option<Vec<String>> = None;
        for workers in [1, 2] {
            let folder = folder();
            let options = RunOptions { batch_rows: Some(700), ..options(workers, folder.path()) };
            let (_, lines) = lines(&job, &options).unwrap_or_else(|error| panic!("{error}"));
            for line in &lines {
                let account = number(line, "account");
                let is_there = (1..=1000).contains(&account);
                assert!(is_there || is_left, "{line}");
                assert!(line.contains(&format!("\"owner\":\"owner {account}\"")) == is_there, "{line}");
            }
            let of_seven = lines.iter().filter(|line| number(line, "account") == 7).count();
            assert_eq!(of_seven % 3, 0, "each meets three rows");
            assert!(of_seven > 0);
            match &first {
                None => first = Some(lines),
                Some(first) => assert_eq!(*first, lines, "the order is that of the input"),
            }
        }
    }
}

#[test]
fn what_is_there_and_what_is_not() {
    let database = database();
    accounts(&database, 1000);
    let payments = r#"generate().rows(5_000).column("account", "uniform:0..2000")"#;
    let count = |join| {
        let job = job(&compiled(&text(&database, &Parts { payments, options: "", table: "accounts", join })));
        let folder = folder();
        let (_, lines) = lines(&job, &options(2, folder.path())).unwrap_or_else(|error| panic!("{error}"));
        (lines.len(), lines.iter().all(|line| (1..=1000).contains(&number(line, "account"))))
    };
    let ((there, all_there), (missing, _)) = (count(".semi()"), count(".anti()"));
    assert!(all_there && there > 0 && missing > 0);
    assert_eq!(there + missing, 5_000);
}

#[test]
fn keys_of_several_parts_and_nulls() {
    let database = database();
    database.sql(
        "CREATE TABLE rates (\"from\" text, \"to\" varchar(3), day date, rate numeric(12,4) NOT NULL);
         INSERT INTO rates VALUES ('EUR', 'USD', '2024-01-01', 1.1), ('EUR', 'USD', '2024-01-02', 1.2), ('USD', 'EUR', '2024-01-01', 0.9),
         (null, 'USD', '2024-01-01', 5), ('', '', '2024-01-01', 7)",
    );
    let folder = folder();
    let input = folder.path().join("orders.csv");
    let rows = "id,from,to,day\n1,EUR,USD,2024-01-01\n2,EUR,USD,2024-01-02\n3,USD,EUR,2024-01-01\n4,,USD,2024-01-01\n\
        5,EUR,EUR,2024-01-01\n6,EUR,USD,1969-12-31\n7,\"a\0b\",USD,2024-01-01\n";
    std::fs::write(&input, rows).expect("it can be written");
    let text = format!(
        r#"use sabot::prelude::*;
#[sabot::record] struct Rate {{ from: Option<String>, to: Option<String>, day: Date, rate: Decimal }}
#[sabot::record] struct Order {{ id: i64, from: Option<String>, to: Option<String>, day: Date }}
#[sabot::record] struct Out {{ id: i64, rate: Option<Decimal> }}
#[sabot::pipeline]
fn job() {{
    let rates = table::<Rate>("rates", postgres("{}", "rates"));
    source::<Order>("orders", csv("{}")).lookup_join(rates)
        .on(|o| (o.from, o.to, o.day), |r| (r.from, r.to, r.day)).left()
        .map(|o, r| Out {{ id: o.id, rate: r.map(|r| r.rate) }})
        .sink("out", ndjson("out.ndjson"));
}}"#,
        database.url(),
        input.display()
    );
    let job = job(&compiled(&text));
    let (_, lines) = lines(&job, &options(1, folder.path())).unwrap_or_else(|error| panic!("{error}"));
    let expected = ["1.1", "1.2", "0.9", "null", "null", "null", "null"];
    let expected: Vec<String> =
        (1..).zip(expected).map(|(id, rate)| format!("{{\"id\":{id},\"rate\":{rate}}}")).collect();
    assert_eq!(lines, expected);
}

#[test]
fn the_interpreter_agrees() {
    let database = database();
    accounts(&database, 60);
    database.sql("INSERT INTO accounts SELECT id, owner, null FROM accounts WHERE id % 7 = 0");
    let table: Vec<Row> = (1..=60)
        .flat_map(|n: i128| {
            let row = |limit: Value| vec![Value::Int(n), Value::String(format!("owner {n}")), limit];
            let limit = if n % 5 == 0 { Value::Null } else { Value::Int(n % 5) };
            let more = (n % 7 == 0).then(|| row(Value::Null));
            [row(limit)].into_iter().chain(more).collect::<Vec<_>>()
        })
        .collect();
    let folder = folder();
    let input = folder.path().join("payments.csv");
    let keys: Vec<i128> = (0..3000_i128).map(|n| n * 7919 % 101).collect();
    let body: String = keys.iter().map(|key| format!("{key}\n")).collect();
    std::fs::write(&input, format!("account\n{body}")).expect("it can be written");
    let payments = format!("csv(\"{}\")", input.display());
    for (join, filter) in
        [(INNER, ""), (LEFT, ""), (".semi()", ""), (".anti()", ""), (INNER, ".filter(|o| o.account > 30)")]
    {
        let join = format!("{join}{filter}");
        let compiled =
            compiled(&text(&database, &Parts { payments: &payments, options: "", table: "accounts", join: &join }));
        let inputs = Inputs::from([
            ("payments".to_owned(), keys.iter().map(|key| vec![Value::Int(*key)]).collect()),
            ("accounts".to_owned(), table.clone()),
        ]);
        let expected = sabot_reference::run(&compiled.plan, &inputs, &[]).expect("no row fails");
        let (pipelines, _) = sabot_reference::run_pipelines(&compiled.pipelines, &inputs, &[]).expect("no row fails");
        assert_eq!(difference(&expected, &pipelines), None, "{join}");
        let job = job(&compiled);
        for workers in [1, 2] {
            let options = RunOptions { batch_rows: Some(97), ..options(workers, folder.path()) };
            let (_, mut found) = lines(&job, &options).unwrap_or_else(|error| panic!("{error}"));
            let mut wanted: Vec<String> = expected["out"]
                .iter()
                .map(|row| {
                    let names = ["account", "owner", "limit"];
                    let parts: Vec<String> =
                        names.iter().zip(row).map(|(name, value)| format!("\"{name}\":{}", shown(value))).collect();
                    format!("{{{}}}", parts.join(","))
                })
                .collect();
            found.sort();
            wanted.sort();
            assert_eq!(found, wanted, "-p {workers} {join}");
        }
    }
}

fn shown(value: &Value) -> String {
    if let Value::String(text) = value {
        return format!("{text:?}");
    }
    match value.as_int() {
        Some(number) => number.to_string(),
        None if matches!(value, Value::Null) => "null".to_owned(),
        None => format!("{value:?}"),
    }
}

#[test]
fn few_questions_carry_many_keys() {
    let database = database();
    accounts(&database, 100_000);
    let payments = r#"generate().rows(200_000).column("account", "uniform:1..50001")"#;
    let parts = Parts { payments, options: "", table: "accounts", join: INNER };
    let job = job(&compiled(&text(&database, &parts)));
    let folder = folder();
    let started = Instant::now();
    let (summary, lines) = lines(&job, &options(2, folder.path())).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(lines.len(), 200_000);
    let lookup = summary.operators.iter().find_map(|operator| operator.lookup).expect("it is counted");
    assert!(lookup.questions < 200, "{} questions in {:?}", lookup.questions, started.elapsed());
    assert!((48_000..=50_000).contains(&lookup.asked), "each key is asked for once: {}", lookup.asked);
    assert_eq!(lookup.rows, 200_000);
    assert_eq!(lookup.unmatched, 0);
}

#[test]
fn a_row_that_changes_is_seen_when_the_answer_is_old() {
    let database = database();
    accounts(&database, 3);
    let payments = r#"generate().column("account", "uniform:1..5").rate(2_000)"#;
    for (options_of, is_believed) in [(".cache(1_000, milliseconds(50))", false), (".cache(1_000, hours(1))", true)] {
        let parts = Parts { payments, options: options_of, table: "accounts", join: LEFT };
        let job = job(&compiled(&text(&database, &parts)));
        database.sql("UPDATE accounts SET owner = 'first'; DELETE FROM accounts WHERE id > 3");
        let folder = folder();
        let stop = Arc::new(AtomicBool::new(false));
        let options = RunOptions { stop: Some(Arc::clone(&stop)), ..options(2, folder.path()) };
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(1500));
                database.sql("UPDATE accounts SET owner = 'second'; INSERT INTO accounts VALUES (4, 'second', 4)");
                std::thread::sleep(Duration::from_millis(1500));
                stop.store(true, Ordering::Relaxed);
            });
            lines(&job, &options)
        });
        let (summary, lines) = result.unwrap_or_else(|error| panic!("{error}"));
        let has = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
        assert!(has("\"first\"") > 100, "{}", lines.len());
        assert_eq!(has("\"second\"") > 100, !is_believed);
        assert_eq!(
            has("{\"account\":4,\"owner\":\"second\"") > 0,
            !is_believed,
            "that there is no row is forgotten, too"
        );
        let of_four = lines.iter().filter(|line| number(line, "account") == 4);
        let owners: Vec<bool> = of_four.map(|line| line.contains("second")).collect();
        assert!(owners.is_sorted(), "rows of a key keep their order");
        let lookup = summary.operators.iter().find_map(|operator| operator.lookup).expect("it is counted");
        assert_eq!(lookup.again > 0, !is_believed);
    }
}

#[test]
fn a_small_cache_asks_again_and_gives_the_same() {
    let database = database();
    accounts(&database, 500);
    let payments = r#"generate().rows(30_000).column("account", "uniform:0..600")"#;
    for options_of in [".cache(10, hours(1))", ".cache(0, seconds(0))", ".connections(1)"] {
        let parts = Parts { payments, options: options_of, table: "accounts", join: LEFT };
        let job = job(&compiled(&text(&database, &parts)));
        let folder = folder();
        let options = RunOptions { batch_rows: Some(500), ..options(2, folder.path()) };
        let (_, lines) = lines(&job, &options).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(lines.len(), 30_000);
        let is_right = |line: &String| {
            let account = number(line, "account");
            line.contains(&format!("\"owner {account}\"")) == (1..=500).contains(&account)
        };
        assert!(lines.iter().all(is_right));
    }
}

#[test]
fn a_database_that_goes_and_comes_back_loses_and_doubles_nothing() {
    let database = database_of_its_own();
    database.sql(
        "CREATE TABLE base (id int8, owner text NOT NULL, \"limit\" int4); CREATE INDEX ON base (id);
         INSERT INTO base SELECT n, 'owner ' || n, 1 FROM generate_series(0, 20000) n; CREATE VIEW accounts AS SELECT * FROM base",
    );
    let payments = r#"generate().rows(20_000).column("account", "sequence").rate(5_000)"#;
    let parts = Parts { payments, options: ".cache(100, seconds(0))", table: "accounts", join: INNER };
    let job = job(&compiled(&text(&database, &parts)));
    let folder = folder();
    let options = options(2, folder.path());
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..2 {
                std::thread::sleep(Duration::from_millis(900));
                database.server.down();
                std::thread::sleep(Duration::from_millis(400));
                database.server.up();
            }
        });
        lines(&job, &options)
    });
    let (summary, lines) = result.unwrap_or_else(|error| panic!("{error}"));
    let accounts: Vec<i64> = lines.iter().map(|line| number(line, "account")).collect();
    assert_eq!(accounts, (0..20_000).collect::<Vec<i64>>(), "each once, in order");
    let lookup = summary.operators.iter().find_map(|operator| operator.lookup).expect("it is counted");
    assert!(lookup.retried > 0, "it was gone while it was asked");
}

#[test]
fn a_database_that_stays_away_fails_the_job() {
    let database = database_of_its_own();
    accounts(&database, 10);
    let payments = r#"generate().column("account", "sequence").rate(1_000)"#;
    let parts = Parts { payments, options: ".retry_for(milliseconds(500))", table: "accounts", join: INNER };
    let job = job(&compiled(&text(&database, &parts)));
    let folder = folder();
    let options = options(2, folder.path());
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            database.server.down();
        });
        lines(&job, &options).expect_err("it is gone").to_string()
    });
    assert!(error.contains("table `accounts`") && error.contains("asking it failed, and again for 500ms"), "{error}");
    // Not there when the job starts.
    let error = lines(&job, &options).expect_err("it is not there").to_string();
    assert!(error.contains("connecting to it failed"), "{error}");
}

#[test]
fn a_slow_database_slows_the_stream_and_nothing_else() {
    let database = database();
    database.sql(
        "CREATE TABLE base (id int8 PRIMARY KEY); INSERT INTO base SELECT generate_series(0, 1000000);
         CREATE VIEW accounts AS WITH s AS MATERIALIZED (SELECT pg_sleep(0.2)::text AS z)
         SELECT id, 'x' || id AS owner, 1 AS \"limit\" FROM base, s",
    );
    let text = format!(
        r#"use sabot::prelude::*;
#[sabot::record] struct Account {{ id: i64, owner: String, limit: Option<i32> }}
#[sabot::record] struct Payment {{ account: i64, note: String }}
#[sabot::record] struct Tick {{ n: i64 }}
#[sabot::record] struct Out {{ account: i64, owner: String, note: String }}
#[sabot::pipeline]
fn job() {{
    let accounts = table::<Account>("accounts", postgres("{}", "accounts"));
    let ticks = source::<Tick>("ticks", generate().rows(1_000_000).column("n", "sequence"));
    let slow = source::<Payment>("payments", generate().column("account", "sequence").column("note", "name:note:100"))
        .lookup_join(accounts).on(|p| p.account, |a| a.id)
        .map(|p, a| Out {{ account: p.account, owner: a.owner, note: p.note }});
    slow.union(ticks.filter(|t| t.n % 1000 == 0).map(|t| Out {{ account: -t.n, owner: "tick", note: "none" }}))
        .sink("out", ndjson("out.ndjson"));
}}"#,
        database.url()
    )
    .replace("\"tick\"", "String::from(\"tick\")")
    .replace("\"none\"", "String::from(\"none\")");
    let job = job(&compiled(&text));
    let folder = folder();
    let stop = Arc::new(AtomicBool::new(false));
    let options = RunOptions { stop: Some(Arc::clone(&stop)), batch_rows: Some(2_000), ..options(2, folder.path()) };
    let started = Instant::now();
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_secs(2));
            stop.store(true, Ordering::Relaxed);
        });
        lines(&job, &options)
    });
    // What was read is still answered; or nobody waits for that so long.
    let (summary, lines) = result.unwrap_or_else(|error| panic!("{error}"));
    let ticks = lines.iter().filter(|line| line.contains("tick")).count();
    assert_eq!(ticks, 1000, "the other stream went on");
    let paid: Vec<i64> = lines.iter().map(|line| number(line, "account")).filter(|account| *account > 0).collect();
    assert!(paid.is_sorted() && !paid.is_empty());
    let (rows, bytes, time) = (paid.len(), summary.peak_table_bytes, started.elapsed());
    // As fast as it can the source would make a gigabyte in this time.
    assert!(bytes < 160 << 20 && rows < 500_000, "{rows} rows in {time:?}, {bytes} bytes");
}

#[test]
fn what_cannot_be_asked_is_said_at_the_start() {
    let database = database();
    database.sql(
        "CREATE TABLE accounts (id int8, owner text, \"limit\" int4); INSERT INTO accounts VALUES (1, null, 1), (2, 'x', 2);
         CREATE TABLE wide (id numeric, owner text, \"limit\" int4)",
    );
    let payments = r#"generate().rows(10).column("account", "sequence")"#;
    for (table, why) in [
        ("accounts", "the column `owner` of the row with `id` 1 is null"),
        ("wide", "column `owner`"),
        ("nothing", "does not exist (42P01)"),
    ] {
        let why = if table == "wide" { "holds `numeric`, the record says i64" } else { why };
        let job = job(&compiled(&text(&database, &Parts { payments, options: "", table, join: INNER })));
        let folder = folder();
        let error = lines(&job, &options(2, folder.path())).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
    // An artifact does not take a file for what it asks by key.
    let job = job(&compiled(&text(&database, &Parts { payments, options: "", table: "accounts", join: INNER })));
    let folder = folder();
    let mut options = options(1, folder.path());
    options.inputs.insert("accounts".to_owned(), "accounts.csv".to_owned());
    let error = lines(&job, &options).expect_err("it is asked by key").to_string();
    assert!(error.contains("sabotc run JOB --input accounts=accounts.csv"), "{error}");
}

#[test]
fn barriers_stand_behind_the_rows_that_wait() {
    let database = database();
    accounts(&database, 1000);
    let payments = r#"generate().rows(50_000).column("account", "uniform:1..1000").rate(50_000)"#;
    let parts = Parts { payments, options: ".cache(100, milliseconds(5))", table: "accounts", join: INNER };
    let job = job(&compiled(&text(&database, &parts)));
    for workers in [1, 2] {
        let folder = folder();
        let options = RunOptions { barrier_every: Some(Duration::from_millis(5)), ..options(workers, folder.path()) };
        let (summary, lines) = lines(&job, &options).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(lines.len(), 50_000);
        assert!(summary.barriers > 10, "{} barriers", summary.barriers);
    }
}
