//! Random code: of wrong code nothing panics, of right code a well-formed plan is made.

use super::{computed, job_text, outcome};
use random_code::{HELPERS, Random};

#[path = "../../../tests/random_code/mod.rs"]
mod random_code;

/// Jobs with exchanged words that a run of the tests tries.
const CHANGES: usize = 200;
/// Well-typed programs that a run of the tests tries.
const PROGRAMS: usize = 60;

/// What words are exchanged in.
pub(super) const SEEDS: &[&str] = &[
    "quotes.key_by(|q| q.symbol.clone()).aggregate(|g| Out { k: g.key(), x: g.sum(|q| q.volume) / g.count(), y: g.avg(|q| q.price) + g.sum(|q| q.volume) as f64 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.key_by(|q| (q.symbol, q.volume / n)).aggregate(|g| { let total = g.sum(|q| q.price); let f = n as f64 * 2.0; Out { k: g.key().0, x: g.key().1, y: if total > 0.0 { g.sum_if(|q| q.price * f, |q| q.hot) / total } else { 0.0 } } }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.aggregate(|g| { let last = g.last(|q| q); Out { k: last.symbol, x: g.arg_max(|q| q.price, |q| q.volume), y: g.median(|q| q.bid).unwrap_or(0.0) } }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.key_by(|q| q.symbol).aggregate(|g| Out { k: g.symbol, x: g.sum(|q| q.symbol), y: g.sum(|q| g.sum(|r| r.price)) }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.key_by(|q| q.symbol).aggregate(|g| { let t = g.count(); Out { k: g.key(), x: g.sum(|q| q.volume * t), y: g.summ(|q| q.price) } }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.aggregate(|g| Out { k: g.key(), x: g.count(|q| q.hot), y: g.sum(price) }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.hash_join(securities).on(|q| q.instrument_id, |s| s.id).left().map(|q, s| Pair { price: q.price, name: s.map(|s| s.name).unwrap_or(\"?\".into()), sector: s.and_then(|s| s.sector).unwrap_or_default(), weight: match s { Some(s) => s.weight * 2.0, None => 0.0 } }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.hash_join(securities).on(|q| q.instrument_id, |s| s.id).full().map(|q, s| { let price = q.map_or(0.0, |q| q.price); match s { Some(s) if s.weight > price => Pair { price, name: s.name, sector: \"a\".into(), weight: s.weight }, Some(s) => Pair { price, name: s.name, sector: s.sector.unwrap_or(\"b\".into()), weight: 0.0 }, None => Pair { price, name: \"\".into(), sector: \"\".into(), weight: 0.0 } } }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.hash_join(securities).on(|q| q.instrument_id, |s| s.id).left().map(|q, s| Pair { price: q.price, name: s.name, sector: s.sector, weight: 0.0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.hash_join(securities).on(|q| q.symbol, |s| s.id).map(|q, s| Pair { price: q.price, name: s.name, sector: s.sector, weight: 0.0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.hash_join(securities).on(|q| q.lots, |s| s.id).semi().filter(|q| q.price).sink(\"o\", csv(\"o.csv\"));",
    "quotes.hash_join(securities).on(|q| (q.symbol, q.instrument_id), |s| (s.name, s.id)).semi().filter(|q| q.hot).top_n(3, |q| q.price).sink(\"o\", csv(\"o.csv\"));",
    "quotes.filter_map(|q| { let b = q.bid; b.map(|b| Out { k: q.symbol, x: 1, y: b }) }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.filter_map(|q| { let b = match q.bid { Some(b) => b, None => return None }; if b > q.price { return None; } Some(Out { k: q.symbol, x: q.volume / 3, y: b / 2.0 }) }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.filter_map(|q| q).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| (q.price, q.volume)).filter(|(p, v)| p > 1.0 && v > 0).map(|t| Out { k: \"\".into(), x: t.1, y: t.0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.union(securities).sink(\"o\", csv(\"o.csv\"));",
    "quotes.select(fields![symbol, prise]).sink(\"o\", csv(\"o.csv\"));",
    "quotes.select(fields![symbol, price]).map(|r| Out { k: r.symbol, x: r.volume, y: r.price }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.filter(|q| q.price > 1).filter(|q| q.foo).map(|q| Out { k: 1, x: q.bar, y: q.price }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.key_by(|q| q.symbol).window(tumbling(minutes(5))).aggregate(|w| Out { k: w.key(), x: 1, y: 1.0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.dedup(|q| (q.symbol, q.lots)).order_by(|q| (q.symbol, q.price)).limit(5).errors(\"bad\", ndjson(\"bad.ndjson\")).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| Out { k: q.symbol, x: q.volume / n, y: 1.0 }).errors(\"bad\", ndjson(\"bad.ndjson\")).sink(\"o\", csv(\"o.csv\"));",
    "quotes.event_time(|q| q.price, lateness(seconds(1))).sink(\"o\", csv(\"o.csv\"));",
    "quotes.flat_map(|q| vec![q]).sink(\"o\", csv(\"o.csv\"));",
    "quotes.key_by(|q| q.symbol).top_n(1, |q| q.price).key_by(|q| q.hot).reduce(|a, b| a).sink(\"o\", csv(\"o.csv\"));",
    "quotes.key_by(|q| q.symbol).aggregate(|g| Out { k: match g.key().as_str() { \"A\" => \"a\".into(), k => k }, x: g.count_distinct(|q| q.venue), y: g.max(|q| q.bid).unwrap_or(f64::NAN) + g.stddev(|q| q.price) }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q: Security| q).sink(\"o\", csv(\"o.csv\"));",
    "quotes.filter_map(|q| { let b = match q.bid { Some(b) => b, None => return None }; if b > q.price { return None; } Some(Out { k: q.symbol, x: q.volume / 3, y: b / 2.0 }) }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.aggregate(|g| { let last = g.last(|q| q); Out { k: last.symbol, x: g.arg_max(|q| q.price, |q| q.volume), y: g.median(|q| q.bid).unwrap_or(0.0) } }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.key_by(|q| q.symbol).aggregate(|g| { let t = g.count(); Out { k: g.key(), x: g.sum(|q| q.volume * t), y: g.sum(|q| q.price) } }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.key_by(|q| q.symbol).aggregate(|g| { let best = g.arg_max(|q| q.price, |q| (q.symbol, q.bid)); Out { k: best.0, x: if g.count() > 3 { return Out { k: g.key(), x: 1, y: 2.0 }; } else { 5 }, y: best.1.unwrap_or(0.0) } }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| { let o = if q.lots > 0 { Some((q.volume / n, q.price)) } else { None }; match o { Some((a, p)) => Out { k: \"\".into(), x: a, y: p }, None => Out { k: \"x\".into(), x: 0, y: 0.0 } } }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.hash_join(securities).on(|q| q.lots, |s| s.id).semi().sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| Out { k: q.symbol, x: 1, y: 1.0 }).filter(|o| o.x > 1.0).sink(\"p\", csv(\"p.csv\")); quotes.map(|q| Out { k: q.symbol, x: match q.volume { _ => 1, 2 => 3 }, y: q.bid + 1.0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| Out { k: q.symbol, x: match q.volume { _ => 1, 2 => 3 }, y: 1.0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.select(fields![symbol, price]).map(|r| Out { k: r.symbol, x: r.volume, y: r.price }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| 1 + 2 * 3).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.price * 2.0 - -1.5).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| -9223372036854775808).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| i64::MIN + n).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| 300 as u8).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| (300 + 1) as u8).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| 3 as f64).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| std::f64::consts::PI).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| f64::NAN.max(q.price)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.price as f32 * 0.1).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume << 3 | 1).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| !(q.hot && q.price > 1.0) || q.volume == 0).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| if q.hot { q.volume } else if n > 3 { 1 } else { 0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| { let (a, b) = (q.volume, n); let c = a / b; c + c }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| { let _ = q.volume / n; 5 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.volume { 0 => \"none\", 1 | 2 => \"few\", 3..=9 if q.hot => \"hot\", i64::MIN..=-1 => \"neg\", _ => \"many\" }.to_string()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.symbol.as_str() { \"A\" | \"B\" => \"x\".into(), other => other.to_string() }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.bid.unwrap_or(0.0)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.bid.map(|b| b * 2.0).unwrap_or(q.price)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.bid.map(|b| b + 1.0).filter(|b| *b > 3.0)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.bid.and_then(|b| if b > 0.0 { Some(b.sqrt()) } else { None })).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.bid.map_or(1.0, |b| b.abs())).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.bid.is_none() && q.venue.is_some()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.bid { Some(b) if b > 10.0 => b, Some(b) => -b, None => 0.0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.bid { None => 0.0, Some(b) => b + 1.0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| if let Some(b) = q.bid { b } else { 0.0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| if let Some(b) = q.bid { b * 2.0 } else { q.price }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match (q.hot, q.bid) { (true, Some(b)) if b > 1.0 => 1, (false, _) => 2, (true, _) => 3 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.volume.checked_add(n) { Some(x) => x, None => i64::MAX }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume.checked_mul(n).unwrap_or(-1)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.symbol.starts_with(\"A\") && q.symbol.len() > 3).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.symbol.len() as u64).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| Some(q.volume).filter(|v| *v > 0)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.at - q.at).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.at - q.at > seconds(5)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| minutes(n)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| (q.volume, n).1).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| (q.volume, n) == (1, 2)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| (q.volume, q.price) < (1, 2.0)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.volume { x @ 1..=5 => x, x => x * 2 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match (q.volume, n) { (x, 0) | (0, x) => x, _ => 7 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.bid == Some(3.0)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.hot.then(|| q.price)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume.count_ones() + q.lots.pow(2)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume.abs_diff(3)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| f64::from(q.lots) + i64::from(q.lots) as f64).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.lots.into()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.price.powi(2).mul_add(2.0, 1.0).clamp(0.0, 9.0)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| std::cmp::max(q.volume, n)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| None).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| { if q.volume < 0 { return Out { x: 0 }; } q.volume }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.hot { true => 1, false => 0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.volume { 0..=9 => 1, 10.. => 2, _ => 3 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.venue.or(Some(q.symbol.clone()))).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.venue.unwrap_or_default()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.venue.as_deref() == Some(\"X\")).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.venue.is_some_and(|v| v.starts_with(\"N\"))).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.venue.map(Some).unwrap_or(None)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume % n).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.price * 2).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume * q.price).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.prise).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.instrumentId).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| price).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.bid).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.bid + 1.0).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.price).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.price).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| if q.volume { 1 } else { 2 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| if q.hot { 1 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| if q.hot { 1 } else { 2.0 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| -q.lots).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| 256).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| 5_000_000_000 as f64).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| 2.0.powi(2)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| { let x = 2.0; x.sqrt() }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.symbol + \"x\").sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume.to_string()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| format!(\"{}\", q.volume)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.symbol.trim()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.symbol.to_upper()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.volume { 1 => 1, 5..=9 => 2 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.bid { Some(_) => 1 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match (q.hot, q.bid) { (true, _) => 1, (_, None) => 2 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.symbol.as_str() { \"A\" => 1 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.volume { _ => 1, 2 => 3 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| { let Some(x) = q.bid; 1 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| undefined(q.volume)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume.unwrap_or(3)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.bid.unwrap()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.bid.sqrt()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.price as bool).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.hot as f64).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume == q.lots).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume > 1.5).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.symbol > 1).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| { let f = |x| x; 1 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| 1 + return Out { x: 1 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| None.is_some() as i64).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| seconds(5)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.at + seconds(5)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| f64::MAXX).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| 'c').sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume.0).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| (1, 2).5).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| Quote).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume.pow(2.0)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume.pow(1, 2)).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume & 1.0).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.volume << 1.0).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| !q.price).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| !q.volume + \"a\").sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.symbol.len()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.symbol.len()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.price.into()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| q.venue.len()).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.volume { Some(x) => x, _ => 1 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.volume { \"a\" => 1, _ => 1 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.lots { -1 => 1, _ => 1 }).sink(\"o\", csv(\"o.csv\"));",
    "quotes.map(|q| match q.bid { Some(x) | None => 1 }).sink(\"o\", csv(\"o.csv\"));",
];

/// Jobs with words exchanged at random: whatever is said, nothing panics, and a plan that comes out is well formed.
#[test]
fn no_change_of_words_makes_a_panic() {
    let seeds: Vec<String> = SEEDS.iter().map(|body| job_text(body)).collect();
    for seed in &seeds {
        assert_eq!(outcome(seed).starts_with("job "), outcome(&tokens(seed).join(" ")).starts_with("job "), "{seed}");
    }
    let mut words: Vec<String> = Vec::new();
    for seed in &seeds {
        words.extend(tokens(seed).into_iter().map(str::to_owned));
    }
    words.extend(
        [
            "-1",
            "0",
            "1.5",
            "None",
            "Some(1)",
            "q",
            "s",
            "g",
            "true",
            "\"x\"",
            "return",
            "i64",
            "u8",
            "as",
            "if",
            "else",
            "{",
            "}",
            "(",
            ")",
            ".key()",
            ".unwrap_or(0)",
            "f64::MAX",
            "&",
            "*",
            "!",
            "-",
            "_",
            "..",
            "=>",
            "|",
            "?",
            "<<",
            "300",
            "9223372036854775807",
            "Option<f64>",
            "(1, 2)",
            "match q.bid { Some(x) => x, None => 0.0 }",
            "{ return }",
            "q.bid",
            "q.hot",
            "seconds(1)",
            ".0",
        ]
        .map(str::to_owned),
    );
    words.sort();
    words.dedup();
    let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
    let mut next = |below: usize| random.below(below);
    let head = tokens(&job_text("")).len() - 1;
    let mut plans = 0;
    for _ in 0..CHANGES {
        let seed = &seeds[next(seeds.len())];
        let mut parts: Vec<String> = tokens(seed).into_iter().map(str::to_owned).collect();
        for _ in 0..=next(3) {
            let at = head + next(parts.len() - head);
            match next(12) {
                0 => parts[at] = words[next(words.len())].clone(),
                1 => {
                    parts.remove(at);
                }
                2 => parts.insert(at, words[next(words.len())].clone()),
                // A word of the same kind: most of these are Rust still.
                _ => {
                    let alike: Vec<&String> =
                        words.iter().filter(|word| kind_of(word) == kind_of(&parts[at])).collect();
                    if !alike.is_empty() && kind_of(&parts[at]) < 5 {
                        parts[at] = alike[next(alike.len())].clone();
                    }
                }
            }
        }
        let job = parts.join(" ");
        let result = std::panic::catch_unwind(|| outcome(&job));
        match result {
            Ok(text) => plans += usize::from(text.starts_with("job ")),
            Err(_) => panic!("{job}"),
        }
    }
    assert!(plans > 0, "some of it is right by chance");
}

/// Name, number, text, operator or anything else.
fn kind_of(word: &str) -> u8 {
    match word.chars().next() {
        Some('a'..='z' | '_') => 0,
        Some('A'..='Z') => 1,
        Some('0'..='9') => 2,
        Some('"') => 3,
        Some('+' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | '&' | '|' | '-') => 4,
        _ => 5,
    }
}

fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = if rest.starts_with("..=") {
            3
        } else if first == '"' {
            rest[1..].find('"').map_or(rest.len(), |end| end + 2)
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !is_word(c) && c != '.').unwrap_or(rest.len());
            rest[..end].find("..").unwrap_or(end)
        } else if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if let Some(two) =
            rest.get(..2).filter(|two| ["=>", "==", "<=", ">=", "&&", "||", "::", "->", "..", "!=", "<<"].contains(two))
        {
            two.len()
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            tokens.push(&rest[..end]);
        }
        rest = &rest[end..];
    }
    tokens
}

/// What rustc takes the checker takes, and makes well-formed plans of.
#[test]
fn what_is_well_typed_is_accepted() {
    let mut random = Random::new(0x0123_4567_89ab_cdef);
    for round in 0..PROGRAMS {
        let depth = 1 + round % 4;
        let code = random.code("Mini", depth, &mut Vec::new());
        let text = computed(HELPERS, "x: i64", &code);
        assert!(!text.contains("E0"), "{code}\n{text}");
    }
}

#[test]
fn what_loops_is_accepted() {
    let mut random = Random::new(0x0f1e_2d3c_4b5a_6978);
    for round in 0..PROGRAMS / 4 {
        let code = random.program(2 + round % 3);
        let text = computed(HELPERS, "x: i64", &code);
        assert!(text.starts_with("a = "), "{code}\n{text}");
    }
}
