//! Kernels that read one string, over dictionaries: what is looked up is what rows would have given.

use crate::support::*;
use sabot_abi::kernel::{Chunk, Context, RowError, RowErrorCode, StrRef};
use sabot_abi::manifest::*;
use sabot_runtime::{RunError, RunOptions};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Strings that the kernel has looked at.
static LOOKED_AT: AtomicU64 = AtomicU64::new(0);

/// One test at a time counts them.
static TURN: Mutex<()> = Mutex::new(());

/// Keeps strings with a `7`, of which it gives the length, whether that is even, and the length again in 32 bits; strings
/// of 24 bytes fail.
unsafe extern "C" fn sevens(context: *mut Context, chunk: *const Chunk) -> i64 {
    // SAFETY: called with one input of strings, and an output of `i64`, of `bool` and of `i32`.
    unsafe {
        let chunk = &*chunk;
        let output = |at: usize| (*chunk.outputs.add(at)).values;
        for word in 0..32 {
            *chunk.selection_out.add(word) = 0;
        }
        for row in chunk.first_row as usize..chunk.rows as usize {
            if *chunk.selection.add(row / 64) >> (row % 64) & 1 == 0 {
                continue;
            }
            LOOKED_AT.fetch_add(1, Ordering::Relaxed);
            let text = *(*chunk.inputs).values.cast::<StrRef>().add(row);
            let bytes = if text.len == 0 { &[] } else { std::slice::from_raw_parts(text.data, text.len as usize) };
            if bytes.len() == 24 {
                (*context).error =
                    RowError { code: RowErrorCode::Panic as u32, row: row as u64, ..RowError::default() };
                return 1;
            }
            *output(0).cast::<i64>().add(row) = bytes.len() as i64;
            *output(2).cast::<i32>().add(row) = bytes.len() as i32;
            let (bits, bit) = (output(1).cast::<u64>().add(row / 64), 1u64 << (row % 64));
            *bits = *bits & !bit | if bytes.len() % 2 == 0 { bit } else { 0 };
            if bytes.contains(&b'7') {
                *chunk.selection_out.add(row / 64) |= 1 << (row % 64);
            }
        }
    }
    0
}

const TYPES: [ColumnType; 2] =
    [ColumnType { base: BaseType::String, nullable: false }, ColumnType { base: BaseType::Int64, nullable: false }];

/// source → filter and three columns of the string → sink
fn plan(rows: Vec<Row>, filter: bool) -> Plan {
    let mut plan = Plan::new(&["source", "filter", "sink"]);
    plan.kernels = vec![sevens];
    let source = plan.source(&TYPES, rows);
    let sink = plan.sink(&[int(), boolean(), int32(), string(), int()]);
    let kernel = Kernel {
        plain: 0,
        nullable: 0,
        replay: None,
        vector: false,
        filter,
        cost: 5,
        inputs: vec![0],
        outputs: vec![2, 3, 4],
        spans: vec![(5, 10)],
        messages: vec![],
    };
    let step = Step::Compute { kernel, live: vec![0, 1], operator: 1, counts: vec![1] };
    let end = End::Sink { sink, columns: vec![2, 3, 4, 0, 1], operator: 2 };
    plan.scan(source, 0, &[int(), boolean(), int32()], vec![step], end);
    plan
}

fn expected(rows: &[Row], filter: bool) -> Vec<Row> {
    let kept = rows.iter().filter(|row| !filter || matches!(&row[0], V::S(text) if text.contains('7')));
    kept.map(|row| {
        let V::S(text) = &row[0] else { unreachable!("a string") };
        let len = text.len() as i64;
        vec![V::I(len), V::B(len % 2 == 0), V::I(len), row[0].clone(), row[1].clone()]
    })
    .collect()
}

fn rows(different: u64) -> Vec<Row> {
    let mut rows = Random(different).rows(20_000, &TYPES.map(|ty| (ty, different)));
    rows.retain(|row| !matches!(&row[0], V::S(text) if text.len() == 24));
    rows
}

/// All layouts of strings; every fourth is a dictionary.
fn each_layout(mut check: impl FnMut(&RunOptions, u64)) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for (workers, seed) in [1, 2, 4].into_iter().flat_map(|workers| (0..4).map(move |seed| (workers, seed))) {
        check(&RunOptions { parallelism: Some(workers), ..RunOptions::default() }, seed);
    }
}

#[test]
fn results_are_those_of_the_rows() {
    for (different, filter) in [(1, true), (50, true), (50, false), (700, true), (700, false), (15_000, true)] {
        let rows = rows(different);
        let (plan, expected) = (plan(rows.clone(), filter), expected(&rows, filter));
        each_layout(|options, seed| {
            LOOKED_AT.store(0, Ordering::Relaxed);
            let (kept, _) = plan.run(options, seed).expect("no row fails");
            assert_same(&kept[0], &expected, seed as u32);
            let is_dictionary = seed % 4 == 3;
            if is_dictionary && different <= 700 && options.parallelism == Some(1) {
                assert!(LOOKED_AT.load(Ordering::Relaxed) < rows.len() as u64 / 2, "of {different} strings");
            }
        });
    }
}

#[test]
fn a_row_that_fails_is_named_as_ever() {
    let mut rows = rows(50);
    rows[15_000][0] = V::S("x".repeat(24));
    let mut plan = plan(rows, true);
    plan.manifest.source_text = "a\nbü q*q c".into();
    each_layout(|options, seed| {
        let error = plan.run(options, seed).expect_err("a row fails");
        let RunError::Row(failure) = &error else { panic!("{error}") };
        let place = failure.input.as_ref().map(|(file, place)| format!("{file} {place}"));
        assert_eq!(place.as_deref(), Some("memory row 15001"), "seed {seed}");
    });
}
