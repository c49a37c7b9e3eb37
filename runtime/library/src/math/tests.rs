//! How far from std's values ours are, on edges and on dense random arguments.

use super::*;

/// A generator of numbers, the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between the two.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.next() >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// How many floats lie between two; 0 of two NaNs, and of zeros of one sign.
fn ulps(a: f64, b: f64) -> u64 {
    if a.is_nan() || b.is_nan() {
        return if a.is_nan() && b.is_nan() { 0 } else { u64::MAX };
    }
    let place = |x: f64| {
        let bits = x.to_bits() as i64;
        i128::from(if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits })
    };
    if a == 0.0 && b == 0.0 {
        return u64::from(a.is_sign_negative() != b.is_sign_negative());
    }
    u64::try_from((place(a) - place(b)).unsigned_abs()).unwrap_or(u64::MAX)
}

fn std_function(name: &str) -> fn(f64) -> f64 {
    match name {
        "exp" => f64::exp,
        "exp2" => f64::exp2,
        "exp_m1" => f64::exp_m1,
        "ln" => f64::ln,
        "ln_1p" => f64::ln_1p,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        other => panic!("no function {other}"),
    }
}

const EDGES: [f64; 40] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    10.0,
    1e-10,
    -1e-10,
    1e-300,
    -1e-300,
    5e-324,
    -5e-324,
    1e-310,
    f64::MIN_POSITIVE,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    709.0,
    709.78,
    709.782_712_893_384,
    709.8,
    710.4,
    710.5,
    -745.1,
    -745.2,
    -708.4,
    1024.0,
    1023.999,
    -1074.0,
    -1075.0,
    -1080.0,
    22.0,
    1_600_000.0,
    1e22,
    std::f64::consts::FRAC_PI_2,
];

fn arguments() -> Vec<f64> {
    let mut random = Random(7);
    let mut all = EDGES.to_vec();
    for _ in 0..60_000 {
        all.push(random.between(-2.0, 2.0));
        all.push(random.between(-40.0, 40.0));
        all.push(random.between(-760.0, 760.0));
        all.push(random.between(-2e6, 2e6));
        all.push(random.between(0.0, 1e-3).powi(3));
        all.push(1.0 + random.between(-1e-3, 1e-3));
        all.push(f64::from_bits(random.next()));
        // Near multiples of a quarter turn.
        let n = (random.next() >> 44) as f64;
        all.push(n * std::f64::consts::FRAC_PI_2);
    }
    all
}

#[test]
fn no_function_is_farther_from_std_than_it_says() {
    let arguments = arguments();
    let mut wrong = Vec::new();
    for (name, function, bound) in FARTHEST {
        let of_std = std_function(name);
        let mut worst = (0, 0.0);
        for x in &arguments {
            let distance = ulps(function(*x), of_std(*x));
            if distance > worst.0 {
                worst = (distance, *x);
            }
        }
        if worst.0 > bound {
            let x = worst.1;
            wrong.push(format!("{name}({x:?}) is {:?}, {} ulp from {:?}", function(x), worst.0, of_std(x)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn powers_are_near_std() {
    let mut random = Random(9);
    let mut pairs: Vec<(f64, f64)> = EDGES.iter().flat_map(|x| EDGES.iter().map(|y| (*x, *y))).collect();
    for x in [-2.0, -3.5, 0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 1e-300] {
        for y in [3.0, -3.0, 2.0, 0.5, -0.5, 1e15 + 1.0, 9_007_199_254_740_991.0, 9_007_199_254_740_992.0, 1e300] {
            pairs.push((x, y));
        }
    }
    for _ in 0..200_000 {
        pairs.push((random.between(0.0, 10.0), random.between(-300.0, 300.0)));
        pairs.push((1.0 + random.between(-1e-3, 1e-3), random.between(-1e6, 1e6)));
        pairs.push((random.between(-20.0, 20.0), (random.next() % 40) as f64 - 20.0));
        pairs.push((f64::from_bits(random.next() >> 1), random.between(-2.0, 2.0)));
    }
    let mut worst = (0, (0.0, 0.0));
    for (x, y) in pairs {
        let distance = ulps(pow(x, y), x.powf(y));
        if distance > worst.0 {
            worst = (distance, (x, y));
        }
    }
    let (distance, (x, y)) = worst;
    assert!(distance <= 1, "{x:?}^{y:?} is {:?}, {distance} ulp from {:?}", pow(x, y), x.powf(y));
}

#[test]
fn slices_have_the_bits_of_single_values() {
    let x = arguments();
    let mut out = vec![0.0; x.len()];
    let slices: [(fn(f64) -> f64, fn(&[f64], &mut [f64])); 13] = [
        (exp, exp_slice),
        (exp2, exp2_slice),
        (exp_m1, exp_m1_slice),
        (ln, ln_slice),
        (ln_1p, ln_1p_slice),
        (log2, log2_slice),
        (log10, log10_slice),
        (sin, sin_slice),
        (cos, cos_slice),
        (tan, tan_slice),
        (sinh, sinh_slice),
        (cosh, cosh_slice),
        (tanh, tanh_slice),
    ];
    for (one, all) in slices {
        all(&x, &mut out);
        for (x, out) in x.iter().zip(&out) {
            let single = one(*x);
            assert!(single.to_bits() == out.to_bits() || (single.is_nan() && out.is_nan()), "{x:?}");
        }
    }
}
