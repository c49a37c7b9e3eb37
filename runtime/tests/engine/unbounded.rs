//! Sources that do not end: windows fire while the source is open, silent sources hold nobody up, a request to stop is the end
//! of the input.

use crate::support::*;
use crate::window::{Lateness, expected, rows, set_time, windows};
use arrow_array::RecordBatch;
use sabot_abi::manifest::*;
use sabot_abi::stream::{StreamInput, StreamOperator, WindowKind};
use sabot_runtime::connector::{ConnectorError, Polled, Position, Source, SourceStatistics, SplitReader};
use sabot_runtime::kernel::LoadedArtifact;
use sabot_runtime::{Connections, Job, RunError, RunOptions, RunSummary};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A source that gives what somebody puts into it.
#[derive(Clone, Default)]
struct Tap {
    batches: Arc<Mutex<VecDeque<RecordBatch>>>,
}

impl Tap {
    fn put(&self, types: &[ColumnType], rows: &[Row]) {
        self.batches.lock().expect("nobody panics").push_back(batch(types, rows));
    }
}

impl Source for Tap {
    fn splits(&self) -> usize {
        1
    }

    fn open(&self, _: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        Ok(Box::new(self.clone()))
    }

    fn is_bounded(&self) -> bool {
        false
    }

    fn statistics(&self) -> SourceStatistics {
        SourceStatistics::default()
    }
}

impl SplitReader for Tap {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        panic!("it would wait for ever")
    }

    fn poll(&mut self) -> Result<Polled, ConnectorError> {
        let next = self.batches.lock().expect("nobody panics").pop_front();
        Ok(next.map_or(Polled::Nothing, Polled::Batch))
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn position(&self) -> Position {
        Position::contiguous("tap".into(), 0)
    }
}

/// A job that runs on its own.
struct Running {
    taps: Vec<Tap>,
    kept: Vec<Kept>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<RunSummary, RunError>>,
}

fn start(plan: &Plan, workers: u32) -> Running {
    let job = Job::new(LoadedArtifact::from_parts(plan.manifest.clone(), plan.kernels.clone(), &[]));
    let mut connections = Connections::default();
    let taps: Vec<Tap> = plan.manifest.sources.iter().map(|_| Tap::default()).collect();
    for (source, tap) in plan.manifest.sources.iter().zip(&taps) {
        connections.sources.insert(source.name.clone(), Arc::new(tap.clone()));
    }
    let kept: Vec<Kept> = plan.manifest.sinks.iter().map(|_| Kept { group_rows: 1 << 20, ..Kept::default() }).collect();
    for (sink, kept) in plan.manifest.sinks.iter().zip(&kept) {
        connections.sinks.insert(sink.name.clone(), Box::new(kept.clone()));
    }
    let stop = Arc::<AtomicBool>::default();
    let options = RunOptions {
        parallelism: Some(workers),
        stop: Some(Arc::clone(&stop)),
        idle_after: Some(Duration::from_millis(100)),
        ..RunOptions::default()
    };
    let thread = std::thread::spawn(move || job.run_with(&options, connections));
    Running { taps, kept, stop, thread }
}

impl Running {
    fn rows(&self, sink: usize) -> Vec<Row> {
        self.kept[sink].rows.lock().expect("nobody panics").clone()
    }

    /// Waits until so many rows were written.
    #[track_caller]
    fn wait_for(&self, sink: usize, count: usize) {
        let started = Instant::now();
        while self.rows(sink).len() < count {
            assert!(started.elapsed() < Duration::from_secs(20), "{:?} after 20 seconds", self.rows(sink));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn stop(self) -> Vec<Vec<Row>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("nobody panics").unwrap_or_else(|error| panic!("{error}"));
        assert!(self.kept.iter().all(|kept| *kept.finished.lock().expect("nobody panics")), "outputs have their names");
        self.kept.iter().map(|kept| kept.rows.lock().expect("nobody panics").clone()).collect()
    }
}

const KIND: WindowKind = WindowKind::Tumbling { size_us: 10, offset_us: 0 };

#[test]
fn windows_fire_while_the_source_is_open_and_a_stop_gives_the_rest() {
    let late = Lateness { lateness: 5, allowed: 0 };
    let types = [int(), int(), int()];
    let all = rows(90, 600, int(), 2, 5);
    let (wanted, _) = expected(&all, KIND, late);
    for workers in [1, 2] {
        let running = start(&windows(int(), &all, KIND, late), workers);
        let mut greatest = i64::MIN;
        for part in all.chunks(100) {
            running.taps[0].put(&types, part);
            let times = part.iter().map(|row| if let V::I(time) = row[1] { time } else { 0 });
            greatest = greatest.max(times.max().unwrap_or(greatest));
            let is_over = |row: &&Row| matches!(row[2], V::I(end) if end <= greatest - late.lateness);
            let over: Vec<Row> = wanted.iter().filter(is_over).cloned().collect();
            running.wait_for(0, over.len());
            assert_same(&running.rows(0), &over, workers);
        }
        let given = running.stop();
        assert_same(&given[0], &wanted, workers);
    }
}

#[test]
fn changes_come_as_often_as_the_job_says() {
    const EVERY: Duration = Duration::from_millis(300);
    let change = ColumnType { base: BaseType::Int8, nullable: false };
    for workers in [1, 2] {
        let mut plan = Plan::new(&["source", "aggregate", "sink"]);
        let source = plan.source(&[int()], vec![]);
        let given = [int(), int(), change];
        let sink = plan.sink(&given);
        let table = plan.table(TableKind::Stream {
            keys: vec![int()],
            inputs: vec![vec![]],
            operator: StreamOperator::Aggregate {
                calls: vec![AggregateSpec { function: AggregateFunction::Count, args: vec![], ty: int() }],
                inputs: vec![StreamInput { args: vec![], filter: None }],
                change: None,
            },
            emit_every_us: Some(EVERY.as_micros() as i64),
        });
        let end = End::Feed { table, input: 0, keys: vec![0], time: None, columns: vec![], operator: 1 };
        plan.scan(source, 0, &[], vec![], end);
        plan.table_to_sink(table, &given, sink, 2);
        let started = Instant::now();
        let running = start(&plan, workers);
        for _ in 0..60 {
            running.taps[0].put(&[int()], &[vec![V::I(7)]]);
            std::thread::sleep(Duration::from_millis(20));
        }
        // The rest is given when it is time, though nothing comes any more.
        let last = vec![V::I(7), V::I(60), V::I(2)];
        while running.rows(0).last() != Some(&last) {
            assert!(started.elapsed() < Duration::from_secs(20), "{:?}", running.rows(0));
            std::thread::sleep(Duration::from_millis(1));
        }
        let flushes = started.elapsed().as_millis() / EVERY.as_millis() + 1;
        let given = running.stop().swap_remove(0);
        let added = given.iter().filter(|row| matches!(row[2], V::I(1 | 2))).count();
        assert!((2..=flushes).contains(&(added as u128)), "{added} results in {flushes} times {EVERY:?}: {given:?}");
        assert_eq!(given.last(), Some(&last));
    }
}

#[test]
fn a_silent_source_holds_nobody_up() {
    let late = Lateness { lateness: 0, allowed: 0 };
    let types = [int(), int(), int()];
    let mut plan = windows(int(), &[], KIND, late);
    // A second source fills the same windows.
    let source = plan.source(&types, vec![]);
    let second = plan.manifest.pipelines[0].body.end.clone();
    plan.scan(source, 0, &[int()], vec![], second);
    set_time(&mut plan, 2, 0);
    let running = start(&plan, 2);
    let row = |time| vec![V::I(1), V::I(time), V::I(time)];
    running.taps[0].put(&types, &[row(1), row(12)]);
    running.taps[1].put(&types, &[row(2)]);
    let window = |start, count, sum, first, last| [1, start, start + 10, count, sum, first, last].map(V::I).to_vec();
    let started = Instant::now();
    while running.rows(0).is_empty() {
        // The first one goes on; of another key, which is left out below.
        running.taps[0].put(&types, &[vec![V::I(9), V::I(12), V::I(0)]]);
        std::thread::sleep(Duration::from_millis(10));
        assert!(started.elapsed() < Duration::from_secs(20), "the second one is waited for");
    }
    assert!(started.elapsed() >= Duration::from_millis(80), "it was not waited for");
    assert_eq!(running.rows(0), [window(0, 2, 3, 1, 2)]);
    // It speaks again: in time for what is open.
    running.taps[1].put(&types, &[row(14), row(25)]);
    // Had the first one gone on before the second was heard, its row would be late.
    std::thread::sleep(Duration::from_millis(300));
    running.taps[0].put(&types, &[row(30)]);
    running.wait_for(0, 3);
    // A stop leaves what was not read.
    std::thread::sleep(Duration::from_millis(300));
    let mut given = running.stop().swap_remove(0);
    given.retain(|row| row[0] == V::I(1));
    let last = [window(20, 1, 25, 25, 25), window(30, 1, 30, 30, 30)];
    assert_eq!(given, [&[window(0, 2, 3, 1, 2), window(10, 2, 26, 12, 14)], &last[..]].concat());
}

#[test]
fn rows_that_pass_through_are_written_soon_and_a_stop_is_no_failure() {
    let mut plan = Plan::new(&["source", "sink"]);
    let source = plan.source(&[int()], vec![]);
    let sink = plan.sink(&[int()]);
    plan.scan(source, 0, &[], vec![], End::Sink { sink, columns: vec![0], operator: 1 });
    let running = start(&plan, 2);
    for number in 0..5 {
        running.taps[0].put(&[int()], &[vec![V::I(number)]]);
        running.wait_for(0, number as usize + 1);
    }
    assert_eq!(running.stop()[0], (0..5).map(|number| vec![V::I(number)]).collect::<Vec<Row>>());
}

#[test]
fn windows_of_the_machines_time_close_by_the_clock() {
    for kind in [WindowKind::Tumbling { size_us: 30_000, offset_us: 0 }, WindowKind::Session { gap_us: 30_000 }] {
        let types = [int(), int(), int()];
        let mut plan = windows(int(), &[], kind, Lateness { lateness: 0, allowed: 0 });
        for table in &mut plan.manifest.tables {
            if let TableKind::Window { processing_time, .. } = &mut table.kind {
                *processing_time = true;
            }
        }
        if let End::Window { time, .. } = &mut plan.manifest.pipelines[0].body.end {
            *time = None;
        }
        let running = start(&plan, 2);
        let row = |value| vec![V::I(1), V::I(value), V::I(value)];
        running.taps[0].put(&types, &[row(1), row(2)]);
        running.wait_for(0, 1);
        running.taps[0].put(&types, &[row(3)]);
        running.wait_for(0, 2);
        running.taps[0].put(&types, &[row(4)]);
        std::thread::sleep(Duration::from_millis(100));
        let given = running.stop();
        let number = |value: &V| if let V::I(value) = value { *value } else { 0 };
        assert_eq!(given[0].iter().map(|row| number(&row[3])).sum::<i64>(), 4, "{:?}", given[0]);
        assert!(given[0].iter().all(|row| number(&row[1]) > 1_600_000_000_000_000 && row[1] < row[2]));
        assert!(given[0].windows(2).all(|rows| rows[0][2] < rows[1][2]), "in the order of their ends");
        assert_eq!(given[1], Vec::<Row>::new());
    }
}

#[test]
fn windows_of_the_machines_time_end_with_the_input() {
    let rows = rows(120, 500, int(), 2, 5);
    let mut plan = windows(int(), &rows, KIND, Lateness { lateness: 0, allowed: 0 });
    for table in &mut plan.manifest.tables {
        if let TableKind::Window { processing_time, .. } = &mut table.kind {
            *processing_time = true;
        }
    }
    if let End::Window { time, .. } = &mut plan.manifest.pipelines[0].body.end {
        *time = None;
    }
    for workers in [1, 2] {
        plan.batch_rows = Some(7);
        let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
        let (given, _) = plan.run(&options, 1).unwrap_or_else(|error| panic!("{error}"));
        let count = |row: &Row| if let V::I(count) = row[3] { count } else { 0 };
        assert_eq!(given[0].iter().map(count).sum::<i64>(), 500, "every row is in one window");
    }
}
