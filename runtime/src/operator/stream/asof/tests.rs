//! As-of joins: scripts, and random streams beside nested loops over all rows.

use crate::operator::stream::StreamSpec;
use crate::operator::stream::testing::{Action, Driver, Event, Stream, Texts, check, optional, sorted, ty};
use proptest::prelude::*;
use sabot_abi::manifest::BaseType;
use sabot_abi::stream::{AsofDirection, StreamOperator};

const DIRECTIONS: [AsofDirection; 3] = [AsofDirection::Backward, AsofDirection::Forward, AsofDirection::Nearest];

fn spec(outer: bool, direction: AsofDirection, tolerance_us: Option<i64>, has_key: bool) -> StreamSpec {
    let keys = if has_key { vec![ty(BaseType::String)] } else { vec![] };
    let inputs = [vec![ty(BaseType::Int64)], vec![ty(BaseType::Int64), optional(BaseType::String)]];
    let operator = StreamOperator::Asof { outer, direction, tolerance_us };
    StreamSpec::new("asof", &keys, &inputs, &operator).expect("the join is sound")
}

#[test]
fn the_watermark_decides_and_the_last_of_one_time_counts() {
    check(
        &spec(true, AsofDirection::Backward, Some(10), true),
        r#"> 1 a 90 1 x
           > 1 a 90 2 y
           > 0 a 101 3
           > 0 a 100 4
           > 0 b 90 5
           > watermark 100 100
           < 5 None None false
           > 1 a 100 6 None
           > 1 a 100 7 z
           > watermark 101 200
           < 4 7 "z" true
           > watermark 110 200
           < 3 7 "z" true
           > 0 a 110 8
           > 0 None 110 9
           > 0 a 111 10
           > watermark end end
           < 8 7 "z" true
           < 9 None None false
           < 10 None None false"#,
    );
}

#[test]
fn forward_waits_for_the_next_row_and_nearest_looks_both_ways() {
    check(
        &spec(false, AsofDirection::Forward, None, false),
        r#"> 0 10 1
           > 0 20 2
           > 0 30 3
           > 1 15 4 x
           > 1 20 5 y
           > 1 20 6 z
           > watermark 40 20
           < 1 4 "x"
           > watermark 40 21
           < 2 6 "z"
           > watermark 40 100
           > 1 130 7 x
           > watermark 200 200
           < 3 7 "x""#,
    );
    check(
        &spec(true, AsofDirection::Nearest, Some(50), true),
        r#"> 1 a 10 1 x
           > 0 a 15 2
           > 0 a 16 3
           > 0 a 100 4
           > 1 a 20 5 y
           > watermark 30 30
           < 2 1 "x" true
           < 3 5 "y" true
           > watermark 151 150
           > watermark 151 151
           < 4 None None false"#,
    );
}

fn texts(event: &Event, has_key: bool) -> Texts {
    let key = has_key.then(|| event.key.map_or("None".to_owned(), |key| format!("a-longer-key-{key}")));
    let name = (event.input == 1).then(|| format!("row-{}", event.number));
    key.into_iter().chain([event.time.to_string(), event.number.to_string()]).chain(name).collect()
}

fn model(
    events: &[Event],
    outer: bool,
    direction: AsofDirection,
    tolerance: Option<i64>,
    has_key: bool,
) -> Vec<String> {
    let mut rows = Vec::new();
    for left in events.iter().filter(|event| event.input == 0) {
        let mut best: Option<&Event> = None;
        for right in events.iter().filter(|event| event.input == 1) {
            let is_key = !has_key || (left.key.is_some() && left.key == right.key);
            let distance = right.time - left.time;
            let is_side = match direction {
                AsofDirection::Backward => distance <= 0,
                AsofDirection::Forward => distance >= 0,
                AsofDirection::Nearest => true,
            };
            if !is_key || !is_side || tolerance.is_some_and(|tolerance| distance.abs() > tolerance) {
                continue;
            }
            // Nearer, of equally near ones the earlier, of one time the last.
            let rank = |right: &Event| ((right.time - left.time).abs(), right.time, std::cmp::Reverse(right.number));
            if best.is_none_or(|best| rank(right) < rank(best)) {
                best = Some(right);
            }
        }
        match best {
            Some(right) if outer => {
                rows.push(format!("{} {} \"row-{}\" true", left.number, right.number, right.number))
            }
            Some(right) => rows.push(format!("{} {} \"row-{}\"", left.number, right.number, right.number)),
            None if outer => rows.push(format!("{} None None false", left.number)),
            None => {}
        }
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn an_as_of_join_is_nested_loops_over_all_rows(
        seed: u64, rows in 0usize..250, keys in 1u64..12, lateness in 0i64..60, tolerance in prop::option::of(0i64..30),
        outer: bool, has_key: bool, nulls: bool,
    ) {
        for direction in DIRECTIONS {
            let mut stream = Stream::new(seed, 2, rows, keys, lateness, nulls);
            let mut driver = Driver::new(&spec(outer, direction, tolerance, has_key));
            let mut given = Vec::new();
            for action in stream.actions(2) {
                match action {
                    Action::Rows(events) => {
                        let texts: Vec<Texts> = events.iter().map(|event| texts(event, has_key)).collect();
                        given.extend(driver.rows(events[0].input, &texts));
                    }
                    Action::Watermark(watermarks) => {
                        let (rows, watermark) = driver.watermark(&watermarks);
                        given.extend(rows);
                        prop_assert!(watermark <= watermarks[0].min(watermarks[1]));
                    }
                }
            }
            given.extend(driver.end());
            let expected = model(&stream.events, outer, direction, tolerance, has_key);
            if direction == AsofDirection::Backward {
                // All of them in the order of (time, arrival).
                let place = |row: &String| {
                    let number: usize = row.split(' ').next().expect("a number").parse().expect("a number");
                    (stream.events[number].time, number)
                };
                prop_assert!(given.is_sorted_by_key(place));
            }
            prop_assert_eq!(sorted(given), sorted(expected), "{:?}", direction);
        }
    }
}

/// Right rows that cannot be the nearest any more, and left rows that were answered, are forgotten.
#[test]
fn memory_is_bounded_while_watermarks_pass() {
    for direction in DIRECTIONS {
        for (keys, tolerance) in [(1, None), (1 << 40, Some(20))] {
            let stream = Stream::new(5, 2, 20_000, keys, 10, true);
            let mut driver = Driver::new(&spec(true, direction, tolerance, true));
            let mut most = [0, 0];
            for (number, events) in stream.events.chunks(100).enumerate() {
                for input in [0, 1] {
                    let of = events.iter().filter(|event| event.input == input);
                    let texts: Vec<Texts> = of.map(|event| texts(event, true)).collect();
                    driver.rows(input, &texts);
                }
                let watermark = events.iter().map(|event| event.time).max().unwrap_or(0) - 10;
                driver.watermark(&[watermark; 2]);
                let half = usize::from(number > 100);
                most[half] = most[half].max(driver.state.memory_bytes());
            }
            assert!(most[1] <= most[0] * 3 / 2 && most[1] < 1 << 20, "{direction:?} {keys}: {most:?} bytes");
            driver.end();
        }
    }
}
