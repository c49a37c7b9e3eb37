//! Variables that change, loops, jumps and early ends, as they are written by people.

const LIMIT: i64 = 100;

#[sabot::udf]
fn newton(x: f64) -> f64 {
    let target = x.abs();
    let mut guess = target / 2.0 + 1.0;
    for _ in 0..20 {
        guess = (guess + target / guess) / 2.0;
    }
    guess
}

#[sabot::udf]
fn collatz(a: i64) -> i64 {
    let mut n = a % 1000;
    if n <= 0 {
        return -1;
    }
    let mut steps = 0;
    while n != 1 {
        n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
        steps += 1;
    }
    steps
}

#[sabot::udf]
fn gcd(a: i64, b: i64) -> i64 {
    let (mut m, mut n) = (a, b);
    while n != 0 {
        (m, n) = (n, m % n);
    }
    m
}

#[sabot::udf]
fn is_prime(u: u32) -> bool {
    if u < 2 {
        return false;
    }
    let mut divisor = 2;
    while divisor < 1000 && divisor * divisor <= u {
        if u % divisor == 0 {
            return false;
        }
        divisor += 1;
    }
    true
}

#[sabot::udf]
fn checksum(a: i64) -> u32 {
    let mut crc = 0xffff_ffffu32;
    let mut rest = a as u64;
    for _ in 0..8 {
        crc ^= (rest & 0xff) as u32;
        for _ in 0..8 {
            let carry = crc & 1 != 0;
            crc >>= 1;
            if carry {
                crc ^= 0xedb8_8320;
            }
        }
        rest >>= 8;
    }
    !crc
}

#[sabot::udf]
fn tax(x: f64) -> f64 {
    let mut rest = x;
    let mut tax = 0.0;
    if rest > 100.0 {
        tax += (rest - 100.0) * 0.3;
        rest = 100.0;
    }
    if rest > 10.0 {
        tax += (rest - 10.0) * 0.1;
        rest = 10.0;
    }
    tax + rest * 0.01
}

#[sabot::udf]
fn bucket(a: i64) -> i64 {
    let mut low = 0;
    let mut high = LIMIT;
    let wanted = a.rem_euclid(LIMIT);
    loop {
        let middle = (low + high) / 2;
        if high - low <= 1 {
            break middle;
        }
        if middle > wanted { high = middle } else { low = middle }
    }
}

#[sabot::udf]
fn pairs(a: i64, b: i64) -> i64 {
    let mut found = 0;
    'outer: for i in 1..=12i64 {
        for j in i..12 {
            if i * j == a.rem_euclid(40) {
                found += 1;
                continue 'outer;
            }
            if i + j == b {
                break 'outer;
            }
        }
        found += 10;
    }
    found
}

#[sabot::udf]
fn countdown(i: i32) -> i32 {
    let mut sum = 0;
    for k in (0..=i.clamp(-3, 7)).rev().step_by(2) {
        sum = sum * 10 + k;
    }
    sum
}

#[sabot::udf]
fn overflows(a: i64) -> i64 {
    let mut product = 1i64;
    for factor in 1..=a.clamp(0, 30) {
        product *= factor;
    }
    product
}

#[sabot::udf]
fn first_that(a: i64, b: i64) -> Option<i64> {
    for i in 0..10 {
        let candidate = a.checked_add(i)?;
        if candidate % 7 == b % 7 {
            return Some(candidate);
        }
    }
    None
}

#[sabot::udf]
fn fallback(o: Option<i64>, p: Option<f64>) -> f64 {
    let Some(count) = o else {
        return p.unwrap_or(-1.0);
    };
    let Some(price) = p else { return count as f64 };
    count as f64 * price
}

#[sabot::udf]
fn summed(o: Option<i64>, p: Option<f64>) -> Option<f64> {
    let total = o? as f64 + p?;
    (total > 0.0).then_some(total)
}

#[sabot::udf]
fn chain(o: Option<i64>, p: Option<f64>, flag: bool) -> f64 {
    if flag && let Some(count) = o && let Some(price) = p && price > 0.0 {
        count as f64 * price
    } else if let Some(price) = p && price < 0.0 {
        -price
    } else {
        0.5
    }
}

#[sabot::udf]
fn labelled(a: i64, x: f64) -> f64 {
    let scaled = 'scale: {
        if a < 0 {
            break 'scale x / 2.0;
        }
        if x.is_nan() {
            break 'scale 0.0;
        }
        x * 2.0
    };
    scaled + 1.0
}

#[sabot::udf]
fn asserted(a: i64, b: i64) -> i64 {
    assert!(b != 0, "b is a divisor");
    assert_ne!(a, i64::MIN);
    if a == 42 {
        panic!("not this one");
    }
    a / b
}

#[sabot::udf]
fn must_have(o: Option<i64>, p: Option<f64>) -> f64 {
    o.unwrap() as f64 + p.expect("a price")
}

#[sabot::udf]
fn named_closure(a: i64, b: i64) -> i64 {
    let mut calls = 0;
    let mut scale = |value: i64, by: i64| {
        calls += 1;
        if by == 0 {
            return value;
        }
        value.wrapping_mul(by)
    };
    let first = scale(a, b);
    let second = scale(first, 3);
    second.wrapping_add(calls)
}

#[sabot::udf]
fn moved_closure(a: i64) -> i64 {
    let mut offset = 5;
    let mut next = move |x: i64| {
        offset += 1;
        x.wrapping_add(offset)
    };
    let first = next(a);
    offset = 100;
    next(first).wrapping_add(offset)
}

#[sabot::udf]
fn classes(a: i64) -> String {
    const SMALL: i64 = 10;
    let name;
    match a {
        i64::MIN..=-1 => name = "negative",
        0 => name = "zero",
        n @ 1..=SMALL if n % 2 == 1 => name = "small and odd",
        1..=SMALL => name = "small",
        _ => name = "large",
    }
    name.to_string()
}

#[sabot::udf]
fn window(x: f64, y: f64, a: i64) -> f64 {
    let mut window = WindowState { least: x, greatest: x, count: 1 };
    let mut value = y;
    while window.count < 5 && value.is_finite() {
        if value < window.least {
            window.least = value;
        } else if value > window.greatest {
            window.greatest = value;
        }
        window.count += 1;
        value = value / 2.0 - (a % 3) as f64;
    }
    let WindowState { least, greatest, .. } = window;
    greatest - least
}

#[sabot::record]
struct WindowState {
    least: f64,
    greatest: f64,
    count: i64,
}

#[sabot::udf]
fn repeated(s: String, u: u32) -> String {
    let mut text = String::new();
    for n in 0..u % 5 {
        if n == 2 {
            continue;
        }
        text += &s;
    }
    text
}

#[sabot::udf]
fn popped(o: Option<i64>) -> i64 {
    let mut rest = o.map(|n| n.rem_euclid(6));
    let mut seen = 0;
    while let Some(n) = rest {
        seen = seen * 10 + n;
        rest = if n > 0 { Some(n - 1) } else { None };
    }
    seen
}

#[sabot::udf]
fn early_out(a: i64, b: i64, x: f64) -> f64 {
    let mut sum = 0.0;
    for i in 0..50 {
        if i as i64 == b {
            return sum;
        }
        sum += x / (i + 1) as f64;
        if sum > 1e6 {
            break;
        }
        if a % 2 == 0 && i > 20 {
            return -sum;
        }
    }
    sum * 2.0
}
