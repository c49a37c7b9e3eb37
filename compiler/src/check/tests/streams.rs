//! Windows, joins in time, and streams that never end: what they become, and what is said about them.

use super::outcome;
use sabot_snapshots::assert_stage;

/// The plan of a pipeline over two streams that never end, or what is said about it.
fn plan(body: &str) -> String {
    let job = format!(
        r#"
use sabot::prelude::*;
#[sabot::record]
struct Trade {{ symbol: String, price: f64, volume: i64, note: Option<String>, at: Timestamp }}
#[sabot::record]
struct News {{ symbol: String, headline: String, at: Timestamp }}
#[sabot::record]
struct Rate {{ symbol: String, rate: f64, since: Timestamp }}
#[sabot::record]
struct Volume {{ symbol: String, start: Timestamp, end: Timestamp, volume: i64 }}
#[sabot::record]
struct Total {{ symbol: String, volume: i64 }}
#[sabot::record]
struct Pair {{ symbol: String, price: f64, headline: String, at: Timestamp }}
#[sabot::record]
struct Bare {{ symbol: String, price: f64 }}
#[sabot::pipeline]
fn job() {{
    let trades = source::<Trade>("trades", kafka("trades")).event_time(|t| t.at, lateness(seconds(5)));
    let news = source::<News>("news", kafka("news")).event_time(|n| n.at, lateness(seconds(1)));
    let timeless = source::<Trade>("timeless", kafka("timeless"));
    let file = source::<Trade>("file", csv("trades.csv")).event_time(|t| t.at, lateness(seconds(5)));
    let rates = table::<Rate>("rates", csv("rates.csv")).primary_key(|r| r.symbol).event_time(|r| r.since, lateness(seconds(0)));
    let plain = table::<Rate>("plain", csv("rates.csv"));
{body}
}}
"#
    );
    let text = outcome(&job);
    let kept = text.lines().filter(|line| !line.contains("E0218") && !line.contains("computed for nothing"));
    kept.filter(|line| !line.contains("or leave it away") && !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

/// Statements of a pipeline, each with what it becomes, in one snapshot.
fn check(name: &str, cases: &[&str]) {
    let shown: String = cases.iter().map(|case| format!("{case}\n\n{}\n", plan(case))).collect();
    assert_stage!("streams", name, shown);
}

#[test]
fn items_happen_when_their_row_did() {
    check(
        "flat_map",
        &[
            r#"trades.flat_map(|t| vec![t.clone(), t]).key_by(|t| t.symbol).window(count(2)).aggregate(|w| Total { symbol: w.key(), volume: w.count() }).sink("o", csv("o.csv"));"#,
            r#"trades.flat_map(|t| t.symbol.split(' ').map(|part| News { symbol: part.to_string(), headline: String::new(), at: t.at }).collect::<Vec<_>>()).key_by(|n| n.symbol).window(tumbling(minutes(1))).aggregate(|w| Total { symbol: w.key(), volume: w.count() }).sink("o", csv("o.csv"));"#,
            r#"trades.flat_map(|t| { let at = t.at; let mut all = Vec::new(); for n in 0..t.volume { if n % 2 == 0 { all.push(News { symbol: t.symbol.clone(), headline: n.to_string(), at }); } } all }).key_by(|n| n.symbol).window(tumbling(minutes(1))).aggregate(|w| Total { symbol: w.key(), volume: w.count() }).sink("o", csv("o.csv"));"#,
            // One of the items has another time.
            r#"trades.flat_map(|t| { let mut all = Vec::new(); for n in 0..t.volume { all.push(News { symbol: t.symbol.clone(), headline: n.to_string(), at: t.at }); } all.push(News { symbol: t.symbol.clone(), headline: String::new(), at: t.at + seconds(1) }); all }).key_by(|n| n.symbol).window(tumbling(minutes(1))).aggregate(|w| Total { symbol: w.key(), volume: w.count() }).sink("o", csv("o.csv"));"#,
            r#"trades.flat_map(|t| { let mut at = t.at; let mut all = Vec::new(); for _ in 0..t.volume { all.push(News { symbol: t.symbol.clone(), headline: String::new(), at }); at = at + seconds(1); } all }).key_by(|n| n.symbol).window(tumbling(minutes(1))).aggregate(|w| Total { symbol: w.key(), volume: w.count() }).sink("o", csv("o.csv"));"#,
            // The end of a window is passed on too.
            r#"trades.key_by(|t| t.symbol).window(tumbling(minutes(1))).aggregate(|w| Volume { symbol: w.key(), start: w.start(), end: w.end(), volume: w.count() }).flat_map(|v| vec![v.clone(), v]).window(tumbling(hours(1))).aggregate(|w| Total { symbol: "all".into(), volume: w.sum(|v| v.volume) }).sink("o", csv("o.csv"));"#,
        ],
    );
}

#[test]
fn tables_that_are_looked_up() {
    check(
        "lookups",
        &[
            r#"trades.lookup_join(plain).on(|t| t.symbol, |r| r.symbol).left().map(|t, r| Bare { symbol: t.symbol, price: r.map(|r| r.rate).unwrap_or(0.0) }).sink("o", csv("o.csv"));"#,
            r#"let daily = table::<Rate>("daily", csv("daily.csv")).refresh_every(hours(1)); trades.lookup_join(daily.filter(|r| r.rate > 0.0)).on(|t| t.symbol, |r| r.symbol).semi().sink("o", csv("o.csv"));"#,
            // Streams that end meet a table once.
            r#"file.lookup_join(plain).on(|t| t.symbol, |r| r.symbol).semi().sink("o", csv("o.csv"));"#,
            r#"let daily = table::<Rate>("daily", csv("daily.csv")).refresh_every(hours(1)); trades.lookup_join(daily.dedup(|r| r.symbol)).on(|t| t.symbol, |r| r.symbol).semi().sink("o", csv("o.csv"));"#,
            r#"let made = table::<Rate>("made", generate().rows(10)).refresh_every(hours(1)); trades.lookup_join(made).on(|t| t.symbol, |r| r.symbol).semi().sink("o", csv("o.csv"));"#,
            r#"let daily = table::<Rate>("daily", csv("daily.csv")).refresh_every(seconds(0)); trades.lookup_join(daily).on(|t| t.symbol, |r| r.symbol).semi().sink("o", csv("o.csv"));"#,
            r#"source::<Trade>("other", csv("t.csv")).refresh_every(seconds(1)).sink("o", csv("o.csv"));"#,
        ],
    );
}

#[test]
fn results_that_change_come_now_and_then() {
    check(
        "emit_every",
        &[
            r#"trades.key_by(|t| t.symbol).aggregate(|g| Total { symbol: g.key(), volume: g.count() }).emit_every(seconds(2)).sink("o", csv("o.csv"));"#,
            r#"trades.key_by(|t| t.symbol).top_n(3, |t| t.volume).emit_every(minutes(1)).filter(|t| t.volume > 1).sink("o", csv("o.csv"));"#,
            r#"file.aggregate(|g| Total { symbol: "all".into(), volume: g.count() }).emit_every(seconds(2)).sink("o", csv("o.csv"));"#,
            r#"trades.key_by(|t| t.symbol).window(tumbling(minutes(1))).aggregate(|w| Volume { symbol: w.key(), start: w.start(), end: w.end(), volume: w.count() }).key_by(|v| v.end).aggregate(|g| Total { symbol: "all".into(), volume: g.count() }).emit_every(seconds(2)).sink("o", csv("o.csv"));"#,
            r#"trades.filter(|t| t.volume > 1).emit_every(seconds(2)).sink("o", csv("o.csv"));"#,
            r#"trades.window(tumbling(minutes(1))).top_n(3, |t| t.volume).emit_every(seconds(2)).sink("o", csv("o.csv"));"#,
        ],
    );
}

#[test]
fn windows() {
    check(
        "windows",
        &[
            r#"trades.key_by(|t| t.symbol.clone()).window(tumbling(minutes(5))).aggregate(|w| Volume { symbol: w.key(), start: w.start(), end: w.end(), volume: w.sum(|t| t.volume) }).late("late", csv("late.csv")).sink("o", csv("o.csv"));"#,
            r#"trades.window(sliding(minutes(5), minutes(1)).offset(seconds(30))).aggregate(|w| Volume { symbol: "all".into(), start: w.start(), end: w.end(), volume: w.count() }).allowed_lateness(minutes(1)).emit_every(seconds(10)).sink("o", csv("o.csv"));"#,
            r#"trades.key_by(|t| (t.symbol.clone(), t.volume)).window(session(seconds(30))).aggregate(|w| Total { symbol: w.key().0, volume: w.key().1 + w.count() }).sink("o", csv("o.csv"));"#,
            r#"trades.key_by(|t| t.symbol).window(cumulate(minutes(1), hours(1))).aggregate(|w| Total { symbol: w.key(), volume: w.count_if(|t| t.price > 1.0) }).sink("o", csv("o.csv"));"#,
            r#"trades.key_by(|t| t.symbol).window(count(100)).aggregate(|w| Total { symbol: w.key(), volume: w.last(|t| t.volume) }).sink("o", csv("o.csv"));"#,
            r#"timeless.window(tumbling(minutes(5)).processing_time()).aggregate(|w| Volume { symbol: "all".into(), start: w.start(), end: w.end(), volume: w.count() }).sink("o", csv("o.csv"));"#,
        ],
    );
}

#[test]
fn windows_of_windows() {
    check(
        "windows_of_windows",
        &[
            r#"let volumes = trades.key_by(|t| t.symbol).window(tumbling(minutes(1))).aggregate(|w| Volume { symbol: w.key(), start: w.start(), end: w.end(), volume: w.sum(|t| t.volume) });
    volumes.filter(|v| v.volume > 10).window(tumbling(hours(1))).aggregate(|w| Volume { symbol: "all".into(), start: w.start(), end: w.end(), volume: w.max(|v| v.volume) }).sink("o", csv("o.csv"));"#,
            r#"let volumes = trades.key_by(|t| t.symbol).window(tumbling(minutes(1))).aggregate(|w| Volume { symbol: w.key(), start: w.start(), end: w.end(), volume: w.sum(|t| t.volume) });
    let most = volumes.key_by(|v| v.end).aggregate(|g| Volume { symbol: "most".into(), start: g.key(), end: g.key(), volume: g.max(|v| v.volume) });
    volumes.hash_join(most).on(|v| (v.end, v.volume), |m| (m.end, m.volume)).map(|v, _m| v).sink("o", csv("o.csv"));"#,
        ],
    );
}

#[test]
fn inside_windows() {
    check(
        "inside_windows",
        &[
            r#"trades.hash_join(news).on(|t| t.symbol, |n| n.symbol).window(tumbling(minutes(10))).map(|t, n| Pair { symbol: t.symbol, price: t.price, headline: n.headline, at: t.at }).sink("o", csv("o.csv"));"#,
            r#"trades.hash_join(news).on(|t| t.symbol, |n| n.symbol).left().window(tumbling(minutes(10)).offset(minutes(3))).map(|t, n| Pair { symbol: t.symbol, price: t.price, headline: n.map(|n| n.headline).unwrap_or_default(), at: t.at }).sink("o", csv("o.csv"));"#,
            r#"news.hash_join(trades).on(|n| n.symbol, |t| t.symbol).window(sliding(minutes(10), minutes(5))).semi().sink("o", csv("o.csv"));"#,
            r#"trades.key_by(|t| t.symbol).window(tumbling(minutes(1))).top_n(3, |t| t.price).sink("o", csv("o.csv"));"#,
            r#"trades.window(cumulate(minutes(1), minutes(5))).dedup(|t| t.symbol).sink("o", csv("o.csv"));"#,
            r#"news.window(tumbling(minutes(1))).distinct().sink("o", csv("o.csv"));"#,
        ],
    );
}

#[test]
fn joins() {
    check(
        "joins",
        &[
            r#"trades.hash_join(news).on(|t| t.symbol, |n| n.symbol).within(minutes(10)).map(|t, n| Pair { symbol: t.symbol, price: t.price, headline: n.headline, at: t.at }).sink("o", csv("o.csv"));"#,
            r#"trades.hash_join(news).on(|t| t.symbol, |n| n.symbol).within(minutes(10)).anti().sink("o", csv("o.csv"));"#,
            r#"trades.asof_join(rates).on(|t| t.symbol, |r| r.symbol).left().tolerance(days(1)).map(|t, r| Bare { symbol: t.symbol, price: t.price * r.map(|r| r.rate).unwrap_or(1.0) }).sink("o", csv("o.csv"));"#,
            r#"trades.asof_join(news).nearest().map(|t, n| Pair { symbol: t.symbol, price: t.price, headline: n.headline, at: t.at }).sink("o", csv("o.csv"));"#,
            r#"trades.hash_join(rates).on(|t| t.symbol, |r| r.symbol).as_of_event_time().map(|t, r| Bare { symbol: t.symbol, price: t.price * r.rate }).sink("o", csv("o.csv"));"#,
            r#"trades.lookup_join(plain).on(|t| t.symbol, |r| r.symbol).map(|t, r| Bare { symbol: t.symbol, price: t.price * r.rate }).sink("o", csv("o.csv"));"#,
            r#"file.hash_join(news).on(|t| t.symbol, |n| n.symbol).map(|t, n| Pair { symbol: t.symbol, price: t.price, headline: n.headline, at: n.at }).window(tumbling(minutes(1))).aggregate(|w| Total { symbol: "x".into(), volume: w.count() }).sink("o", csv("o.csv"));"#,
            r#"trades.hash_join(news).on(|t| t.symbol, |n| n.symbol).map(|t, n| Pair { symbol: t.symbol, price: t.price, headline: n.headline, at: t.at }).sink("o", csv("o.csv"));"#,
        ],
    );
}

#[test]
fn changes() {
    check(
        "changes",
        &[
            r#"trades.key_by(|t| t.symbol).aggregate(|g| Total { symbol: g.key(), volume: g.sum(|t| t.volume) }).filter(|t| t.volume > 10).sink("o", ndjson("o.ndjson"));"#,
            r#"trades.key_by(|t| t.symbol).top_n(3, |t| t.price).map(|t| Bare { symbol: t.symbol, price: t.price }).sink("o", stdout().format(Format::Ndjson));"#,
            r#"trades.key_by(|t| t.symbol).aggregate(|g| Total { symbol: g.key(), volume: g.count() }).aggregate(|g| Total { symbol: "all".into(), volume: g.max(|t| t.volume) }).sink("o", csv("o.csv"));"#,
            r#"let a = trades.aggregate(|g| Total { symbol: "a".into(), volume: g.count() });
    let b = news.map(|n| Total { symbol: n.symbol, volume: 1 });
    a.union(b).sink("o", csv("o.csv"));"#,
            r#"file.key_by(|t| t.symbol).aggregate(|g| Total { symbol: g.key(), volume: g.sum(|t| t.volume) }).sink("o", csv("o.csv"));"#,
        ],
    );
}

#[test]
fn joins_of_changes() {
    let totals = "trades.key_by(|t| t.symbol).aggregate(|g| Total { symbol: g.key(), volume: g.count() })";
    let cases = [
        format!(
            r#"{totals}.hash_join(timeless).on(|t| t.symbol, |n| n.symbol).left().map(|t, n| Bare {{ symbol: t.symbol, price: n.map(|n| n.price).unwrap_or(0.0) }}).sink("o", csv("o.csv"));"#
        ),
        format!(
            r#"{totals}.hash_join(plain).on(|t| t.symbol, |r| r.symbol).map(|t, r| Bare {{ symbol: t.symbol, price: r.rate }}).sink("o", csv("o.csv"));"#
        ),
        format!(
            r#"{totals}.hash_join(plain).on(|t| t.symbol, |r| r.symbol).full().map(|t, r| Total {{ symbol: r.map(|r| r.symbol).unwrap_or(String::new()), volume: t.map(|t| t.volume).unwrap_or(0) }}).sink("o", csv("o.csv"));"#
        ),
        format!(r#"{totals}.hash_join(plain).on(|t| t.symbol, |r| r.symbol).anti().sink("o", csv("o.csv"));"#),
        format!(r#"plain.hash_join({totals}).on(|r| r.symbol, |t| t.symbol).semi().sink("o", csv("o.csv"));"#),
        format!(r#"news.hash_join({totals}).on(|n| n.symbol, |t| t.symbol).anti().sink("o", csv("o.csv"));"#),
        format!(r#"{totals}.lookup_join(news).on(|t| t.symbol, |n| n.symbol).map(|t, _n| t).sink("o", csv("o.csv"));"#),
        format!(
            r#"{totals}.hash_join(plain).on(|t| t.symbol, |r| r.symbol).as_of_event_time().map(|t, _r| t).sink("o", csv("o.csv"));"#
        ),
    ];
    check("joins_of_changes", &cases.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn mistakes_in_time() {
    check(
        "mistakes_in_time",
        &[
            r#"timeless.window(tumbling(minutes(5))).aggregate(|w| Total { symbol: "x".into(), volume: w.count() }).sink("o", csv("o.csv"));"#,
            r#"trades.map(|t| Bare { symbol: t.symbol, price: t.price }).filter(|b| b.price > 1.0).window(tumbling(minutes(5))).aggregate(|w| Total { symbol: "x".into(), volume: w.count() }).sink("o", csv("o.csv"));"#,
            r#"trades.key_by(|t| t.symbol).aggregate(|g| Volume { symbol: g.key(), start: g.min(|t| t.at), end: g.max(|t| t.at), volume: 1 }).window(tumbling(minutes(5))).aggregate(|w| Total { symbol: "x".into(), volume: w.count() }).sink("o", csv("o.csv"));"#,
            r#"file.window(session(minutes(1))).aggregate(|w| Total { symbol: "x".into(), volume: w.count() }).window(tumbling(hours(1))).aggregate(|w| Total { symbol: "x".into(), volume: w.count() }).sink("o", csv("o.csv"));"#,
            r#"trades.hash_join(timeless).on(|a| a.symbol, |b| b.symbol).within(minutes(1)).semi().sink("o", csv("o.csv"));"#,
            r#"trades.asof_join(plain).map(|t, r| Bare { symbol: t.symbol, price: r.rate }).sink("o", csv("o.csv"));"#,
            r#"trades.hash_join(news).on(|t| t.symbol, |n| n.symbol).as_of_event_time().map(|t, _n| t).sink("o", csv("o.csv"));"#,
            r#"trades.hash_join(rates).on(|t| t.symbol, |r| r.symbol).full().as_of_event_time().map(|_t, r| Bare { symbol: "x".into(), price: r.map(|r| r.rate).unwrap_or(1.0) }).sink("o", csv("o.csv"));"#,
        ],
    );
}

#[test]
fn mistakes_in_windows() {
    let window = |window: &str, more: &str| {
        format!(
            r#"trades.window({window}).aggregate(|w| Total {{ symbol: "x".into(), volume: w.count() }}){more}.sink("o", csv("o.csv"));"#
        )
    };
    let cases = [
        window("tumbling(seconds(0))", ""),
        window("sliding(minutes(1), minutes(5))", ""),
        window("sliding(days(365), milliseconds(1))", ""),
        window("cumulate(minutes(7), hours(1))", ""),
        window("tumbling(days(100_000_000))", ""),
        window("session(seconds(0))", ""),
        window("count(0)", ""),
        window("count(10)", ".late(\"late\", csv(\"late.csv\"))"),
        window("tumbling(minutes(1)).processing_time()", ".allowed_lateness(seconds(1))"),
        window("session(minutes(1)).offset(seconds(1))", ""),
        window("tumbling(minutes(1)).every(seconds(1))", ""),
        r#"trades.window(session(minutes(1))).top_n(3, |t| t.price).sink("o", csv("o.csv"));"#.to_owned(),
        r#"trades.key_by(|t| t.symbol).window(tumbling(minutes(1))).dedup(|t| t.volume).sink("o", csv("o.csv"));"#.to_owned(),
        r#"trades.window(tumbling(minutes(1))).sum(|t| t.price).sink("o", csv("o.csv"));"#.to_owned(),
        r#"trades.window(count(5)).aggregate(|w| Volume { symbol: "x".into(), start: w.start(), end: w.end(), volume: w.count() }).sink("o", csv("o.csv"));"#.to_owned(),
        r#"trades.aggregate(|w| Volume { symbol: "x".into(), start: w.start(), end: w.end(), volume: w.count() }).sink("o", csv("o.csv"));"#.to_owned(),
        r#"trades.filter(|t| t.price > 1.0).late("late", csv("late.csv")).sink("o", csv("o.csv"));"#.to_owned(),
    ];
    check("mistakes_in_windows", &cases.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn mistakes_with_endless_streams() {
    check(
        "mistakes_with_endless_streams",
        &[
            r#"trades.order_by(|t| t.price).sink("o", csv("o.csv"));"#,
            r#"trades.hash_join(news).on(|t| t.symbol, |n| n.symbol).left().map(|t, _n| t).sink("o", csv("o.csv"));"#,
            r#"plain.hash_join(trades).on(|r| r.symbol, |t| t.symbol).anti().sink("o", csv("o.csv"));"#,
            r#"trades.hash_join(plain).on(|t| t.symbol, |r| r.symbol).right().map(|_t, r| r).sink("o", csv("o.csv"));"#,
            r#"trades.lookup_join(news).on(|t| t.symbol, |n| n.symbol).map(|t, _n| t).sink("o", csv("o.csv"));"#,
            r#"trades.key_by(|t| t.symbol).aggregate(|g| Total { symbol: g.key(), volume: g.count() }).hash_join(news).on(|t| t.symbol, |n| n.symbol).within(minutes(1)).map(|t, _n| t).sink("o", csv("o.csv"));"#,
            r#"trades.key_by(|t| t.symbol).aggregate(|g| Total { symbol: g.key(), volume: g.count() }).key_by(|t| t.volume).aggregate(|g| Total { symbol: g.last(|t| t.symbol), volume: g.key() }).sink("o", csv("o.csv"));"#,
            r#"trades.key_by(|t| t.symbol).aggregate(|g| Total { symbol: g.key(), volume: g.count() }).dedup(|t| t.volume).sink("o", csv("o.csv"));"#,
            r#"trades.key_by(|t| t.symbol).aggregate(|g| Total { symbol: g.key(), volume: g.count() }).sink("o", kafka("totals").format(Format::Ndjson));"#,
            r#"trades.hash_join(news).on(|t| t.symbol, |n| n.symbol).within(minutes(1)).window(tumbling(minutes(1))).map(|t, _n| t).sink("o", csv("o.csv"));"#,
        ],
    );
}

#[test]
fn generators() {
    let from = |connector: &str| {
        format!(r#"source::<Trade>("made", {connector}).filter(|t| t.price > 0.5).sink("o", csv("o.csv"));"#)
    };
    let cases = [
        from(r#"generate().rows(1_000).rate(100).column("symbol", "choice:A|B").column("note", "name:n:5 ?0.5")"#),
        from("nexmark().bids()"),
        from("nexmark().bids().events(1_000)"),
        from(r#"generate().column("prize", "uniform:0..1")"#),
        from(r#"generate().column("price", "sequence")"#),
        from(r#"generate().column("price", "normal:1")"#),
        from("generate().rate(0)"),
        from("generate().seed(7)"),
        from(r#"generate().column("price")"#),
        r#"source::<Rate>("made", generate().column("rate", "uniform:0..2").column("rate", "uniform:0..3")).sink("o", csv("o.csv"));"#.to_owned(),
    ];
    check("generators", &cases.iter().map(String::as_str).collect::<Vec<_>>());
}
