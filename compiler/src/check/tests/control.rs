//! Variables that change, loops and jumps: what stays an expression, what becomes a body, and that odd code is no trouble.

use super::computed;

#[track_caller]
fn check(code: &str, expected: &str) {
    assert_eq!(computed("", "x: i64", &format!("Out {{ x: {code} }}")), format!("x = {expected}"));
}

#[track_caller]
fn check_function(function: &str, expected: &str) {
    assert_eq!(computed(function, "x: i64", "Out { x: f(q.volume) }"), format!("x = {expected}"));
}

#[test]
fn assignment_without_a_loop_is_an_expression() {
    check("{ let mut x = q.volume; x += 1; x * 2 }", "(volume + 1) * 2");
    check("{ let mut x = q.volume; if q.hot { x = 1; } x }", "if hot { 1 } else { volume }");
    check(
        "{ let mut x = 1; match q.volume { 0 => x = 5, n if n > 3 => { x += n; } _ => {} } x }",
        "if volume == 0 { 5 } else if volume > 3 { 1 + volume } else { 1 }",
    );
    check("{ let (mut a, mut b) = (q.volume, 2); (a, b) = (b, a); a -= b; a }", "2 - volume");
    check("{ let x; if q.hot { x = 1; } else { x = 2; } x }", "if hot { 1 } else { 2 }");
}

#[test]
fn early_ends_are_expressions() {
    check_function(
        "fn f(a: i64) -> i64 { let mut n = a; if n < 0 { return -1; } if n > 9 { n = 9; } n }",
        "if volume < 0 { -1 } else if volume > 9 { 9 } else { volume }",
    );
    check_function(
        "fn f(a: i64) -> i64 { let Some(half) = a.checked_div(2) else { return 0; }; half }",
        "volume.checked_div(2).unwrap_or(0)",
    );
    check_function(
        "fn g(a: Option<i64>) -> Option<i64> { Some(a? + 1) }\nfn f(a: i64) -> i64 { g(Some(a)).unwrap_or(0) }",
        "volume + 1",
    );
}

#[test]
fn a_failure_stands_where_its_value_would() {
    check("if q.hot { 1 } else { panic!(\"cold\") }", "if hot { 1 } else { panic!(\"cold\") }");
    check(
        "q.venue.map(|v| v.len() as i64).unwrap()",
        "match match venue { Some(x0) => Some(x0.len() as i64), None => None } { Some(x2) => x2, None => unwrap_none!() }",
    );
    check(
        "{ assert!(q.volume > 0, \"no volume\"); q.volume }",
        "{ let x0 = if !(volume > 0) { panic!(\"no volume\") } else { true }; volume }",
    );
}

#[test]
fn a_loop_is_a_body_with_what_it_needs() {
    check(
        "{ let mut n = q.volume; while n > 10 { n /= 2; } n + 1 }",
        "compute(v0 = volume) { 'l1: loop { if v0 > 10 { v0 = v0 / 2; } else { break 'l1; } } v0 } + 1",
    );
    check(
        "{ let mut n = 0; for i in 0..q.volume { if i == 3 { break; } n += i; } n }",
        "compute(v0 = 0, v1 = volume, v2 = 0) { 'l1: loop { if !(v2 < v1) { break 'l1; } v3 = v2; v2 = v2.wrapping_add(1); \
         if v3 == 3 { break 'l1; } v0 = v0 + v3; } v0 }",
    );
}

#[test]
fn code_that_never_goes_on_is_no_trouble() {
    for code in [
        "1 + panic!(\"a\")",
        "{ let x = panic!(\"a\"); x }",
        "{ let x: i64 = panic!(\"a\"); x + 1 }",
        "if panic!(\"a\") { 1 } else { 2 }",
        "if q.hot { panic!(\"a\") } else { panic!(\"b\") }",
        "match q.volume { 0 => panic!(), _ => unreachable!() }",
        "{ loop {} }",
        "{ let y = loop { if q.hot { break 3; } }; y }",
        "{ panic!(\"x\"); }",
        "q.bid.map_or(todo!(), |b| b as i64)",
        "q.bid.map(|b| if b > 1.0 { panic!() } else { 1 }).unwrap_or(2)",
        "(panic!(), 1).1",
        "{ let mut t = (1, 2); t = panic!(); t.0 }",
        "{ let mut n = 0; loop { n += 1; if n > 3 { break; } if q.hot { continue; } panic!() } n }",
        "'a: { if q.hot { break 'a panic!(); } 4 }",
        "'a: { break 'a 4; }",
        "{ let f = |x: i64| { if x > 1 { return 5; } panic!() }; f(1) + f(2) }",
        "{ let Some(b) = q.bid else { panic!() }; b as i64 }",
        "{ let Some(b) = q.bid else { loop {} }; b as i64 }",
        "{ let mut o = Some((1, 2)); while let Some((a, b)) = o { o = if a > 3 { None } else { Some((b, a + b)) }; } 1 }",
        "{ let mut o: Option<(i64, Option<i64>)> = None; for i in 0..3 { o = Some((i, o.map(|x| x.0))); } o.map_or(0, |x| x.0) }",
        "{ let mut n = 1; for _ in 0.. { n *= 2; if n > 1000 { break; } } n }",
        "{ let mut n = 1; { let mut add = |x: i64| n += x; add(1); add(2); } n }",
        "{ let mut n = q.volume; let m = { n += 1; n } + { n += 1; n }; m + n }",
        "{ let mut n = 0; let a = [0].len(); n }",
        "{ let mut n = 0i64; 'a: while n < 9 { 'b: loop { n += 1; if n == 4 { continue 'a; } if n > 6 { break 'a; } break 'b; } n += 1; } n }",
        "{ let mut r = *q; r.volume = 3; r.volume }",
        "{ let x; loop { if q.hot { x = 1; break; } } x }",
        "{ let x; let y = if q.hot { x = 1; 2 } else { return Out { x: 3 }; }; x + y }",
        "{ let mut o = q.bid; let a = o.take(); let b = o.replace(2.0); if let Some(ref c) = o { *c as i64 } else { 1 } }",
        "{ let f = |x: i64| -> Option<i64> { if x > 1 { None } else { Some(x) } }; f(1).unwrap_or(2) }",
    ] {
        let said = computed("", "x: i64", &format!("Out {{ x: {code} }}"));
        assert!(!said.is_empty(), "{code}");
    }
}

#[test]
fn misuse_is_told() {
    for (code, expected) in [
        ("{ let x = 1; x = 2; x }", "E0710"),
        ("{ q.volume = 2; q.volume }", "E0710"),
        ("{ LIMIT = 2; 1 }", "E0710"),
        ("{ let mut x = 1; x = \"a\"; x }", "E0301"),
        ("{ let mut x = 1; x += 1.5; x }", "E0302"),
        ("{ break; 1 }", "E0711"),
        ("{ loop { let f = |x: i64| { if x > 1 { break; } x }; f(1); } }", "E0711"),
        ("{ while q.hot { break 'a; } 1 }", "E0711"),
        ("{ while q.hot { break 1; } 1 }", "E0712"),
        ("{ for x in q.volume { } 1 }", "E0713"),
        ("{ for x in 0..1.5 { } 1 }", "E0301"),
        ("{ let x = q.volume?; x }", "E0714"),
        ("{ let Some(b) = q.bid else { 1 }; 1 }", "E0715"),
        ("{ assert!(); 1 }", "E0716"),
        ("{ let x: i64; if q.hot { x = 1; } x }", "E0717"),
        ("{ let x: i64; while q.hot { x = 1; } x }", "E0717"),
        ("{ let mut o = q.bid; let n = o.take(); q.bid.take(); 1 }", "E0710"),
        ("{ let f = |x: i64| x; f }", "E0700"),
        ("{ let f = |x: i64| x; f(1, 2) }", "E0314"),
        ("{ while q.volume { } 1 }", "E0301"),
        ("loop { break 1; break true; }", "E0301"),
    ] {
        let said = computed("const LIMIT: i64 = 3;", "x: i64", &format!("Out {{ x: {code} }}"));
        assert!(said.starts_with(expected), "{code}: {said}");
    }
}
