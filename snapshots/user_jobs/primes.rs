//! Nested loops with labels, closures kept in variables, a sieve.

use sabot::prelude::*;

#[sabot::record]
pub struct Number {
    n: u32,
}

#[sabot::record]
pub struct Facts {
    prime: bool,
    below: u32,
    largest_factor: u32,
    collatz: u32,
    pair: Option<String>,
}

#[sabot::udf]
pub fn is_prime(n: u32) -> bool {
    n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0)
}

#[sabot::udf]
pub fn primes_below(n: u32) -> u32 {
    let n = n.min(2000) as usize;
    let mut composite = vec![false; n];
    let mut count = 0;
    for i in 2..n {
        if composite[i] {
            continue;
        }
        count += 1;
        for multiple in (i * i..n).step_by(i) {
            composite[multiple] = true;
        }
    }
    count
}

#[sabot::udf]
pub fn largest_factor(n: u32) -> u32 {
    let divides = |d: u32| n % d == 0;
    (1..n).rev().find(|d| divides(*d)).unwrap_or(1)
}

#[sabot::udf]
pub fn collatz(n: u32) -> u32 {
    let mut value = u64::from(n.max(1));
    let mut steps = 0;
    while value != 1 {
        value = if value % 2 == 0 { value / 2 } else { 3 * value + 1 };
        steps += 1;
    }
    steps
}

#[sabot::udf]
pub fn goldbach(n: u32) -> Option<String> {
    let mut found = None;
    'outer: for a in 2..=n / 2 {
        if !is_prime(a) {
            continue;
        }
        for b in (a..n).rev() {
            if a + b < n {
                continue 'outer;
            }
            if a + b == n && is_prime(b) {
                found = Some(format!("{a}+{b}"));
                break 'outer;
            }
        }
    }
    found
}

#[sabot::pipeline]
pub fn numbers() {
    source::<Number>("rows", ndjson("rows.ndjson"))
        .map(|x| Facts {
            prime: is_prime(x.n),
            below: primes_below(x.n),
            largest_factor: largest_factor(x.n),
            collatz: collatz(x.n),
            pair: goldbach(x.n),
        })
        .sink("out", ndjson("out.ndjson"));
}
