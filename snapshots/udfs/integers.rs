//! Powers, roots, logarithms, bits: the methods of integers that are said in terms of others.

#[sabot::udf]
fn checked_power(a: i64, u: u32) -> Option<i64> {
    a.checked_pow(u % 70)
}

#[sabot::udf]
fn checked_power_of_small(i: i32, u: u32) -> Option<i64> {
    (i % 12).checked_pow(u).map(i64::from)
}

#[sabot::udf]
fn wrapped_power(a: i64, u: u32) -> i64 {
    a.wrapping_pow(u)
}

#[sabot::udf]
fn wrapped_power_of_small(u: u32) -> u32 {
    u32::from((u as u8).wrapping_pow(u % 300))
}

#[sabot::udf]
fn saturated_power(a: i64, i: i32, u: u32) -> i64 {
    a.saturating_pow(u % 5) / 2 + i64::from(i.saturating_pow(u % 4)) / 2
}

#[sabot::udf]
fn saturated_unsigned(u: u32) -> u32 {
    u.saturating_pow(3)
}

#[sabot::udf]
fn overflowed_power(i: i32, u: u32) -> String {
    let (power, over) = i.overflowing_pow(u % 9);
    format!("{power} {over}")
}

#[sabot::udf]
fn root(u: u32, a: i64) -> u64 {
    u64::from(u.isqrt()) + u64::from((a as u8).isqrt()) + (a as u64).isqrt()
}

#[sabot::udf]
fn signed_root(a: i64) -> i64 {
    a.isqrt()
}

#[sabot::udf]
fn checked_root(i: i32) -> Option<i32> {
    i.checked_isqrt()
}

#[sabot::udf]
fn logarithms(a: i64) -> u32 {
    a.ilog2() * 1000 + a.ilog10() * 100 + a.ilog(3)
}

#[sabot::udf]
fn base_of(u: u32, i: i32) -> u32 {
    u.ilog((i.unsigned_abs() % 7) as u32)
}

#[sabot::udf]
fn checked_logarithms(i: i32, u: u32) -> u32 {
    i.checked_ilog10().unwrap_or(99) * 100 + u.checked_ilog(5).unwrap_or(9) + u.checked_ilog2().unwrap_or(7)
}

#[sabot::udf]
fn next_power(u: u32) -> u32 {
    (u / 3).next_power_of_two()
}

#[sabot::udf]
fn checked_next_power(u: u32) -> Option<u32> {
    u.checked_next_power_of_two()
}

#[sabot::udf]
fn turned(a: i64, i: i32) -> i64 {
    a.swap_bytes() ^ i64::from(i.reverse_bits()) ^ i64::from((a as i8).reverse_bits()) ^ i64::from((i as u8).swap_bytes())
}

#[sabot::udf]
fn euclid(a: i64, b: i64) -> Option<i64> {
    Some(a.checked_div_euclid(b)?.wrapping_add(a.checked_rem_euclid(b)?))
}

#[sabot::udf]
fn middle(u: u32, a: i64) -> u64 {
    (a as u64).midpoint(u64::from(u))
}
