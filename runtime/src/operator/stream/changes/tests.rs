//! Accumulators as changes: scripts, and random changes beside aggregates of what is left.

use crate::operator::stream::StreamSpec;
use crate::operator::stream::testing::{Driver, Random, Texts, check, optional, ty};
use proptest::prelude::*;
use sabot_abi::manifest::{AggregateFunction, AggregateSpec, BaseType, ColumnType};
use sabot_abi::stream::{StreamInput, StreamOperator};
use std::collections::BTreeMap;

/// Columns: a number, a name, a float, whether it counts, perhaps the change.
fn spec(
    keys: &[ColumnType],
    calls: &[(AggregateFunction, &[u32], ColumnType, Option<u32>)],
    change: bool,
) -> StreamSpec {
    let mut columns = vec![optional(BaseType::Int64), ty(BaseType::String), ty(BaseType::Float64), ty(BaseType::Bool)];
    if change {
        columns.push(ty(BaseType::Int8));
    }
    let of = |args: &[u32]| args.iter().map(|at| columns[*at as usize]).collect();
    let operator = StreamOperator::Aggregate {
        calls: calls
            .iter()
            .map(|(function, args, ty, _)| AggregateSpec { function: *function, args: of(args), ty: *ty })
            .collect(),
        inputs: calls.iter().map(|(_, args, _, filter)| StreamInput { args: args.to_vec(), filter: *filter }).collect(),
        change: change.then_some(4),
    };
    StreamSpec::new("changes", keys, &[columns.clone()], &operator).expect("it is sound")
}

const COUNT: (AggregateFunction, &[u32], ColumnType, Option<u32>) =
    (AggregateFunction::Count, &[], ColumnType { base: BaseType::UInt64, nullable: false }, None);
const SUM: (AggregateFunction, &[u32], ColumnType, Option<u32>) =
    (AggregateFunction::Sum, &[0], ColumnType { base: BaseType::Int64, nullable: false }, Some(3));
const MAX: (AggregateFunction, &[u32], ColumnType, Option<u32>) =
    (AggregateFunction::Max, &[0], ColumnType { base: BaseType::Int64, nullable: true }, None);
const LAST: (AggregateFunction, &[u32], ColumnType, Option<u32>) =
    (AggregateFunction::Last, &[1], ColumnType { base: BaseType::String, nullable: true }, None);
const DISTINCT: (AggregateFunction, &[u32], ColumnType, Option<u32>) =
    (AggregateFunction::CountDistinct, &[1], ColumnType { base: BaseType::UInt64, nullable: false }, None);
const AVG: (AggregateFunction, &[u32], ColumnType, Option<u32>) =
    (AggregateFunction::Avg, &[2], ColumnType { base: BaseType::Float64, nullable: false }, None);
const LEAST: (AggregateFunction, &[u32], ColumnType, Option<u32>) =
    (AggregateFunction::Min, &[1], ColumnType { base: BaseType::String, nullable: false }, None);
const ALL: [(AggregateFunction, &[u32], ColumnType, Option<u32>); 7] = [COUNT, SUM, MAX, LAST, DISTINCT, AVG, LEAST];

#[test]
fn a_flush_gives_at_most_one_change_of_a_key() {
    check(
        &spec(&[optional(BaseType::String)], &[COUNT, SUM, MAX, LAST], false),
        r#"> 0 a 5 x 0 true
           > 0 a 7 y 0 false
           > 0 None None z 0 true
           > flush
           < "a" 2 5 7 "y" 1
           < None 1 0 None "z" 1
           > flush
           > 0 a None z 0 true
           > flush
           < "a" 2 5 7 "y" -2
           < "a" 3 5 7 "z" 2
           > watermark end"#,
    );
}

#[test]
fn a_key_whose_rows_are_taken_back_goes() {
    check(
        &spec(&[ty(BaseType::Int64)], &[COUNT, MAX, AVG], true),
        r#"> 0 1 5 x 2 true 1
           > 0 1 7 x NaN true 1
           > flush
           < 1 2 7 NaN 1
           > 0 1 7 x NaN true -1
           > flush
           < 1 2 7 NaN -2
           < 1 1 5 2.0 2
           > 0 1 5 x 2 true -1
           > flush
           < 1 1 5 2.0 -1
           > flush
           > 0 1 3 x inf true 1
           > 0 1 2 x 2 true 1
           > 0 1 3 x inf true -1
           > watermark end
           < 1 1 2 2.0 1"#,
    );
}

#[test]
fn without_keys_there_is_one_row_even_of_no_rows() {
    check(
        &spec(&[], &[COUNT, MAX], true),
        r#"> flush
           > watermark end
           < 0 None 1"#,
    );
    check(
        &spec(&[], &[COUNT], true),
        r#"> 0 5 x 2 true 1
           > flush
           < 1 1
           > 0 5 x 2 true -1
           > watermark end
           < 1 -2
           < 0 2"#,
    );
}

#[test]
fn a_sum_that_does_not_fit_is_reported_with_its_key() {
    let mut driver = Driver::new(&spec(&[ty(BaseType::Int64)], &[SUM], false));
    let row = |key: &str, number: i64| {
        vec![key.to_owned(), number.to_string(), "x".to_owned(), "0".to_owned(), "true".to_owned()]
    };
    driver.rows(0, &[row("1", i64::MAX), row("2", 3), row("1", 1)]);
    assert_eq!(driver.flush(), ["2 3 1"]);
    let keys: Vec<&[String]> = driver.out.refused_groups.iter().map(|refused| &refused.key[..]).collect();
    assert_eq!(keys, [["1"]]);
}

/// What is left, computed anew.
fn model(rows: &[Texts], has_change: bool) -> Vec<String> {
    let mut by_key: BTreeMap<&str, Vec<&Texts>> = BTreeMap::new();
    rows.iter().for_each(|row| by_key.entry(&row[0]).or_default().push(row));
    let mut given = Vec::new();
    for (key, rows) in by_key {
        let number = |row: &&&Texts| row[1].parse::<i64>().ok();
        let sum: i64 = rows.iter().filter(|row| row[4] == "true").filter_map(|row| number(&row)).sum();
        let max = rows.iter().filter_map(|row| number(&row)).max();
        let names: std::collections::BTreeSet<&str> = rows.iter().map(|row| row[2].as_str()).collect();
        let floats: f64 = rows.iter().map(|row| row[3].parse::<f64>().expect("a float")).sum();
        // Which of equal rows was taken back nobody can say.
        let last = if has_change { String::new() } else { format!(" {:?}", rows.last().expect("a row")[2]) };
        let max = max.map_or("None".to_owned(), |max| max.to_string());
        given.push(format!(
            "{key} {} {sum} {max}{last} {} {:?} {:?}",
            rows.len(),
            names.len(),
            floats / rows.len() as f64,
            names.first().expect("a name")
        ));
    }
    given.sort();
    given
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_changes_add_up_to_the_aggregates_of_what_is_left(
        seed: u64, count in 0usize..300, keys in 1u64..20, change: bool, size in 1usize..40,
    ) {
        let mut random = Random::new(seed);
        let calls: Vec<_> = ALL.into_iter().filter(|call| !change || call.0 != AggregateFunction::Last).collect();
        let mut driver = Driver::new(&spec(&[optional(BaseType::Int64)], &calls, change));
        let (mut left, mut call): (Vec<Texts>, Vec<Texts>) = Default::default();
        let mut rows: BTreeMap<String, i64> = BTreeMap::new();
        for at in 0..count {
            if change && random.below(3) == 0 && !left.is_empty() {
                let mut row = left.remove(random.below(left.len() as u64) as usize);
                row[5] = "-1".to_owned();
                call.push(row);
            } else {
                let maybe = |number: u64| if number == 7 { "None".to_owned() } else { number.to_string() };
                let kinds = if random.below(9) == 0 { 4 } else { 3 };
                let float = [0.5, 4096.0, 0.25, f64::INFINITY][random.below(kinds) as usize];
                let mut row = vec![
                    maybe(random.below(keys)),
                    maybe(random.below(10)),
                    format!("n{}", random.below(4)),
                    format!("{float:?}"),
                    (random.below(2) == 0).to_string(),
                ];
                if change {
                    row.push("1".to_owned());
                }
                call.push(row.clone());
                left.push(row);
            }
            if call.len() == size || at + 1 == count {
                driver.rows(0, &std::mem::take(&mut call));
                let given = if random.below(2) == 0 { driver.flush() } else { Vec::new() };
                apply(given, &mut rows);
            }
        }
        apply(driver.end(), &mut rows);
        let given: Vec<String> = rows.into_keys().collect();
        prop_assert_eq!(given, model(&left, change));
    }
}

fn apply(given: Vec<String>, rows: &mut BTreeMap<String, i64>) {
    for row in given {
        let (row, change) = row.rsplit_once(' ').expect("a change");
        let count = rows.entry(row.to_owned()).or_default();
        *count += change.parse::<i64>().expect("a number").signum();
        assert!((0..=1).contains(count), "a key has one row: {row}");
        if *count == 0 {
            rows.remove(row);
        }
    }
}
