//! `format!`: computed widths and precisions, `{:?}` of what has parts; integers asked whether they fit another type.

#[sabot::udf]
fn wide(a: i64, u: u32) -> String {
    let width = (u % 30) as usize;
    format!("{a:>width$}|{a:<width$}|{a:^+width$}|{a:0width$}|{a:#0width$x}|{:1$}", a, width)
}

#[sabot::udf]
fn precise(x: f64, u: u32) -> String {
    let digits = (u % 12) as usize;
    format!("{x:.digits$}|{:.*}|{:>+20.2$}|{x:12.digits$}|{x:.digits$e}|{:.prec$}", 3, x, digits, x, prec = 1)
}

#[sabot::udf]
fn texts(s: &str, u: u32) -> String {
    let n = (u % 9) as usize;
    format!("{s:*^n$}|{s:.n$}|{s:>12.n$}|{:>1$}|{2:?}", true, n, s)
}

#[sabot::udf]
fn too_wide(s: &str, a: i64) -> String {
    let n = (a % 100_000).unsigned_abs() as usize;
    format!("{s:n$}").len().to_string()
}

#[sabot::udf]
fn options(o: Option<i64>, q: Option<String>, p: Option<f64>) -> String {
    format!("{o:?} {q:?} {p:?} {:.1?} {:5?}", p, o)
}

#[sabot::udf]
fn tuples(a: i64, s: &str, x: f64, flag: bool) -> String {
    format!("{:?} {:?} {:?}", (a, s), (x,), (flag, (s, 'c'), Some(a)))
}

#[sabot::udf]
fn lists(s: &str, u: u32, x: f64) -> String {
    let words: Vec<&str> = s.split(' ').collect();
    let numbers: Vec<u32> = (0..u % 4).collect();
    let none: Vec<f64> = Vec::new();
    format!("{words:?} {numbers:?} {none:?} {:?} {:.2?} {:?}", vec![Some(u), None], [x, 1.0], s.as_bytes())
}

#[sabot::udf]
fn orders(a: i64, b: i64) -> String {
    format!("{:?}", a.cmp(&b))
}

#[sabot::udf]
fn try_from(a: i64, u: u32, i: i32) -> String {
    let small = u8::try_from(a).ok();
    let signed = i32::try_from(u).unwrap_or(-1);
    let unsigned = u64::try_from(i).is_ok();
    let size = usize::try_from(a).unwrap_or_default();
    let same = i64::try_from(i).unwrap_or(7);
    format!("{small:?} {signed} {unsigned} {size} {same}")
}

#[sabot::udf]
fn try_into(a: i64, u: u32) -> Option<i64> {
    let byte: u8 = u.try_into().unwrap_or(255);
    let short: i16 = a.try_into().ok()?;
    Some(i64::from(short) + i64::from(byte))
}

#[sabot::udf]
fn characters(u: u32) -> String {
    let c = char::try_from(u).unwrap_or('?');
    format!("{c:?}")
}

#[sabot::udf]
fn unwrapped(a: i64) -> u32 {
    u32::try_from(a).unwrap()
}

#[sabot::udf]
fn with_a_helper(a: i64) -> i64 {
    fn clamped(x: i64) -> i64 {
        const MOST: i64 = 1000;
        x.clamp(-MOST, MOST)
    }
    clamped(a) * 2
}
