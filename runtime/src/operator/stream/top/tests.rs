//! First rows of keys: scripts, and random changes beside sorting all rows.

use crate::operator::stream::StreamSpec;
use crate::operator::stream::testing::{Driver, Random, Texts, check, optional, ty};
use proptest::prelude::*;
use sabot_abi::manifest::BaseType;
use sabot_abi::stream::StreamOperator;
use std::collections::BTreeMap;

/// By key: the greatest numbers first, then the names. Columns: the name, the number, perhaps the change.
fn spec(limit: u64, is_taken_back: bool) -> StreamSpec {
    let mut columns = vec![optional(BaseType::String), ty(BaseType::Int64)];
    if is_taken_back {
        columns.push(ty(BaseType::Int8));
    }
    let operator = StreamOperator::Top { by: vec![(1, true), (0, false)], limit, change: is_taken_back.then_some(2) };
    StreamSpec::new("top", &[optional(BaseType::Int64)], &[columns], &operator).expect("it is sound")
}

#[test]
fn a_flush_gives_what_has_changed_since_the_last_one() {
    check(
        &spec(2, false),
        r#"> 0 1 a 5
           > 0 1 b 7
           > 0 1 c 1
           > 0 None d 1
           > flush
           < "b" 7 1
           < "a" 5 1
           < "d" 1 1
           > flush
           > 0 1 e 6
           > 0 1 f 8
           > flush
           < "a" 5 -1
           < "f" 8 1
           > 0 1 g 7
           > 0 1 h 9
           > watermark end
           < "b" 7 -1
           < "h" 9 1"#,
    );
}

#[test]
fn what_was_pushed_out_comes_back_when_another_row_is_taken_back() {
    check(
        &spec(1, true),
        r#"> 0 1 a 5 1
           > 0 1 b 7 1
           > flush
           < "b" 7 1
           > 0 1 b 7 -1
           > flush
           < "b" 7 -1
           < "a" 5 1
           > 0 1 a 5 -1
           > 0 1 a 5 1
           > flush
           < "a" 5 -1
           < "a" 5 1
           > 0 1 a 5 -1
           > flush
           < "a" 5 -1"#,
    );
}

/// What a changelog leaves, by row.
fn apply(given: Vec<String>, rows: &mut BTreeMap<String, i64>) {
    for row in given {
        let (row, change) = row.rsplit_once(' ').expect("a change");
        let change: i64 = change.parse().expect("a number");
        let count = rows.entry(row.to_owned()).or_default();
        *count += change;
        assert!(*count >= 0, "a row is only taken back if it is there: {row}");
        if *count == 0 {
            rows.remove(row);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_changes_add_up_to_the_first_rows(
        seed: u64, count in 0usize..300, keys in 1u64..20, limit in 1u64..5, is_taken_back: bool, size in 1usize..40,
    ) {
        let mut random = Random::new(seed);
        let mut driver = Driver::new(&spec(limit, is_taken_back));
        let mut all: Vec<Texts> = Vec::new();
        let (mut rows, mut call) = (BTreeMap::new(), Vec::new());
        for at in 0..count {
            if is_taken_back && random.below(3) == 0 && !all.is_empty() {
                let mut row = all.remove(random.below(all.len() as u64) as usize);
                row[3] = "-1".to_owned();
                call.push(row);
            } else {
                let key = random.below(keys);
                let key = if key == 7 { "None".to_owned() } else { key.to_string() };
                let mut row = vec![key, format!("n{}", random.below(3)), random.below(10).to_string()];
                if is_taken_back {
                    row.push("1".to_owned());
                }
                call.push(row.clone());
                all.push(row);
            }
            if call.len() == size || at + 1 == count {
                prop_assert!(driver.rows(0, &std::mem::take(&mut call)).is_empty());
                if random.below(2) == 0 {
                    let given = driver.flush();
                    apply(given, &mut rows);
                    prop_assert_eq!(&rows, &model(&all, limit), "after {} rows", at + 1);
                }
            }
        }
        apply(driver.end(), &mut rows);
        prop_assert_eq!(rows, model(&all, limit));
    }
}

fn model(all: &[Texts], limit: u64) -> BTreeMap<String, i64> {
    let mut by_key: BTreeMap<&str, Vec<(i64, &str)>> = BTreeMap::new();
    for row in all {
        by_key.entry(&row[0]).or_default().push((-row[2].parse::<i64>().expect("a number"), &row[1]));
    }
    let mut rows = BTreeMap::new();
    for mut of_key in by_key.into_values() {
        of_key.sort();
        for (number, name) in of_key.into_iter().take(limit as usize) {
            *rows.entry(format!("{name:?} {}", -number)).or_default() += 1;
        }
    }
    rows
}
