//! What expressions become.

use super::{computed, value};

/// A type, code of that type over the row `q` and the parameter `n`, and the expression it becomes.
fn check(cases: &[(&str, &str, &str)]) {
    for (ty, code, becomes) in cases {
        assert_eq!(value(ty, code), *becomes, "{code}");
    }
}

#[test]
fn literals_and_operators() {
    check(&[
        ("i32", "1 + 2 * 3", "1i32 + 2i32 * 3i32"),
        ("f64", "q.price * 2.0 - -1.5", "price * 2.0 - -1.5"),
        ("i64", "-9223372036854775808", "-9223372036854775808"),
        ("i64", "i64::MIN + n", "-9223372036854775808 + n"),
        ("u8", "(300 + 1) as u8", "(300i32 + 1i32) as u8"),
        ("f64", "3 as f64", "3i32 as f64"),
        ("f64", "std::f64::consts::PI", "3.141592653589793"),
        ("f64", "f64::NAN.max(q.price)", "f64::NAN.max(price)"),
        ("f32", "q.price as f32 * 0.1", "price as f32 * 0.10000000149011612f32"),
        ("i64", "q.volume << 3 | 1", "volume << 3i32 | 1"),
        ("bool", "!(q.hot && q.price > 1.0) || q.volume == 0", "!(hot && price > 1.0) || volume == 0"),
        (
            "i64",
            "if q.hot { q.volume } else if n > 3 { 1 } else { 0 }",
            "if hot { volume } else if n > 3 { 1 } else { 0 }",
        ),
        ("i64", "{ let _ = q.volume / n; 5 }", "{ let x0 = volume / n; 5 }"),
        (
            "bool",
            r#"q.symbol.starts_with("A") && q.symbol.len() > 3"#,
            r#"symbol.starts_with("A") && symbol.len() > 3u64"#,
        ),
        ("u64", "q.symbol.len() as u64", "symbol.len()"),
        ("u32", "q.volume.count_ones() + q.lots.pow(2)", "volume.count_ones() + lots.pow(2u32)"),
        ("u64", "q.volume.abs_diff(3)", "volume.abs_diff(3)"),
        ("f64", "f64::from(q.lots) + i64::from(q.lots) as f64", "lots as f64 + lots as i64 as f64"),
        ("i64", "q.lots.into()", "lots as i64"),
        (
            "f64",
            "q.price.powi(2).mul_add(2.0, 1.0).clamp(0.0, 9.0)",
            "price.powi(2i32).mul_add(2.0, 1.0).clamp(0.0, 9.0)",
        ),
        ("i64", "q.volume % n", "volume % n"),
        ("bool", "(10..n).contains(&q.volume)", "volume >= 10 && volume < n"),
        ("bool", "(..=2.5).contains(&q.price)", "price <= 2.5"),
    ]);
}

#[test]
fn options() {
    check(&[
        ("f64", "q.bid.unwrap_or(0.0)", "bid.unwrap_or(0.0)"),
        (
            "f64",
            "q.bid.map(|b| b * 2.0).unwrap_or(q.price)",
            "(match bid { Some(x0) => Some(x0 * 2.0), None => None }).unwrap_or(price)",
        ),
        (
            "Option<f64>",
            "q.bid.map(|b| b + 1.0).filter(|b| *b > 3.0)",
            "{ let x1 = match bid { Some(x0) => Some(x0 + 1.0), None => None }; if x1.is_some() && x1.unwrap_or(0.0) > 3.0 { Some(x1.unwrap_or(0.0)) } else { None } }",
        ),
        (
            "Option<f64>",
            "q.bid.and_then(|b| if b > 0.0 { Some(b.sqrt()) } else { None })",
            "match bid { Some(x0) => if x0 > 0.0 { Some(x0.sqrt()) } else { None }, None => None }",
        ),
        ("f64", "q.bid.map_or(1.0, |b| b.abs())", "match bid { Some(x0) => x0.abs(), None => 1.0 }"),
        ("bool", "q.bid.is_none() && q.venue.is_some()", "!bid.is_some() && venue.is_some()"),
        ("i64", "q.volume.checked_mul(n).unwrap_or(-1)", "volume.checked_mul(n).unwrap_or(-1)"),
        ("Option<i64>", "Some(q.volume).filter(|v| *v > 0)", "if volume > 0 { Some(volume) } else { None }"),
        ("bool", "q.bid == Some(3.0)", "bid == Some(3.0)"),
        ("Option<f64>", "q.hot.then(|| q.price)", "if hot { Some(price) } else { None }"),
        ("Option<f64>", "None", "None"),
        (
            "Option<String>",
            "q.venue.or(Some(q.symbol.clone()))",
            "match venue { Some(x0) => Some(x0), None => Some(symbol) }",
        ),
        ("String", "q.venue.unwrap_or_default()", r#"venue.unwrap_or("")"#),
        ("bool", r#"q.venue.as_deref() == Some("X")"#, r#"venue == Some("X")"#),
        (
            "bool",
            r#"q.venue.is_some_and(|v| v.starts_with("N"))"#,
            r#"match venue { Some(x0) => x0.starts_with("N"), None => false }"#,
        ),
        ("Option<String>", "q.venue.map(Some).unwrap_or(None)", "if venue.is_some() { venue } else { None }"),
    ]);
}

#[test]
fn matches() {
    check(&[
        (
            "String",
            r#"match q.symbol.as_str() { "A" | "B" => "x".into(), other => other.to_string() }"#,
            r#"if symbol == "A" || symbol == "B" { "x" } else { symbol }"#,
        ),
        (
            "f64",
            "match q.bid { Some(b) if b > 10.0 => b, Some(b) => -b, None => 0.0 }",
            "if bid.is_some() && bid.unwrap_or(0.0) > 10.0 { bid.unwrap_or(0.0) } else { match bid { Some(x1) => -x1, None => 0.0 } }",
        ),
        ("f64", "match q.bid { None => 0.0, Some(b) => b + 1.0 }", "match bid { Some(x0) => x0 + 1.0, None => 0.0 }"),
        ("f64", "if let Some(b) = q.bid { b } else { 0.0 }", "bid.unwrap_or(0.0)"),
        (
            "f64",
            "if let Some(b) = q.bid { b * 2.0 } else { q.price }",
            "match bid { Some(x0) => x0 * 2.0, None => price }",
        ),
        (
            "i64",
            "match (q.hot, q.bid) { (true, Some(b)) if b > 1.0 => 1, (false, _) => 2, (true, _) => 3 }",
            "if hot && bid.is_some() && bid.unwrap_or(0.0) > 1.0 { 1 } else if !hot { 2 } else { 3 }",
        ),
        (
            "i64",
            "match q.volume.checked_add(n) { Some(x) => x, None => i64::MAX }",
            "volume.checked_add(n).unwrap_or(9223372036854775807)",
        ),
        (
            "i64",
            "match q.volume { x @ 1..=5 => x, x => x * 2 }",
            "if volume >= 1 && volume <= 5 { volume } else { volume * 2 }",
        ),
        (
            "i64",
            "match (q.volume, n) { (x, 0) | (0, x) => x, _ => 7 }",
            "if n == 0 || volume == 0 { if n == 0 { volume } else { n } } else { 7 }",
        ),
        ("i64", "match q.hot { true => 1, false => 0 }", "if hot { 1 } else { 0 }"),
        (
            "i64",
            "match q.volume { 0..=9 => 1, 10.. => 2, _ => 3 }",
            "if volume >= 0 && volume <= 9 { 1 } else if volume >= 10 { 2 } else { 3 }",
        ),
    ]);
}

#[test]
fn times_and_tuples() {
    check(&[
        ("i64", "{ let (a, b) = (q.volume, n); let c = a / b; c + c }", "{ let x0 = volume / n; x0 + x0 }"),
        ("Duration", "q.at - q.at", "at - at"),
        ("bool", "q.at - q.at > seconds(5)", "at - at > Duration(5000000)"),
        ("Duration", "minutes(n)", "(n * 60000000) as Duration"),
        ("i64", "(q.volume, n).1", "n"),
        ("bool", "(q.volume, n) == (1, 2)", "volume == 1 && n == 2"),
        ("bool", "(q.volume, q.price) < (1, 2.0)", "if volume == 1 { price < 2.0 } else { volume < 1 }"),
        ("i64", "std::cmp::max(q.volume, n)", "volume.max(n)"),
    ]);
}

#[test]
fn a_let_that_may_fail_is_kept_though_nothing_reads_it() {
    let both = computed("", "x: i64, y: f64", "{ let _unused = q.volume / n; Out { x: 1, y: q.price } }");
    assert_eq!(both, "x = { let x0 = volume / n; 1 }, y = price");
}

#[test]
fn return_ends_the_body() {
    let code = "{
        let m = q.price / 3.0;
        if q.volume < 0 { return Out { x: 0, y: m }; }
        let z = match q.bid { Some(b) => b, None => return Out { x: 1, y: 0.0 } };
        Out { x: q.volume / n, y: z + m }
    }";
    assert_eq!(
        computed("", "x: i64, y: f64", code),
        "x = if volume < 0 { 0 } else if bid.is_some() { volume / n } else { 1 }, \
         y = { let x0 = price / 3.0; if volume < 0 { x0 } else { match bid { Some(x1) => x1 + x0, None => 0.0 } } }"
    );
}

#[test]
fn return_inside_a_value_ends_the_body_too() {
    assert_eq!(
        computed("", "x: i64", "Out { x: q.volume / n + { if q.hot { return Out { x: 0 }; } n } }"),
        "x = { let x0 = volume / n; if hot { 0 } else { x0 + n } }"
    );
    assert_eq!(
        computed("", "x: i64", "Out { x: if q.hot && { return Out { x: 1 } } { 2 } else { 3 } }"),
        "x = if hot { 1 } else { 3 }"
    );
}

#[test]
fn records_are_values() {
    let check = |code: &str, becomes: &str| assert_eq!(computed("", "x: i64, y: f64", code), becomes, "{code}");
    check("q", "instrument_id, symbol, price, volume, lots, venue, bid, at, hot");
    check("Quote { price: 3.0, ..q }", "instrument_id, symbol, price = 3.0, volume, lots, venue, bid, at, hot");
    check(
        "{ let o = Out { x: q.volume, y: q.price / 2.0 }; if q.hot { Out { x: 5, ..o } } else { o } }",
        "x = if hot { 5 } else { volume }, y = price / 2.0",
    );
    check(
        "{ let o = if q.hot { Some((q.volume / n, q.price)) } else { None };
           match o { Some((x, y)) => Out { x, y }, None => Out { x: 0, y: 0.0 } } }",
        "x = { let x0 = if hot { volume / n } else { 0 }; if hot { x0 } else { 0 } }, y = if hot { price } else { 0.0 }",
    );
}

#[test]
fn functions_stand_where_they_are_called() {
    let code = "
        fn h(x: f64) -> f64 { if x > 1.0 { return 1.0; } let y = x * x; y + 1.0 }
        fn t(q: Quote) -> (f64, bool) { (h(q.price), q.hot) }
        const A: i64 = B + 1;
        const B: i64 = 2;";
    assert_eq!(
        computed(
            code,
            "x: i64, y: f64",
            "{ let (p, hot) = t(q.clone()); Out { x: match q.volume { A => 1, B => 2, _ => if hot { 3 } else { 4 } }, y: p } }"
        ),
        "x = if volume == 3 { 1 } else if volume == 2 { 2 } else if hot { 3 } else { 4 }, \
         y = if price > 1.0 { 1.0 } else { price * price + 1.0 }"
    );
}

#[test]
fn long_and_deep_code_is_compiled_or_refused() {
    let sum = format!("Out {{ x: q.volume{} }}", " + 1".repeat(100));
    assert!(computed("", "x: i64", &sum).starts_with("x = volume + 1 + 1"));
    let sum = format!("Out {{ x: q.volume{} }}", " + 1".repeat(450));
    assert!(computed("", "x: i64", &sum).starts_with("x = volume + 1 + 1"));
    let chain: String = (0..180).map(|i| format!("if q.volume == {i} {{ {} }} else ", i * 2)).collect();
    let chain = format!("Out {{ x: {chain} {{ 0 }} }}");
    assert!(computed("", "x: i64", &chain).starts_with("x = if volume == 0 { 0 } else if volume == 1 { 2 }"));
    let arms: String = (0..250).map(|i| format!("{i} => {}, ", i * 2)).collect();
    let table = format!("Out {{ x: match q.volume {{ {arms} _ => 0 }} }}");
    assert!(computed("", "x: i64", &table).starts_with("x = if volume == 0 { 0 } else if volume == 1 { 2 }"));
    let twice = |i: usize| format!("fn f{i}(x: i64) -> i64 {{ f{}(x) + f{}(x) }}\n", i - 1, i - 1);
    let grows: String = (1..40).map(twice).collect();
    let grows = format!("fn f0(x: i64) -> i64 {{ x + 1 }}\n{grows}");
    assert!(computed(&grows, "x: i64", "Out { x: f39(q.volume) }").starts_with("E0704"));
    let calls = |i: usize| format!("fn f{i}(x: i64) -> i64 {{ if x > 0 {{ f{}(x / 2) }} else {{ 1 }} }}\n", i - 1);
    let deep: String = (1..300).map(calls).collect();
    let deep = format!("fn f0(x: i64) -> i64 {{ x + 1 }}\n{deep}");
    assert!(computed(&deep, "x: i64", "Out { x: f299(q.volume) }").starts_with("E0704"));
}

#[test]
fn single_floats_in_patterns_are_single_floats() {
    check(&[(
        "f32",
        "match q.price as f32 { 0.7 => 2.0, x => x }",
        "{ let x0 = price as f32; if x0 == 0.699999988079071f32 { 2.0f32 } else { x0 } }",
    )]);
}

#[test]
fn a_duration_that_is_too_long_is_refused() {
    assert!(value("Duration", "seconds(99_999_999_999_999)").starts_with("E0307"));
    check(&[("Duration", "-seconds(5)", "-Duration(5000000)")]);
}

#[test]
fn functions_by_path_and_by_name() {
    check(&[
        ("Option<f64>", "q.bid.map(f64::sqrt)", "match bid { Some(x0) => Some(x0.sqrt()), None => None }"),
        ("f64", "f64::hypot(q.price, 2.0)", "price.hypot(2.0)"),
        ("bool", "q == q.clone() && !q.hot", QUOTE_IS_ITSELF),
    ]);
}

const QUOTE_IS_ITSELF: &str = "instrument_id == instrument_id && symbol == symbol && price == price && volume == volume && lots == lots && venue == venue && bid == bid && at == at && hot == hot && !hot";
