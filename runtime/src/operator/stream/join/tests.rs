//! Joins of streams: scripts, and random streams beside nested loops over all rows.

use crate::operator::stream::StreamSpec;
use crate::operator::stream::testing::{Action, Driver, Event, Stream, Texts, check, optional, sorted, ty};
use proptest::prelude::*;
use sabot_abi::manifest::{BaseType, ColumnType};
use sabot_abi::stream::{JoinKind, Keep, StreamOperator};

const KINDS: [JoinKind; 6] =
    [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Semi, JoinKind::Anti];

/// Keys of one string; with windows an end behind it. Both inputs have a number and a string.
fn spec(kind: JoinKind, keep: Keep, key: BaseType) -> StreamSpec {
    let mut keys = vec![ty(key)];
    if let Keep::Window { .. } = keep {
        keys.push(ty(BaseType::TimestampUs));
    }
    let columns: Vec<ColumnType> = vec![ty(BaseType::Int64), optional(BaseType::String)];
    StreamSpec::new("join", &keys, &[columns.clone(), columns], &StreamOperator::Join { kind, keep })
        .expect("the join is sound")
}

#[test]
fn pairs_come_at_once_and_rows_without_a_match_when_none_can_come() {
    let keep = Keep::Within { us: 10 };
    check(
        &spec(JoinKind::Left, keep, BaseType::String),
        r#"> 0 a 100 1 x
           > 1 a 95 2 y
           < 1 "x" 2 "y" true
           > 1 a 111 3 y
           > 1 a 110 4 y
           < 1 "x" 4 "y" true
           > 0 b 100 5 None
           > 0 None 100 6 x
           < 6 "x" None None false
           > watermark 100 110
           > watermark 90 111
           < 5 None None None false
           > watermark end end"#,
    );
    check(
        &spec(JoinKind::Full, keep, BaseType::String),
        r#"> 0 a 100 1 x
           > 1 a 120 2 y
           > watermark 105 111
           < 1 "x" None None true false
           > watermark 131 111
           < None None 2 "y" false true"#,
    );
}

#[test]
fn a_window_is_over_when_both_sides_have_passed_its_end() {
    check(
        &spec(JoinKind::Full, Keep::Window { end: 1 }, BaseType::Int64),
        r#"> 0 7 20 1 x
           > 0 8 10 2 x
           > 1 7 10 3 y
           > 1 7 20 4 y
           < 1 "x" 4 "y" true true
           > watermark 15 9
           < None None 3 "y" false true
           > 0 7 10 9 x
           > watermark 15 10
           < 2 "x" None None true false
           > 1 7 20 5 y
           < 1 "x" 5 "y" true true
           > watermark 20 20
           > 0 7 20 6 z"#,
    );
}

#[test]
fn semi_and_anti_joins_give_a_left_row_once() {
    check(
        &spec(JoinKind::Semi, Keep::Forever, BaseType::Int64),
        r#"> 0 7 1 x
           > 0 7 2 x
           > 1 7 3 y
           < 1 "x"
           < 2 "x"
           > 1 7 4 y
           > 0 7 5 x
           < 5 "x"
           > 0 None 6 x"#,
    );
    check(
        &spec(JoinKind::Anti, Keep::Within { us: 5 }, BaseType::Int64),
        r#"> 0 7 10 1 x
           > 0 7 20 2 x
           > 1 7 15 3 y
           > 0 7 21 4 x
           > 0 None 6 5 x
           < 5 "x"
           > watermark 21 26
           > watermark 21 27
           < 4 "x""#,
    );
}

/// The time of an event as its window's end.
fn end_of(time: i64) -> i64 {
    time.div_euclid(12) * 12 + 12
}

fn texts(event: &Event, keep: Keep, is_text: bool) -> Texts {
    let key = event.key.map_or("None".to_owned(), |key| if is_text { format!("key-{key}") } else { key.to_string() });
    let time = match keep {
        Keep::Forever => None,
        Keep::Within { .. } => Some(event.time.to_string()),
        Keep::Window { .. } => Some(end_of(event.time).to_string()),
    };
    let name = if event.number.is_multiple_of(7) { "None".to_owned() } else { format!("{:?}", name(event)) };
    [key].into_iter().chain(time).chain([event.number.to_string(), name]).collect()
}

fn name(event: &Event) -> String {
    format!("row-{}-of-input-{}", event.number, event.input)
}

/// What a row gives of itself.
fn own(event: Option<&Event>) -> String {
    match event {
        None => "None None".to_owned(),
        Some(event) if event.number.is_multiple_of(7) => format!("{} None", event.number),
        Some(event) => format!("{} {:?}", event.number, name(event)),
    }
}

/// Nested loops over all rows.
fn model(events: &[Event], kind: JoinKind, keep: Keep) -> Vec<String> {
    let matches = |left: &Event, right: &Event| {
        left.key.is_some()
            && left.key == right.key
            && match keep {
                Keep::Forever => true,
                Keep::Within { us } => (left.time - right.time).abs() <= us,
                Keep::Window { .. } => end_of(left.time) == end_of(right.time),
            }
    };
    let (left_may, right_may) = super::may_be_missing(kind);
    let of = |input: usize| events.iter().filter(move |event| event.input == input);
    let shown = |left: Option<&Event>, right: Option<&Event>| {
        let mut text = format!("{} {}", own(left), own(right));
        if left_may {
            text += &format!(" {}", left.is_some());
        }
        if right_may {
            text += &format!(" {}", right.is_some());
        }
        text
    };
    let mut rows = Vec::new();
    for left in of(0) {
        let is_met = of(1).any(|right| matches(left, right));
        match kind {
            JoinKind::Semi | JoinKind::Anti => {
                if is_met == (kind == JoinKind::Semi) {
                    rows.push(own(Some(left)));
                }
                continue;
            }
            JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => {}
        }
        rows.extend(of(1).filter(|right| matches(left, right)).map(|right| shown(Some(left), Some(right))));
        if right_may && !is_met {
            rows.push(shown(Some(left), None));
        }
    }
    if left_may {
        let alone = of(1).filter(|right| !of(0).any(|left| matches(left, right)));
        rows.extend(alone.map(|right| shown(None, Some(right))));
    }
    sorted(rows)
}

fn run(stream: &mut Stream, kind: JoinKind, keep: Keep, is_text: bool) -> Vec<String> {
    let key = if is_text { BaseType::String } else { BaseType::Int64 };
    let mut driver = Driver::new(&spec(kind, keep, key));
    let mut given = Vec::new();
    for action in stream.actions(2) {
        match action {
            Action::Rows(events) => {
                let texts: Vec<Texts> = events.iter().map(|event| texts(event, keep, is_text)).collect();
                given.extend(driver.rows(events[0].input, &texts));
            }
            Action::Watermark(watermarks) => given.extend(driver.watermark(&watermarks).0),
        }
    }
    given.extend(driver.end());
    assert_eq!(driver.out.late, 0, "no row is late");
    given
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_join_is_nested_loops_over_all_rows(
        seed: u64, rows in 0usize..250, keys in 1u64..12, lateness in 0i64..60, within in 0i64..40, keep in 0usize..3,
        is_text: bool, nulls: bool,
    ) {
        let keep = [Keep::Forever, Keep::Within { us: within }, Keep::Window { end: 1 }][keep];
        for kind in KINDS {
            let mut stream = Stream::new(seed, 2, rows, keys, lateness, nulls);
            let given = run(&mut stream, kind, keep, is_text);
            prop_assert_eq!(sorted(given.clone()), model(&stream.events, kind, keep), "{:?} {:?}", kind, keep);
            // The same rows and watermarks give the same rows in the same order.
            let mut again = Stream::new(seed, 2, rows, keys, lateness, nulls);
            prop_assert_eq!(given, run(&mut again, kind, keep, is_text));
        }
    }
}

/// The order of pairs does not depend on how the rows were cut into calls.
#[test]
fn calls_of_any_size_give_the_same_rows_in_the_same_order() {
    let keep = Keep::Within { us: 20 };
    let given = |most: usize| {
        let stream = Stream::new(11, 2, 500, 3, 30, false);
        let mut driver = Driver::new(&spec(JoinKind::Inner, keep, BaseType::Int64));
        let mut given = Vec::new();
        let same_input = stream.events.chunk_by(|a, b| a.input == b.input);
        for events in same_input.flat_map(|events| events.chunks(most)) {
            let texts: Vec<Texts> = events.iter().map(|event| texts(event, keep, false)).collect();
            given.extend(driver.rows(events[0].input, &texts));
        }
        given
    };
    assert_eq!(given(1), given(2));
    assert_eq!(given(1), given(1000));
}

/// What is held is what can still match, whatever the key.
#[test]
fn memory_is_bounded_while_watermarks_pass() {
    for (kind, keep, keys) in [
        (JoinKind::Inner, Keep::Within { us: 50 }, 1),
        (JoinKind::Left, Keep::Within { us: 50 }, 1 << 40),
        (JoinKind::Semi, Keep::Within { us: 50 }, 4),
        (JoinKind::Anti, Keep::Window { end: 1 }, 1 << 40),
        (JoinKind::Full, Keep::Window { end: 1 }, 30),
    ] {
        let rows = 20_000;
        let stream = Stream::new(5, 2, rows, keys, 10, true);
        let mut driver = Driver::new(&spec(kind, keep, BaseType::String));
        let mut most = [0, 0];
        for (number, events) in stream.events.chunks(100).enumerate() {
            for input in [0, 1] {
                let of = events.iter().filter(|event| event.input == input);
                let texts: Vec<Texts> = of.map(|event| texts(event, keep, true)).collect();
                driver.rows(input, &texts);
            }
            let watermark = events.iter().map(|event| event.time).max().unwrap_or(0) - 10;
            driver.watermark(&[watermark; 2]);
            let half = usize::from(number * 100 > rows / 2);
            most[half] = most[half].max(driver.state.memory_bytes());
        }
        assert!(most[1] <= most[0] * 3 / 2 && most[1] < 1 << 20, "{kind:?} {keep:?}: {most:?} bytes");
        driver.end();
    }
}
