//! Maps, sets, queues and heaps, and functions over bytes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};

#[sabot::udf]
fn counted(s: &str) -> String {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    for c in s.chars() {
        *counts.entry(c).or_insert(0) += 1;
    }
    counts.iter().map(|(c, n)| format!("{c}{n}")).collect()
}

#[sabot::udf]
fn inserted(a: i64, b: i64) -> String {
    let mut map = BTreeMap::new();
    let first = map.insert(a, "a");
    let second = map.insert(b, "b");
    let third = map.insert(7, "c");
    format!("{first:?} {second:?} {third:?} {} {:?}", map.len(), map.get(&a))
}

#[sabot::udf]
fn removed(a: i64, b: i64) -> String {
    let mut map = BTreeMap::from([(1, 10), (7, 70), (10, 100), (100, 1000)]);
    let gone = map.remove(&a);
    let other = map.remove_entry(&b);
    format!("{gone:?} {other:?} {}", map.values().sum::<i32>())
}

#[sabot::udf]
fn looked_up(a: i64) -> i64 {
    let map: HashMap<i64, i64> = (0..12).map(|n| (n * n, n)).collect();
    match map.get(&a) {
        Some(n) => *n,
        None if map.contains_key(&(a / 2)) => -1,
        None => map[&100],
    }
}

#[sabot::udf]
fn missing_key(u: u32) -> u32 {
    let map = BTreeMap::from([(0u32, 1u32), (1, 2), (7, 3), (64, 4)]);
    map[&u]
}

#[sabot::udf]
fn grouped(s: &str) -> String {
    let mut words: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for word in s.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        words.entry(word.len()).or_default().push(word.to_lowercase());
    }
    let lines: Vec<String> = words.into_iter().map(|(n, words)| format!("{n}:{}", words.join("+"))).collect();
    lines.join(";")
}

#[sabot::udf]
fn modified(s: &str) -> u32 {
    let mut counts: HashMap<char, u32> = HashMap::new();
    for c in s.chars() {
        counts.entry(c).and_modify(|n| *n *= 2).or_insert(1);
    }
    if let Some(n) = counts.get_mut(&'a') {
        *n += 100;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    most + counts.len() as u32
}

#[sabot::udf]
fn with_default(a: i64, b: i64) -> i64 {
    let mut sums: HashMap<bool, i64> = HashMap::new();
    for n in [a, b, 3, -3] {
        let sum = sums.entry(n > 0).or_insert_with(|| 10);
        *sum = sum.wrapping_add(n);
    }
    sums[&true].wrapping_sub(*sums.get(&false).unwrap_or(&0))
}

#[sabot::udf]
fn ends(a: i64, b: i64) -> String {
    let mut map: BTreeMap<i64, char> = [(a, 'a'), (b, 'b'), (5, 'c')].into_iter().collect();
    let least = map.first_key_value().map(|(k, v)| format!("{k}{v}"));
    let last = map.pop_last();
    let first = map.pop_first();
    format!("{least:?} {first:?} {last:?} {}", map.is_empty())
}

#[sabot::udf]
fn ranged(a: i64) -> i64 {
    let map: BTreeMap<i64, i64> = (0..20).map(|n| (n * 7, n)).collect();
    let near: i64 = map.range(0..a).map(|(_, v)| v).sum();
    near * 100 + map.range(63..=70).count() as i64
}

#[sabot::udf]
fn kept(a: i64, b: i64) -> String {
    let mut map = BTreeMap::from([(a, 1), (b, 2), (2, 3), (63, 4)]);
    map.retain(|k, v| k % 2 == 0 || *v > 3);
    map.extend([(1, 9), (2, 8)]);
    map.keys().map(|k| k.to_string()).collect::<Vec<_>>().join(",")
}

#[sabot::udf]
fn distinct(s: &str, t: &str) -> String {
    let left: BTreeSet<char> = s.chars().collect();
    let right: BTreeSet<char> = t.chars().collect();
    let both: String = left.intersection(&right).collect();
    let any: String = left.union(&right).take(5).collect();
    let one = left.difference(&right).count() + left.symmetric_difference(&right).count();
    format!("{both}|{any}|{one}|{}|{}", left.is_subset(&right), left.is_disjoint(&right))
}

#[sabot::udf]
fn seen_twice(s: &str) -> Option<String> {
    let mut seen = HashSet::new();
    for c in s.chars() {
        if !seen.insert(c) {
            return Some(c.to_string());
        }
    }
    None
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Side {
    Buy,
    Sell,
}

#[sabot::udf]
fn unordered_keys(a: i64, b: i64) -> i64 {
    let mut book: HashMap<Side, i64> = HashMap::new();
    for n in [a, b, 1] {
        let side = if n % 2 == 0 { Side::Buy } else { Side::Sell };
        *book.entry(side).or_insert(0) += n / 4;
    }
    book.remove(&Side::Buy).unwrap_or(-5) + book.get(&Side::Sell).copied().unwrap_or_default()
}

#[sabot::udf]
fn last_three(s: &str) -> String {
    let mut window: VecDeque<char> = VecDeque::new();
    let mut out = String::new();
    for c in s.chars() {
        window.push_back(c);
        if window.len() > 3 {
            window.pop_front();
        }
        if let Some(first) = window.front() {
            out.push(*first);
        }
    }
    window.push_front('<');
    out.extend(window.iter());
    format!("{out}{:?}{}", window.back(), window[0])
}

#[sabot::udf]
fn queue_of_pairs(u: u32) -> u32 {
    let mut queue = VecDeque::from([(0u32, 0u32)]);
    let mut steps = 0u32;
    while let Some((n, depth)) = queue.pop_front() {
        steps = steps.max(depth);
        if n < u % 20 {
            queue.push_back((n + 3, depth + 1));
        }
    }
    steps
}

#[sabot::udf]
fn least_first(a: i64, b: i64) -> String {
    let mut heap = BinaryHeap::new();
    for n in [a, b, 5, -1] {
        heap.push(Reverse(n));
    }
    let mut out = Vec::new();
    while let Some(Reverse(n)) = heap.pop() {
        out.push(n.to_string());
    }
    out.join(" ")
}

#[sabot::udf]
fn greatest(a: i64, b: i64) -> String {
    let mut heap: BinaryHeap<(i64, char)> = vec![(a, 'a'), (b, 'b'), (7, 'c')].into_iter().collect();
    let top = heap.pop();
    let next = heap.peek().copied();
    format!("{top:?} {next:?} {}", heap.into_sorted_vec().len())
}

#[sabot::udf]
fn downwards(s: &str) -> String {
    let mut chars: Vec<(u32, char)> = s.chars().map(|c| (c as u32 % 5, c)).collect();
    chars.sort_by_key(|&(n, c)| (Reverse(n), c));
    let most = s.chars().max_by_key(|c| Reverse(*c as u32));
    format!("{}{most:?}", chars.into_iter().map(|(_, c)| c).collect::<String>())
}

#[sabot::udf]
fn maps_in_a_loop(s: &str, t: &str) -> bool {
    let count = |text: &str| {
        let mut counts = BTreeMap::new();
        for c in text.chars() {
            *counts.entry(c).or_insert(0) += 1;
        }
        counts
    };
    count(s) == count(t)
}

#[sabot::udf]
fn map_of_maps(s: &str) -> String {
    let mut by: BTreeMap<bool, BTreeMap<char, i32>> = BTreeMap::new();
    for c in s.chars() {
        *by.entry(c.is_alphabetic()).or_default().entry(c).or_insert(0) += 1;
    }
    by.into_iter().map(|(k, inner)| format!("{k}{}", inner.len())).collect()
}

fn bump(counts: &mut BTreeMap<u32, u32>, key: u32) {
    *counts.entry(key).or_insert(0) += 1;
}

#[sabot::udf]
fn lent(u: u32) -> u32 {
    let mut counts = BTreeMap::new();
    for i in 0..u % 9 {
        bump(&mut counts, i % 3);
    }
    counts.values().fold(0, |all, n| all * 10 + n)
}

// ---- bytes ----

#[sabot::udf]
fn digits(s: &str) -> String {
    let mut bytes: Vec<u8> = s.bytes().filter(|b| b.is_ascii_digit()).collect();
    bytes.push(b'!');
    bytes.reverse();
    bytes[0] = b'?';
    String::from_utf8(bytes).unwrap_or_default()
}

#[sabot::udf]
fn checksum(s: &str) -> u32 {
    let mut sum = 0u32;
    for (i, &byte) in s.as_bytes().iter().enumerate() {
        sum = sum.wrapping_mul(31) ^ u32::from(byte) << (i % 4);
    }
    for part in s.as_bytes().chunks(3) {
        sum ^= part.iter().map(|b| *b as u32).sum::<u32>();
    }
    sum
}

#[sabot::udf]
fn hexed(s: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = Vec::with_capacity(s.len() * 2);
    for b in s.as_bytes() {
        out.push(DIGITS[(b >> 4) as usize]);
        out.push(DIGITS[(b & 15) as usize]);
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[sabot::udf]
fn sorted_bytes(s: &str) -> String {
    let mut bytes = s.as_bytes().to_vec();
    bytes.retain(u8::is_ascii_alphanumeric);
    bytes.sort();
    bytes.dedup();
    bytes.iter().map(|b| *b as char).collect()
}

#[sabot::udf]
fn byte_order(a: i64, u: u32, x: f64) -> u64 {
    let bytes = a.to_be_bytes();
    let turned = u32::from_le_bytes(u.to_be_bytes());
    u64::from(bytes[7]) + u64::from(bytes[0]) * 256 + u64::from(turned) + u64::from(x.to_bits() > 1 << 63)
}

#[sabot::udf]
fn bits(a: i64, u: u32) -> bool {
    f64::from_bits(a as u64) > 1.0 || f32::from_bits(u).is_nan()
}

#[sabot::udf]
fn radix(s: &str) -> Option<i64> {
    i64::from_str_radix(s.trim(), 16).ok().or_else(|| i8::from_str_radix(s, 36).ok().map(i64::from))
}

#[sabot::udf]
fn searched(a: i64, i: i32) -> String {
    let sorted = vec![-7, 0, 1, 2, 7, 10, 63];
    let found = match sorted.binary_search(&a) {
        Ok(at) => format!("at {at}"),
        Err(at) => format!("before {at}"),
    };
    let below = sorted.partition_point(|n| *n < i64::from(i));
    format!("{found} {below} {:?}", sorted.binary_search_by_key(&(a / 2), |n| n / 2).is_ok())
}

#[sabot::udf]
fn parts_of_lists(s: &str) -> String {
    let chars: Vec<char> = s.chars().collect();
    let mut words: Vec<String> = chars.split(|c| !c.is_alphanumeric()).map(|w| w.iter().collect()).collect();
    let runs = chars.chunk_by(|a, b| a == b).map(|run| run.len().to_string()).collect::<Vec<_>>().concat();
    let threes = chars.rchunks(3).map(|c| c.iter().collect::<String>()).collect::<Vec<_>>().join("'");
    if words.len() > 2 {
        words[1..].sort();
        words[..2].reverse();
    }
    format!("{}|{runs}|{threes}", words.join(","))
}

#[sabot::udf]
fn weighted(s: &str) -> u64 {
    s.bytes().zip([1u64, 3].into_iter().cycle()).map(|(b, w)| u64::from(b) * w).sum()
}

#[sabot::udf]
fn compared(s: &str, t: &str) -> i32 {
    let (a, b): (Vec<&str>, Vec<&str>) = (s.split(',').collect(), t.split(',').collect());
    match a.cmp(&b) {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    }
}
