//! Loops that are left and gone on with, early returns, and what they leave behind.

#[sabot::udf]
fn square_root(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 || x > 1e12 {
        return -1.0;
    }
    let mut guess = x.max(1.0);
    let mut steps = 0;
    while (guess * guess - x).abs() > 1e-9 * x.max(1.0) && steps < 60 {
        guess = (guess + x / guess) / 2.0;
        steps += 1;
    }
    guess
}

#[sabot::udf]
fn digits(a: i64) -> u32 {
    let mut left = a.unsigned_abs();
    let mut count = 1;
    while left >= 10 {
        left /= 10;
        count += 1;
    }
    count
}

#[sabot::udf]
fn sum_of_odd(u: u32) -> u64 {
    let mut sum = 0_u64;
    for n in 0..u64::from(u % 50) {
        if n % 2 == 0 {
            continue;
        }
        sum += n * n;
    }
    sum
}

#[sabot::udf]
fn factorial(i: i32) -> i64 {
    let mut product: i64 = 1;
    for n in 1..=i64::from(i % 30) {
        product *= n;
    }
    product
}

#[sabot::udf]
fn first_divisor(a: i64) -> Option<i64> {
    let n = a.checked_abs()? % 10_000;
    for candidate in 2..n {
        if n % candidate == 0 {
            return Some(candidate);
        }
    }
    None
}

#[sabot::udf]
fn labelled(u: u32, b: i64) -> i64 {
    let mut found = 0;
    'rows: for row in 0..10_i64 {
        let mut column = 0;
        loop {
            if column > row {
                continue 'rows;
            }
            if row * column == i64::from(u) % 40 {
                found = row * 10 + column;
                break 'rows;
            }
            column += 1;
        }
    }
    found + b % 2
}

#[sabot::udf]
fn looped_value(a: i64) -> i64 {
    let mut n = a.rem_euclid(97);
    let steps = loop {
        if n < 2 {
            break n;
        }
        n = if n % 2 == 0 { n / 2 } else { n - 1 };
    };
    steps + 1
}

#[sabot::udf]
fn both_or_nothing(o: Option<i64>, p: Option<f64>) -> Option<f64> {
    let count = o?;
    let size = p?;
    if count == 0 {
        return None;
    }
    Some(size / count as f64)
}

#[sabot::udf]
fn let_else(q: Option<String>, s: String) -> String {
    let Some(text) = q else { return s };
    let Some((key, _)) = text.split_once('=') else {
        return text;
    };
    key.to_string()
}

#[sabot::udf]
fn shadowed(x: f64, flag: bool) -> f64 {
    let mut x = x;
    if flag {
        x += 1.0;
        let x = x * 100.0;
        if x > 50.0 {
            return x;
        }
    }
    x -= 0.5;
    x
}

#[sabot::udf]
fn block_value(a: i64, b: i64) -> i64 {
    let mut last = 0;
    let total = {
        last += 1;
        let inner = a % 100;
        inner * 2
    };
    let picked = 'pick: {
        if total > 50 {
            break 'pick total;
        }
        last = last + 1;
        b % 100
    };
    picked + last
}

#[sabot::udf]
fn endless(a: i64) -> i64 {
    let mut n = a;
    while n != 0 {
        n = n / 2;
    }
    n
}

#[sabot::udf]
fn checked_or_panics(a: i64, b: i64) -> i64 {
    let quotient = a.checked_div(b).expect("b is not 0");
    assert!(quotient != 7, "seven");
    if quotient == i64::MAX {
        panic!("too large: {quotient}");
    }
    quotient
}

#[sabot::udf]
fn without_letter(s: &str) -> String {
    let mut out = String::new();
    for c in s.chars() {
        if c == 'a' {
            continue;
        }
        out.push(c);
    }
    out
}

#[sabot::udf]
fn checksum(s: &str) -> u32 {
    let mut sum = 7_u32;
    for byte in s.bytes() {
        sum = sum.wrapping_mul(31) ^ u32::from(byte);
    }
    sum
}
