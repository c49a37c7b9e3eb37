//! Generic functions and the `impl` blocks of records.

use super::computed;

fn check(items: &str, ty: &str, code: &str, becomes: &str) {
    let text = computed(items, &format!("x: {ty}"), &format!("Out {{ x: {code} }}"));
    assert_eq!(text.strip_prefix("x = ").unwrap_or(&text), becomes, "{code}");
}

/// The first line of what is said.
fn says(items: &str, ty: &str, code: &str, message: &str) {
    let text = computed(items, &format!("x: {ty}"), &format!("Out {{ x: {code} }}"));
    assert_eq!(text.lines().next().unwrap_or_default(), message, "{code}\n{text}");
}

#[test]
fn a_generic_function_is_made_for_every_type() {
    const LARGER: &str = "fn larger<T: PartialOrd + Copy>(a: T, b: T) -> T { if b > a { b } else { a } }";
    check(LARGER, "f64", "larger(q.price, 2.5)", "if 2.5 > price { 2.5 } else { price }");
    check(LARGER, "i64", "larger(q.volume, 2)", "if 2 > volume { 2 } else { volume }");
    check(LARGER, "i32", "larger(1, 2)", "if 2i32 > 1i32 { 2i32 } else { 1i32 }");
    check(
        LARGER,
        "u32",
        "larger((q.lots, 1i64), (3, 2)).0",
        "if if 3u32 == lots { 2 > 1 } else { 3u32 > lots } { 3u32 } else { lots }",
    );
    check(
        "fn twice<T>(x: T) -> T where T: std::ops::Add<Output = T> + Copy { x + x }\nfn four<T: std::ops::Add<Output = T> + Copy>(x: T) -> T { twice(twice(x)) }",
        "i64",
        "four(q.volume)",
        "{ let x0 = volume + volume; x0 + x0 }",
    );
    check(
        "fn or<T>(o: Option<T>, d: T) -> T { match o { Some(x) => x, None => d } }",
        "f64",
        "or(q.bid, q.price)",
        "bid.unwrap_or(price)",
    );
    check(
        "fn wide<T: Into<f64>>(x: T) -> f64 { x.into() }",
        "f64",
        "wide(q.lots) + wide(q.price)",
        "lots as f64 + price",
    );
    check(
        "fn some<T: Default + PartialEq>(x: T) -> bool { x != T::default() }",
        "bool",
        "some(q.symbol) && some(q.volume)",
        r#"symbol != "" && volume != 0"#,
    );
    check(
        "fn least<T: Ord>(a: T, b: T) -> T { a.min(b) }",
        "i64",
        "least(q.volume, n)",
        "if n < volume { n } else { volume }",
    );
    check("fn negative<T: std::ops::Neg<Output = T>>(a: T) -> T { -a }", "f64", "negative(q.price)", "-price");
}

#[test]
fn what_the_bounds_do_not_give_is_refused() {
    says("fn f<T>(a: T, b: T) -> bool { a < b }", "bool", "f(q.volume, 1)", "E0422: nothing says that `T` has `<`");
    says("fn f<T: PartialOrd>(a: T) -> T { a + a }", "i64", "f(q.volume)", "E0422: nothing says that `T` has `+`");
    says("fn f<T: Copy>(a: T) -> f64 { a.sqrt() }", "f64", "f(q.price)", "E0423: nothing says that `T` has `sqrt`");
    says("fn f<T: Ord>(a: T, b: T) -> T { a.max(b) }", "f64", "f(q.price, 1.0)", "E0421: `f64` is not `Ord`");
    says(
        "fn f<T: std::ops::Add<Output = T>>(a: T, b: T) -> T { a + b }",
        "bool",
        "f(q.hot, true)",
        "E0421: `bool` is not `std::ops::Add<Output = bool>`",
    );
    says("fn f<T: Into<i32>>(a: T) -> i32 { a.into() }", "i32", "f(q.volume)", "E0421: `i64` is not `Into<i32>`");
    says("fn f<T: Iterator>(a: T) -> i64 { 1 }", "i64", "f(q.volume)", "E0420: the bound `Iterator` is not understood");
    says(
        "fn f<T: std::ops::Add>(a: T) -> i64 { 1 }",
        "i64",
        "f(q.volume)",
        "E0420: the bound `Add` does not say that it gives a `T`",
    );
    says("fn f<T>(a: T, b: T) -> T { a }", "i64", "f(q.volume, q.price)", "E0301: `f` takes `i64` as `b`");
    says("fn f<T: Copy>() -> i64 { 1 }", "i64", "f()", "E0306: the type of this is not known");
}

const METHODS: &str = "
#[sabot::record] struct Band { low: f64, high: f64 }
impl Band {
    const WIDEST: f64 = 100.0;
    fn around(mid: f64, half: f64) -> Self { Self { low: mid - half, high: mid + half } }
    fn width(&self) -> f64 { self.high - self.low }
    fn is_wide(self) -> bool { self.width() > Self::WIDEST }
    fn shifted(&self, by: f64) -> Band { Band { low: self.low + by, ..self.clone() } }
}
impl Quote { fn notional(&self) -> f64 { self.price * self.volume as f64 } }
";

#[test]
fn methods_of_records() {
    check(METHODS, "f64", "q.notional()", "price * volume as f64");
    check(METHODS, "f64", "Quote::notional(&q)", "price * volume as f64");
    check(METHODS, "f64", "Band::around(q.price, 1.0).width()", "{ let x0 = price - 1.0; price + 1.0 - x0 }");
    check(METHODS, "bool", "Band { low: 0.0, high: q.price }.is_wide()", "price - 0.0 > 100.0");
    check(METHODS, "f64", "Band::around(q.price, 1.0).shifted(2.0).low", "price - 1.0 + 2.0");
    check(METHODS, "f64", "Band::WIDEST", "100.0");
    check(
        METHODS,
        "f64",
        "q.bid.map(|b| Band::around(b, 1.0)).map(|b| b.high).unwrap_or(0.0)",
        "{ let x1 = bid.is_some(); let x3 = match bid { Some(x0) => x0 + 1.0, None => 0.0 }; if x1 { Some(x3) } else { None } }.unwrap_or(0.0)",
    );
    says(METHODS, "f64", "q.notionl()", "E0404: `Quote` has no method `notionl`");
    says(METHODS, "f64", "Band::arund(1.0)", "E0425: `Band` has no function `arund`");
    says(METHODS, "f64", "Band::WIDE", "E0425: `Band` has no constant `WIDE`");
    says(METHODS, "f64", "Band { low: 1.0, high: 2.0 }.around(1.0, 2.0)", "E0426: `around` of `Band` takes no `self`");
    says(METHODS, "f64", "q.notional(1)", "E0314: `Quote::notional` takes no arguments");
    says("impl Missing { fn a(&self) -> i64 { 1 } }", "i64", "Missing::a()", "E0424: there is no record `Missing`");
    says("impl Quote { fn a(&mut self) -> i64 { 1 } }", "i64", "q.a()", "E0710: `q` cannot be assigned to");
}
