//! Lists: literals, indices, slices, methods that change them, and chains of iterators over them.

#[sabot::udf]
fn total(a: i64, i: i32) -> i64 {
    let v = vec![a / 4, i64::from(i), 7];
    v.iter().sum::<i64>()
}

#[sabot::udf]
fn mean(x: f64, y: f64) -> f64 {
    let v = [x, y, 1.5];
    let sum: f64 = v.iter().sum();
    sum / v.len() as f64
}

#[sabot::udf]
fn no_sum(x: f64) -> f64 {
    let v: Vec<f64> = Vec::new();
    v.iter().sum::<f64>() * if x > 0.0 { 1.0 } else { 2.0 }
}

#[sabot::udf]
fn element(i: i32, u: u32) -> i32 {
    let v = vec![i, 2, 3, 4];
    v[(u % 5) as usize]
}

#[sabot::udf]
fn got(i: i32, u: u32) -> Option<i32> {
    let v = vec![i, 2, 3, 4];
    v.get((u % 6) as usize).copied()
}

#[sabot::udf]
fn sliced(a: i64, u: u32) -> i64 {
    let v: Vec<i64> = (0..10).map(|n| n * 3).collect();
    let from = (u % 12) as usize;
    v[from..].iter().take(3).fold(a / 2, |sum, x| sum.wrapping_mul(31).wrapping_add(*x))
}

#[sabot::udf]
fn squares(u: u32) -> u64 {
    (1..=u64::from(u % 20)).map(|n| n * n).filter(|n| n % 2 == 1).sum()
}

#[sabot::udf]
fn product_of(i: i32) -> i32 {
    (1..=i % 16).product()
}

#[sabot::udf]
fn vowels(s: &str) -> u64 {
    s.chars().filter(|c| "aeiou".contains(*c)).count() as u64
}

#[sabot::udf]
fn reversed(s: &str) -> String {
    s.chars().rev().collect()
}

#[sabot::udf]
fn longest_word(s: &str, t: &str) -> String {
    let text = format!("{s} {t} a bb");
    text.split_whitespace().max_by_key(|word| word.len()).unwrap_or("").to_string()
}

#[sabot::udf]
fn joined(s: &str, t: &str) -> String {
    let mut words: Vec<String> = format!("{s},{t},x").split(',').map(|word| word.trim().to_uppercase()).collect();
    words.sort();
    words.dedup();
    words.join("|")
}

#[sabot::udf]
fn lines_of(s: &str, t: &str) -> String {
    let text = format!("{s}\r\n{t}\n");
    let numbered: Vec<String> = text.lines().enumerate().map(|(n, line)| format!("{n}:{line}")).collect();
    numbered.join(";")
}

#[sabot::udf]
fn split_terminated(s: &str, t: &str) -> String {
    let text = format!("{s};{t};");
    let mut parts = Vec::new();
    for part in text.split_terminator(';') {
        parts.push(part.to_string());
    }
    parts.reverse();
    parts.join("/")
}

#[sabot::udf]
fn split_by_text(s: &str, t: &str) -> u64 {
    let text = format!("{s}--{t}--");
    text.split("--").map(|part| part.len() as u64).fold(0, |hash, n| hash * 10 + n % 10)
}

#[sabot::udf]
fn sorted_down(i: i32, u: u32) -> String {
    let mut v = vec![i, (u % 100) as i32, 3, 1, 2];
    v.sort_by(|a, b| b.cmp(a));
    let shown: Vec<String> = v.iter().map(|n| n.to_string()).collect();
    shown.join(" ")
}

#[sabot::udf]
fn sorted_floats(x: f64, y: f64) -> f64 {
    let mut v = vec![x, 1.0, y, -2.5, 0.0];
    v.sort_by(|a, b| a.total_cmp(b));
    v[2]
}

#[sabot::udf]
fn sorted_by_key(s: &str, t: &str) -> String {
    let mut words = vec![s.to_string(), t.to_string(), "middle".to_string(), "z".to_string()];
    words.sort_by_key(|word| word.len());
    words.concat()
}

#[sabot::udf]
fn pairs_sorted(a: i64, u: u32) -> i64 {
    let mut v = vec![(u % 3, a), (1, 5), (0, 9), (2, -1)];
    v.sort();
    let (_, second) = v[1];
    second
}

#[sabot::udf]
fn mutated(a: i64, u: u32) -> i64 {
    let mut v = Vec::with_capacity(8);
    for n in 0..i64::from(u % 7) {
        v.push(n + a / 4);
    }
    let popped = v.pop().unwrap_or(-1);
    v.insert(0, 100);
    v.push(popped);
    if v.len() > 2 {
        v.swap(0, 2);
        v[1] = 7;
        v[0] += 5;
    }
    let removed = v.remove(0);
    v.truncate(4);
    v.iter().fold(removed, |hash, x| hash.wrapping_mul(7).wrapping_add(*x))
}

#[sabot::udf]
fn retained(i: i32, u: u32) -> i32 {
    let mut v: Vec<i32> = (0..(u % 30) as i32).collect();
    v.retain(|n| n % 3 != i % 3);
    v.extend([1, 2]);
    v.iter().rev().step_by(2).copied().max().unwrap_or(-1)
}

#[sabot::udf]
fn any_and_all(i: i32, u: u32) -> u32 {
    let v = [i, 10, (u % 20) as i32];
    let any = v.iter().any(|n| *n == 10 + i % 2);
    let all = v.iter().all(|n| *n >= 0);
    u32::from(any) * 2 + u32::from(all)
}

#[sabot::udf]
fn found_at(s: &str, u: u32) -> Option<u64> {
    let wanted = if u % 2 == 0 { 'a' } else { 'e' };
    s.chars().position(|c| c == wanted).map(|at| at as u64)
}

#[sabot::udf]
fn first_number(s: &str, t: &str) -> Option<i64> {
    let text = format!("{s} {t} 12");
    text.split(' ').find_map(|word| word.parse::<i64>().ok())
}

#[sabot::udf]
fn zipped(s: &str, t: &str) -> u64 {
    s.bytes().zip(t.bytes()).filter(|(a, b)| a == b).count() as u64
}

#[sabot::udf]
fn chained(i: i32, u: u32) -> i64 {
    let a = vec![i64::from(i), 2];
    let b = vec![i64::from(u), 4];
    a.iter().chain(b.iter()).enumerate().map(|(at, n)| at as i64 * n).sum()
}

#[sabot::udf]
fn windows_of(a: i64, i: i32) -> i64 {
    let v = vec![a / 8, i64::from(i), 3, 9];
    v.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0)
}

#[sabot::udf]
fn chunks_of(u: u32) -> u64 {
    let v: Vec<u64> = (0..u64::from(u % 17)).collect();
    v.chunks(5).map(|chunk| chunk.iter().sum::<u64>()).fold(1, |hash, sum| hash * 3 + sum)
}

#[sabot::udf]
fn flat(u: u32) -> u64 {
    let v: Vec<u64> = (0..u64::from(u % 9)).flat_map(|n| vec![n; (n % 3) as usize]).collect();
    v.iter().sum::<u64>() * 100 + v.len() as u64
}

#[sabot::udf]
fn while_taken(s: &str) -> String {
    let word: String = s.chars().skip_while(|c| !c.is_alphabetic()).take_while(|c| c.is_alphabetic()).collect();
    word
}

#[sabot::udf]
fn indices(s: &str) -> String {
    let spaces: Vec<String> =
        s.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| at.to_string()).collect();
    spaces.join(",")
}

#[sabot::udf]
fn polynomial(x: f64) -> f64 {
    const FACTORS: [f64; 4] = [1.0, -2.0, 0.5, 3.0];
    FACTORS.iter().rev().fold(0.0, |sum, factor| sum * x + factor)
}

#[sabot::udf]
fn least(x: f64, y: f64) -> Option<f64> {
    let v = [x, y, 4.0];
    v.iter().copied().filter(|v| !v.is_nan()).min_by(|a, b| a.partial_cmp(b).unwrap())
}

#[sabot::udf]
fn parted(u: u32) -> u64 {
    let (even, odd): (Vec<u64>, Vec<u64>) = (0..u64::from(u % 13)).partition(|n| n % 2 == 0);
    even.iter().sum::<u64>() * 1000 + odd.len() as u64
}

#[sabot::udf]
fn table(u: u32) -> u32 {
    let mut rows = vec![vec![0_u32; 3]; 2];
    rows[(u % 2) as usize][(u % 3) as usize] = u % 50;
    rows[0][0] += 1;
    rows.iter().flatten().enumerate().map(|(at, n)| at as u32 * n).sum()
}

#[sabot::udf]
fn options(i: i32, u: u32) -> i64 {
    let v = vec![Some(i64::from(i)), None, i64::from(u).checked_sub(10)];
    v.iter().flatten().sum::<i64>() + v.iter().filter(|x| x.is_none()).count() as i64
}

#[sabot::udf]
fn last_and_nth(s: &str) -> String {
    let last = s.split(' ').last().unwrap_or("-").to_string();
    let nth = s.split(' ').nth(1).unwrap_or("?").to_string();
    format!("{last}+{nth}")
}

#[sabot::udf]
fn compared(i: i32, u: u32) -> bool {
    let a = vec![i, 2];
    let b = vec![(u % 4) as i32, 1];
    a < b || a == vec![0, 2]
}

#[sabot::udf]
fn median(x: f64, y: f64) -> f64 {
    middle(&[x, y, 2.0])
}

fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
