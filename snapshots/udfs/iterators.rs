//! Iterators in variables, chains that end early, go backwards, look ahead; parts of strings.

#[sabot::udf]
fn titled(s: &str) -> String {
    let mut chars = s.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().collect::<String>() + &chars.as_str().to_lowercase(),
        None => String::new(),
    }
}

#[sabot::udf]
fn second_and_count(s: &str) -> i64 {
    let mut it = s.chars();
    it.next();
    let second = it.next().map_or(-1, |c| i64::from(u32::from(c)));
    second + it.count() as i64
}

#[sabot::udf]
fn runs(s: &str) -> String {
    let mut it = s.chars().peekable();
    let mut out = String::new();
    while let Some(c) = it.next() {
        let mut n = 1;
        while it.peek() == Some(&c) {
            it.next();
            n += 1;
        }
        out.push(c);
        out.push_str(&n.to_string());
    }
    out
}

#[sabot::udf]
fn number_in_front(s: &str) -> String {
    let mut it = s.chars().peekable();
    let mut digits = String::new();
    while let Some(c) = it.next_if(|c| c.is_ascii_digit() || *c == '-') {
        digits.push(c);
    }
    let blank = it.next_if_eq(&' ').is_some();
    format!("{digits}|{blank}|{}", it.collect::<String>())
}

#[sabot::udf]
fn two_ways(s: &str) -> String {
    let mut words = s.split(' ');
    let first = words.next().unwrap_or("");
    let rest = words.clone().count();
    let all: Vec<&str> = words.collect();
    format!("{first}:{rest}:{}", all.join("+"))
}

#[sabot::udf]
fn taken_in_turn(u: u32) -> u64 {
    let n = u64::from(u % 30);
    let mut it = (0..n).filter(|k| k % 3 != 1);
    let mut sum = 0;
    while let Some(a) = it.next() {
        let b = it.next().unwrap_or(100);
        sum = sum * 7 + a * b;
    }
    sum
}

#[sabot::udf]
fn by_ref(s: &str) -> String {
    let mut it = s.chars();
    let head: String = it.by_ref().take_while(|c| c.is_alphabetic()).collect();
    let tail: String = it.rev().collect();
    format!("{head}/{tail}")
}

#[sabot::udf]
fn after_the_end(s: &str) -> i64 {
    let mut it = s.chars().take_while(|c| *c != ' ');
    let mut n = 0;
    for _ in 0..6 {
        n = n * 2 + i64::from(it.next().is_some());
    }
    n
}

#[sabot::udf]
fn for_over_it(s: &str, t: &str) -> String {
    let pairs = s.chars().zip(t.chars()).enumerate();
    let mut out = String::new();
    for (i, (a, b)) in pairs {
        if i % 2 == 0 {
            out.push(a);
        } else {
            out.push(b);
        }
    }
    out
}

#[sabot::udf]
fn all_numbers(s: &str) -> Option<i64> {
    let parts = s.split(',').map(|part| part.trim().parse::<i64>().ok()).collect::<Option<Vec<i64>>>()?;
    Some(parts.len() as i64)
}

#[sabot::udf]
fn all_results(s: &str) -> i64 {
    let parts = s.split(' ').map(|part| part.parse::<f64>()).collect::<Result<Vec<_>, _>>();
    match parts {
        Ok(parts) => parts.len() as i64,
        Err(_) => -1,
    }
}

#[sabot::udf]
fn all_digits(s: &str) -> Option<String> {
    s.chars().map(|c| c.to_digit(36).and_then(|d| char::from_digit(d, 36))).collect()
}

#[sabot::udf]
fn sum_of_all(s: &str) -> Option<u32> {
    s.chars().map(|c| c.to_digit(10)).sum()
}

#[sabot::udf]
fn product_of_all(s: &str) -> Option<u64> {
    s.chars().map(|c| c.to_digit(16).map(u64::from)).product::<Option<u64>>()
}

#[sabot::udf]
fn checked_sum(a: i64, b: i64, i: i32) -> Option<i64> {
    [a, b, i64::from(i)].iter().try_fold(1i64, |sum, x| sum.checked_add(*x))
}

#[sabot::udf]
fn running(u: u32) -> i64 {
    let n = i64::from(u % 12);
    (1..=n).scan(10, |left, x| { *left -= x; if *left < -20 { None } else { Some(*left) } }).fold(0, |a, x| a * 3 + x)
}

#[sabot::udf]
fn stepped_back(u: u32) -> u32 {
    let n = u % 25;
    let mut sum = 0;
    for k in (0..n).step_by(4).rev() {
        sum = sum * 10 + k;
    }
    sum + (3..n).step_by(2).rev().map(|k| k * k).take(2).sum::<u32>()
}

#[sabot::udf]
fn words_back(s: &str) -> String {
    s.split_whitespace().rev().collect::<Vec<_>>().join(" ")
}

#[sabot::udf]
fn chars_back(s: &str) -> String {
    s.char_indices().rev().filter(|(i, _)| i % 2 == 0).map(|(_, c)| c).collect()
}

#[sabot::udf]
fn numbered_back(s: &str) -> String {
    s.split(',').collect::<Vec<_>>().iter().enumerate().rev().map(|(i, p)| format!("{i}{p}")).collect::<Vec<_>>().concat()
}

#[sabot::udf]
fn from_behind(s: &str, t: &str) -> String {
    s.rsplit(t).map(|part| format!("[{part}]")).collect::<String>()
}

#[sabot::udf]
fn some_parts(s: &str, t: &str, u: u32) -> String {
    let n = (u % 4) as usize;
    let front: Vec<&str> = s.splitn(n, t).collect();
    let back: Vec<&str> = s.rsplitn(n, t).collect();
    format!("{}/{}", front.join("|"), back.join("|"))
}

#[sabot::udf]
fn inclusive(s: &str) -> String {
    s.split_inclusive(' ').map(|part| format!("<{part}>")).collect::<String>()
}

#[sabot::udf]
fn terminated(s: &str) -> String {
    let front: Vec<&str> = s.split_terminator(|c: char| c == ',' || c == ' ').collect();
    let back: Vec<&str> = s.rsplit_terminator(',').collect();
    format!("{}/{}", front.join("|"), back.join("|"))
}

#[sabot::udf]
fn found(s: &str, t: &str) -> String {
    let all: Vec<String> = s.match_indices(t).map(|(i, part)| format!("{i}{part}")).collect();
    let back: Vec<String> = s.rmatch_indices(t).map(|(i, part)| format!("{i}{part}")).collect();
    format!("{} {} {} {}", s.matches(t).count(), s.rmatches(char::is_numeric).count(), all.join(","), back.join(","))
}

#[sabot::udf]
fn by_condition(s: &str) -> String {
    let words: Vec<String> =
        s.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(|w| w.to_lowercase()).collect();
    let spaces = s.split(char::is_whitespace).count();
    let back: Vec<&str> = s.rsplit([' ', ',']).collect();
    format!("{}|{spaces}|{}", words.join("-"), back.join("+"))
}

#[sabot::udf]
fn by_first(s: &str) -> String {
    let (a, b) = s.split_once(|c: char| c.is_whitespace()).unwrap_or((s, "-"));
    let (c, d) = s.rsplit_once([',', ' ']).unwrap_or(("-", s));
    let stripped = s.strip_prefix(char::is_alphabetic).unwrap_or("none");
    let end = s.strip_suffix(|c: char| c.is_ascii_digit()).unwrap_or("none");
    format!("{a}|{b}|{c}|{d}|{stripped}|{end}")
}

#[sabot::udf]
fn replaced(s: &str) -> String {
    s.replace(['a', 'e'], "_").replace(|c: char| c.is_ascii_digit(), "#").replace(char::is_whitespace, "")
}

#[sabot::udf]
fn halves(s: &str, u: u32) -> String {
    let (a, b) = s.split_at((u % 5) as usize);
    format!("{b}{a}")
}

#[sabot::udf]
fn changed(s: &str, t: &str) -> String {
    let mut text = s.to_string();
    text.retain(|c| c != ' ' && !t.contains(c));
    text.extend(t.chars().rev());
    text.extend(["<", ">"]);
    let tail = text.split_off(1);
    format!("{tail}|{text}")
}

#[sabot::udf]
fn cases(s: &str) -> String {
    let upper: String = s.chars().flat_map(char::to_uppercase).collect();
    let lower: String = s.chars().flat_map(|c| c.to_lowercase()).collect();
    let each: Vec<String> = s.chars().take(3).map(|c| c.to_uppercase().to_string()).collect();
    format!("{upper}{lower}{}", each.join("."))
}

#[sabot::udf]
fn lists_taken_apart(a: i64, b: i64, i: i32, u: u32) -> Option<i64> {
    let mut v = vec![a / 4, b / 4, i64::from(i), 7, 9];
    v.rotate_left((u % 6) as usize);
    let (first, rest) = v.split_first()?;
    let (front, back) = rest.split_at(2);
    let (last, _) = back.split_last()?;
    let sum = first.wrapping_mul(3).wrapping_sub(*last).wrapping_add(front[0]);
    let tail = v.split_off(3);
    Some(sum.wrapping_add((tail.len() as i64).wrapping_mul(v[0])))
}

#[sabot::udf]
fn drained(u: u32) -> i64 {
    let mut v: Vec<i64> = (0..10).collect();
    let from = (u % 8) as usize;
    let gone: i64 = v.drain(from..from + 3).sum();
    gone * 1000 + v.iter().fold(0, |a, x| a * 2 + x)
}

#[sabot::udf]
fn exact_pieces(u: u32) -> i64 {
    let v: Vec<i64> = (0..i64::from(u % 11)).collect();
    v.chunks_exact(3).map(|c| c[0] * c[2]).sum::<i64>()
}

#[sabot::udf]
fn compared(a: i64, b: i64, i: i32) -> i64 {
    let v = vec![a, b, i64::from(i)];
    let same = v.iter().eq([a, b].iter());
    let sorted = v.is_sorted();
    let last = v.iter().rposition(|x| *x < 0).map_or(-1, |at| at as i64);
    let found = v.iter().rfind(|x| **x > 3).copied().unwrap_or(-5);
    last.wrapping_add(found).wrapping_add(i64::from(same)).wrapping_add(i64::from(sorted) * 2)
}

#[sabot::udf]
fn halving(u: u32) -> u64 {
    std::iter::successors(Some(u64::from(u)), |x| if *x > 1 { Some(x / 2) } else { None }).map(|x| x % 10).sum()
}

#[sabot::udf]
fn filled(s: &str, u: u32) -> String {
    let stars: String = std::iter::repeat('*').take((u % 5) as usize).collect();
    let more: String = std::iter::once('<').chain(s.chars()).chain(std::iter::repeat_n('>', 2)).collect();
    stars + &more
}

#[sabot::udf]
fn mapped(s: &str, t: &str) -> String {
    [s, t].map(|part| part.trim().to_uppercase()).join(",")
}
