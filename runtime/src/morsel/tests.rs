//! The order of pieces, and what is told about it; sources by hand.

use super::*;
use crate::connector::SourceStatistics;
use arrow_array::{ArrayRef, Int64Array};
use std::sync::mpsc;

#[test]
fn the_frontier_follows_what_is_done_in_order() {
    let waiting = AtomicUsize::new(0);
    let morsels = Morsels::new(Input::Table(3 * MORSEL_ROWS + 1), &waiting, None, None);
    let taken: Vec<Morsel> = std::iter::from_fn(|| morsels.take().expect("tables can be read")).collect();
    let seqs: Vec<Seq> = taken.iter().map(|morsel| morsel.seq).collect();
    assert_eq!(seqs, [Seq::new(0, 0), Seq::new(1, 0), Seq::new(2, 0), Seq::new(3, 0)]);
    assert!(matches!(taken[3].rows, Rows::Table { first: 196_608, rows: 1 }));
    assert_eq!(morsels.done(seqs[1]).frontier, Seq::new(0, 0));
    assert_eq!(morsels.done(seqs[0]).frontier, Seq::new(2, 0));
    assert_eq!(morsels.done(seqs[3]).frontier, Seq::new(2, 0));
    assert_eq!(morsels.done(seqs[2]).frontier, Seq::new(4, 0));
}

#[test]
fn what_is_done_leaves_nothing_behind() {
    let waiting = AtomicUsize::new(0);
    let morsels = Morsels::new(Input::Table(100 * MORSEL_ROWS), &waiting, None, None);
    while let Some(morsel) = morsels.take().expect("tables can be read") {
        morsels.done(morsel.seq);
    }
    let state = morsels.state.lock().expect("nobody panicked");
    assert_eq!(state.frontier, (100, 0));
    assert_eq!((state.ended.len(), state.done.len(), state.in_work.len(), state.marks.len()), (0, 0, 0, 0));
}

#[test]
fn nothing_is_taken_behind_the_stop() {
    let waiting = AtomicUsize::new(usize::MAX);
    let morsels = Morsels::new(Input::Table(3 * MORSEL_ROWS), &waiting, None, None);
    let first = morsels.take().expect("tables can be read").expect("three morsels");
    morsels.stop_behind(Seq::new(1, 0));
    morsels.done(first.seq);
    let second = morsels.take().expect("tables can be read").expect("one more");
    assert_eq!(second.seq, Seq::new(1, 0));
    assert!(morsels.take().expect("tables can be read").is_none());
}

/// Two splits of one batch each. Every reading waits until it is let go on.
struct Steps {
    is_read: mpsc::Sender<()>,
    go_on: Arc<Mutex<mpsc::Receiver<Polled>>>,
}

impl Source for Steps {
    fn splits(&self) -> usize {
        2
    }

    fn open(&self, _: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        Ok(Box::new(Self { is_read: self.is_read.clone(), go_on: Arc::clone(&self.go_on) }))
    }

    fn statistics(&self) -> SourceStatistics {
        SourceStatistics::default()
    }
}

impl SplitReader for Steps {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        unreachable!("it is polled")
    }

    fn poll(&mut self) -> Result<Polled, ConnectorError> {
        self.is_read.send(()).expect("the test waits");
        Ok(self.go_on.lock().expect("one reader").recv().expect("the test goes on"))
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn position(&self) -> Position {
        Position::contiguous("steps".into(), 0)
    }
}

/// Takes one morsel and does it, puts a barrier while more is read, and gives what is told when reading has given that.
fn barrier_while_reading(outcome: Polled) -> Option<Progress> {
    let (is_read, wait_for_read) = mpsc::channel();
    let (go_on, receiver) = mpsc::channel();
    let source = Steps { is_read, go_on: Arc::new(Mutex::new(receiver)) };
    let waiting = AtomicUsize::new(0);
    let morsels = Morsels::new(Input::Source(&source), &waiting, None, None);
    let one = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    go_on.send(Polled::Batch(one.expect("one column"))).expect("the source is there");
    let first = morsels.take().expect("it reads").expect("there is a batch");
    wait_for_read.recv().expect("it was read");
    morsels.done(first.seq);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| morsels.try_take().expect("it reads"));
        wait_for_read.recv().expect("it is being read");
        morsels.put_barrier(1);
        go_on.send(outcome).expect("the source is there");
        assert!(matches!(other.join().expect("it takes"), Taken::Nothing), "what is behind a barrier is not taken");
    });
    morsels.news()
}

#[test]
fn a_barrier_is_reached_by_the_end_of_a_split() {
    assert_eq!(barrier_while_reading(Polled::End).map(|progress| progress.barrier), Some(1));
}

#[test]
fn a_barrier_does_not_wait_for_a_source_that_has_nothing() {
    assert_eq!(barrier_while_reading(Polled::Nothing).map(|progress| progress.barrier), Some(1));
}

#[test]
fn the_next_barrier_may_stand_where_all_is_done() {
    let waiting = AtomicUsize::new(0);
    let morsels = Morsels::new(Input::Channel, &waiting, None, None);
    let barrier =
        |number| ToGive { rows: Vec::new(), watermark: NEVER, is_last: false, is_idle: false, barrier: Some(number) };
    morsels.push(&barrier(1));
    morsels.push(&barrier(2));
    assert_eq!(morsels.progress().barrier, 1);
    assert_eq!(morsels.news(), None);
    morsels.lift_barrier(1);
    assert_eq!(morsels.news().map(|progress| progress.barrier), Some(2));
    assert_eq!(morsels.news(), None, "news is told once");
}

#[test]
fn nobody_waits_for_a_worker_that_panics_while_it_reads() {
    let (is_read, _wait) = mpsc::channel();
    let (go_on, receiver) = mpsc::channel();
    let source = Steps { is_read, go_on: Arc::new(Mutex::new(receiver)) };
    let waiting = AtomicUsize::new(0);
    let morsels = Morsels::new(Input::Source(&source), &waiting, None, None);
    drop(go_on);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let _guard = morsels.stop_on_panic();
            morsels.take().map(|_| ())
        });
        assert!(other.join().is_err(), "reading panics when the test does not go on");
    });
    assert!(morsels.take().expect("there is nothing to read").is_none());
}
