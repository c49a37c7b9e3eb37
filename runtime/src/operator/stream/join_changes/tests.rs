//! Joins of changes: scripts, and random changes beside nested loops over what is left.

use crate::operator::stream::StreamSpec;
use crate::operator::stream::testing::{Driver, Random, Texts, check, optional, sorted, ty};
use proptest::prelude::*;
use sabot_abi::manifest::{BaseType, ColumnType};
use sabot_abi::stream::{JoinKind, StreamOperator};
use std::collections::BTreeMap;

const KINDS: [JoinKind; 6] =
    [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Semi, JoinKind::Anti];

/// Both inputs have a number and a string, and a change where one is given.
fn spec(kind: JoinKind, key: BaseType, changes: [bool; 2]) -> StreamSpec {
    let columns = |has_change: bool| -> Vec<ColumnType> {
        let own = [optional(BaseType::Int64), optional(BaseType::String)];
        own.into_iter().chain(has_change.then_some(ty(BaseType::Int8))).collect()
    };
    let operator = StreamOperator::JoinChanges { kind, changes: changes.map(|has| has.then_some(2)) };
    let inputs = changes.map(columns);
    StreamSpec::new("join", &[ty(key)], &inputs, &operator).expect("the join is sound")
}

#[test]
fn pairs_go_with_their_rows_as_often_as_they_came() {
    check(
        &spec(JoinKind::Inner, BaseType::String, [true, false]),
        r#"> 0 a 1 x 1
           > 1 a 2 y
           < 1 "x" 2 "y" 1
           > 1 a 2 y
           < 1 "x" 2 "y" 1
           > 0 a 1 x 1
           < 1 "x" 2 "y" 1
           < 1 "x" 2 "y" 1
           > 0 a 1 x -2
           < 1 "x" 2 "y" -1
           < 1 "x" 2 "y" -1
           > 0 a 3 x 2
           < 3 "x" 2 "y" 1
           < 3 "x" 2 "y" 1
           > 0 None 1 x 1
           > 0 None 1 x -1
           > watermark 5 5
           > flush"#,
    );
}

#[test]
fn a_row_without_a_match_comes_and_goes_with_the_matches() {
    check(
        &spec(JoinKind::Full, BaseType::Int64, [true, true]),
        r#"> 0 1 10 x 1
           < 10 "x" None None true false 1
           > 0 1 10 x 1
           < 10 "x" None None true false 1
           > 1 1 20 None 1
           < 10 "x" None None true false -1
           < 10 "x" None None true false -1
           < 10 "x" 20 None true true 1
           < 10 "x" 20 None true true 1
           > 0 1 10 x -1
           < 10 "x" 20 None true true -1
           > 1 1 20 None -2
           < 10 "x" 20 None true true -1
           < 10 "x" None None true false 1
           > 1 None 30 z 1
           < None None 30 "z" false true 1
           > 1 None 30 z -1
           < None None 30 "z" false true -1"#,
    );
    check(
        &spec(JoinKind::Right, BaseType::Int64, [true, false]),
        r#"> 1 1 20 y
           < None None 20 "y" false 1
           > 0 1 10 x 1
           < None None 20 "y" false -1
           < 10 "x" 20 "y" true 1
           > 0 1 10 x -1
           < 10 "x" 20 "y" true -1
           < None None 20 "y" false 1"#,
    );
}

#[test]
fn a_semi_or_anti_join_follows_the_last_match() {
    check(
        &spec(JoinKind::Semi, BaseType::Int64, [false, true]),
        r#"> 0 1 10 x
           > 1 1 20 y 1
           < 10 "x" 1
           > 1 1 21 y 1
           > 1 1 20 y -1
           > 0 1 11 x
           < 11 "x" 1
           > 1 1 21 y -1
           < 10 "x" -1
           < 11 "x" -1"#,
    );
    check(
        &spec(JoinKind::Anti, BaseType::Int64, [true, true]),
        r#"> 0 1 10 x 1
           < 10 "x" 1
           > 1 1 20 y 1
           < 10 "x" -1
           > 0 1 10 x -1
           > 0 1 10 x 1
           > 1 1 20 y -1
           < 10 "x" 1
           > 0 None 9 x 1
           < 9 "x" 1
           > 0 None 9 x -1
           < 9 "x" -1"#,
    );
}

/// Rows that are there, by side: the key first.
type There = [Vec<Texts>; 2];

/// The join of what is there.
fn model(there: &There, kind: JoinKind) -> Vec<String> {
    let own = |row: Option<&Texts>| {
        let value = |at: usize| {
            let text = row.map_or("None", |row| row[at].as_str());
            if at == 2 && text != "None" { format!("{text:?}") } else { text.to_owned() }
        };
        format!("{} {}", value(1), value(2))
    };
    let (left_may, right_may) = super::may_be_missing(kind);
    let shown = |left: Option<&Texts>, right: Option<&Texts>| {
        let flags = [(left_may, left), (right_may, right)].into_iter().filter(|(may, _)| *may);
        let flags: String = flags.map(|(_, row)| format!(" {}", row.is_some())).collect();
        format!("{} {}{flags}", own(left), own(right))
    };
    let matches = |left: &Texts, right: &Texts| left[0] == right[0] && left[0] != "None";
    let [left, right] = there;
    let mut rows = Vec::new();
    for l in left {
        let met: Vec<&Texts> = right.iter().filter(|r| matches(l, r)).collect();
        match kind {
            JoinKind::Semi if !met.is_empty() => rows.push(own(Some(l))),
            JoinKind::Anti if met.is_empty() => rows.push(own(Some(l))),
            JoinKind::Semi | JoinKind::Anti => {}
            JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => {
                rows.extend(met.iter().map(|r| shown(Some(l), Some(r))));
                if met.is_empty() && right_may {
                    rows.push(shown(Some(l), None));
                }
            }
        }
    }
    if left_may {
        let alone = right.iter().filter(|r| !left.iter().any(|l| matches(l, r)));
        rows.extend(alone.map(|r| shown(None, Some(r))));
    }
    sorted(rows)
}

/// What was given and not taken back.
fn fold(given: Vec<String>, rows: &mut BTreeMap<String, i64>) {
    for row in given {
        let (row, change) = row.rsplit_once(' ').expect("a change");
        let count = rows.entry(row.to_owned()).or_default();
        *count += change.parse::<i64>().expect("a number");
        assert!(*count >= 0, "{row} is taken back and was not given");
    }
}

fn left_over(rows: &BTreeMap<String, i64>) -> Vec<String> {
    rows.iter().flat_map(|(row, count)| (0..*count).map(move |_| row.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_changes_add_up_to_the_join_of_what_is_left(
        seed: u64, count in 0usize..200, keys in 1u64..8, of_left: bool, of_right: bool, size in 1usize..30, is_text: bool,
    ) {
        for kind in KINDS {
            let mut random = Random::new(seed);
            let changes = [of_left, of_right];
            let key = if is_text { BaseType::String } else { BaseType::Int64 };
            let mut driver = Driver::new(&spec(kind, key, changes));
            let mut there: There = Default::default();
            let mut call: Vec<Texts> = Vec::new();
            let mut rows = BTreeMap::new();
            let mut input = 0;
            for at in 0..count {
                let side = usize::from(random.below(2) == 0);
                if side != input || call.len() >= size {
                    fold(driver.rows(input, &std::mem::take(&mut call)), &mut rows);
                    // Whatever was taken together, it is right in between, too.
                    prop_assert_eq!(left_over(&rows), model(&there, kind), "{:?} after {} rows", kind, at);
                    input = side;
                }
                let row = if changes[side] && random.below(5) < 2 && !there[side].is_empty() {
                    let mut row = there[side].remove(random.below(there[side].len() as u64) as usize);
                    row.push(["-1", "-2"][random.below(2) as usize].to_owned());
                    row
                } else {
                    let maybe = |number: u64| if number == 5 { "None".to_owned() } else { number.to_string() };
                    let mut row = vec![maybe(random.below(keys)), maybe(random.below(6)), maybe(random.below(6))];
                    there[side].push(row.clone());
                    row.extend(changes[side].then(|| ["1", "2"][random.below(2) as usize].to_owned()));
                    row
                };
                call.push(row);
            }
            fold(driver.rows(input, &call), &mut rows);
            prop_assert_eq!(left_over(&rows), model(&there, kind), "{:?}", kind);
            prop_assert!(driver.end().is_empty(), "nothing waits for the end");
        }
    }
}

/// What is held is what is there.
#[test]
fn memory_is_that_of_what_was_not_taken_back() {
    for kind in KINDS {
        let mut driver = Driver::new(&spec(kind, BaseType::String, [true, true]));
        let mut most = [0, 0];
        for round in 0..4000 {
            for input in [0, 1] {
                let row = |number: i64, change: &str| {
                    vec![number.to_string(), number.to_string(), "text".to_owned(), change.to_owned()]
                };
                let mut rows = vec![row(round, "1")];
                rows.extend((round >= 20).then(|| row(round - 20, "-1")));
                driver.rows(input, &rows);
            }
            let half = usize::from(round > 2000);
            most[half] = most[half].max(driver.state.memory_bytes());
        }
        assert!(most[1] <= most[0] * 3 / 2 && most[1] < 1 << 18, "{kind:?}: {most:?} bytes");
        driver.end();
    }
}
