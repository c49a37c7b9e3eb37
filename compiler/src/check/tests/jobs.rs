//! What pipelines become.

use super::{job_text, outcome};

/// The operators of the plan, a line each, without schemas.
fn plan(body: &str) -> String {
    let text = outcome(&job_text(body));
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("job ") && !line.starts_with("E0218"))
        .filter(|line| !line.contains("computed for nothing") && !line.contains("or leave it away"))
        .filter(|line| !line.is_empty())
        .map(|line| line.split(" -> (").next().unwrap_or(line))
        .collect();
    lines.join("\n")
}

fn check(body: &str, becomes: &str) {
    assert_eq!(plan(body), becomes.trim(), "{body}");
}

#[test]
fn aggregates_of_a_key() {
    check(
        r#"quotes.key_by(|q| q.symbol.clone()).aggregate(|g| Out { k: g.key(), x: g.sum(|q| q.volume) / g.count(), y: g.avg(|q| q.price) + g.sum(|q| q.volume) as f64 }).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv
  project aggregate_1.map: k = symbol, x = sum_volume / count, y = avg_price + sum_volume as f64
    aggregate aggregate_1: sum_volume = sum(volume), count = count(), avg_price = avg(price) by symbol
      source quotes: file "q.csv" csv
"#,
    );
}

#[test]
fn composite_key_and_conditions() {
    check(
        r#"quotes.key_by(|q| (q.symbol, q.volume / n)).aggregate(|g| { let total = g.sum(|q| q.price); let f = n as f64 * 2.0; Out { k: g.key().0, x: g.key().1, y: if total > 0.0 { g.sum_if(|q| q.price * f, |q| q.hot) / total } else { 0.0 } } }).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv
  project aggregate_1.map: k = symbol, x = key_1, y = if sum_price > 0.0 { sum_if / sum_price } else { 0.0 }
    aggregate aggregate_1: sum_price = sum(price), sum_if = sum({ let x0 = n as f64 * 2.0; price * x0 }) if hot by symbol, volume / n
      source quotes: file "q.csv" csv
"#,
    );
}

#[test]
fn whole_rows_of_a_group() {
    check(
        r#"quotes.aggregate(|g| { let last = g.last(|q| q); Out { k: last.symbol, x: g.arg_max(|q| q.price, |q| q.volume), y: g.median(|q| q.bid).unwrap_or(0.0) } }).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv ~1 rows
  project aggregate_1.map: k = last_symbol, x = arg_max_volume, y = median_bid.unwrap_or(0.0)
    aggregate aggregate_1: last_symbol = last(symbol), arg_max_volume = arg_max(price, volume), median_bid = median(bid)
      source quotes: file "q.csv" csv
"#,
    );
}

#[test]
fn left_join_gives_an_option() {
    check(
        r#"quotes.hash_join(securities).on(|q| q.instrument_id, |s| s.id).left().map(|q, s| Pair { price: q.price, name: s.clone().map(|s| s.name).unwrap_or("?".into()), sector: s.clone().and_then(|s| s.sector).unwrap_or_default(), weight: match s { Some(s) => s.weight * 2.0, None => 0.0 } }).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv
  project hash_join_1.map: price, name = name.unwrap_or("?"), sector = sector.unwrap_or(""), weight = if $right { weight.unwrap_or(0.0) * 2.0 } else { 0.0 }
    hash_join hash_join_1: left on instrument_id = id, build right
      source quotes: file "q.csv" csv
      source securities: file "s.csv" csv, primary key id
"#,
    );
}

#[test]
fn full_join_gives_two() {
    check(
        r#"quotes.hash_join(securities).on(|q| q.instrument_id, |s| s.id).full().map(|q, s| { let price = q.map_or(0.0, |q| q.price); match s { Some(s) if s.weight > price => Pair { price, name: s.name, sector: "a".into(), weight: s.weight }, Some(s) => Pair { price, name: s.name, sector: s.sector.unwrap_or("b".into()), weight: 0.0 }, None => Pair { price, name: "".into(), sector: "".into(), weight: 0.0 } } }).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv
  project hash_join_1.map: price = price.unwrap_or(0.0), name = name.unwrap_or(""), sector = if $right && weight.unwrap_or(0.0) > price.unwrap_or(0.0) { "a" } else if $right { sector.unwrap_or("b") } else { "" }, weight = if $right && weight.unwrap_or(0.0) > price.unwrap_or(0.0) { weight.unwrap_or(0.0) } else { 0.0 }
    hash_join hash_join_1: full on instrument_id = id, build right
      source quotes: file "q.csv" csv
      source securities: file "s.csv" csv, primary key id
"#,
    );
}

#[test]
fn semi_join_and_top_n() {
    check(
        r#"quotes.hash_join(securities).on(|q| (q.symbol, q.instrument_id), |s| (s.name, s.id)).semi().filter(|q| q.hot).top_n(3, |q| q.price).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv
  sort top_n_1: by price descending, first 3
    filter filter_1: hot
      hash_join hash_join_1: semi on symbol = name and instrument_id = id, build right
        source quotes: file "q.csv" csv
        source securities: file "s.csv" csv, primary key id
"#,
    );
}

#[test]
fn filter_map_of_an_option() {
    check(
        r#"quotes.filter_map(|q| { let b = q.bid; b.map(|b| Out { k: q.symbol, x: 1, y: b }) }).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv
  project filter_map_1.map: k = symbol, x = 1, y = bid.unwrap_or(0.0)
    filter filter_map_1: bid.is_some()
      source quotes: file "q.csv" csv
"#,
    );
}

#[test]
fn filter_map_with_returns() {
    check(
        r#"quotes.filter_map(|q| { let b = match q.bid { Some(b) => b, None => return None }; if b > q.price { return None; } Some(Out { k: q.symbol, x: q.volume / 3, y: b / 2.0 }) }).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv
  project filter_map_1.map: k = symbol, x = volume / 3, y = match bid { Some(x0) => x0 / 2.0, None => 0.0 }
    filter filter_map_1: match bid { Some(x0) => !(x0 > price), None => false }
      source quotes: file "q.csv" csv
"#,
    );
}

#[test]
fn rows_may_be_tuples() {
    check(
        r#"quotes.map(|q| (q.price, q.volume)).filter(|(p, v)| p > 1.0 && v > 0).map(|t| Out { k: "".into(), x: t.1, y: t.0 }).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv
  project map_2: k = "", x = 1, y = 0
    filter filter_1: 0 > 1.0 && 1 > 0
      project map_1: 0 = price, 1 = volume
        source quotes: file "q.csv" csv
"#,
    );
}

#[test]
fn dedup_sort_limit() {
    check(
        r#"quotes.dedup(|q| (q.symbol, q.lots)).order_by(|q| (q.symbol, q.price)).limit(5).errors("bad", ndjson("bad.ndjson")).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv
  limit limit_1: first 5, on error to bad
    sort order_by_1: by symbol, price
      dedup dedup_1: by symbol, lots
        source quotes: file "q.csv" csv
"#,
    );
}

#[test]
fn rows_that_fail_go_to_a_sink() {
    check(
        r#"quotes.map(|q| Out { k: q.symbol, x: q.volume / n, y: 1.0 }).errors("bad", ndjson("bad.ndjson")).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv
  project map_1: k = symbol, x = volume / n, y = 1.0, on error to bad
    source quotes: file "q.csv" csv
"#,
    );
}

#[test]
fn group_code_around_the_calls() {
    check(
        r#"quotes.key_by(|q| q.symbol).aggregate(|g| Out { k: match g.key().as_str() { "A" => "a".into(), k => k }, x: g.count_distinct(|q| q.venue), y: g.max(|q| q.bid).unwrap_or(f64::NAN) + g.stddev(|q| q.price) }).sink("o", csv("o.csv"));"#,
        r#"
sink o: file "o.csv" csv
  project aggregate_1.map: k = if symbol == "A" { "a" } else { symbol }, x = count_distinct_venue, y = max_bid.unwrap_or(f64::NAN) + stddev_price
    aggregate aggregate_1: count_distinct_venue = count_distinct(venue), max_bid = max(bid), stddev_price = stddev(price) by symbol
      source quotes: file "q.csv" csv
"#,
    );
}

#[test]
fn a_wrong_field_of_a_record_does_not_hide_the_others() {
    let text = outcome(
        "#[sabot::record]\nstruct Row { a: Strin, at: Timestamp }\n#[sabot::pipeline]\nfn job() {\n\
         source::<Row>(\"rows\", csv(\"r.csv\")).event_time(|r| r.at, lateness(seconds(1))).sink(\"o\", csv(\"o.csv\"));\n}",
    );
    assert!(text.starts_with("E0405: there is no type `Strin`"), "{text}");
}
