//! speed (not landed)
#[path = "engine/support.rs"]
mod support;
use arrow_array::*;
use sabot_abi::kernel::*;
use sabot_abi::manifest::*;
use sabot_runtime::*;
use std::sync::Arc;
use support::*;

unsafe extern "C" fn keep(_c: *mut Context, chunk: *const Chunk) -> i64 {
    unsafe {
        let chunk = &*chunk;
        let v = (*chunk.inputs).values.cast::<f64>();
        for w in 0..chunk.rows.div_ceil(64) as usize {
            let mut b = 0u64;
            for r in 0..64 {
                b |= u64::from(*v.add(w * 64 + r) > 100.0) << r;
            }
            *chunk.selection_out.add(w) = b & *chunk.selection.add(w);
        }
        for w in chunk.rows.div_ceil(64) as usize..32 {
            *chunk.selection_out.add(w) = 0;
        }
    }
    0
}
unsafe extern "C" fn sum(_c: *mut Context, chunk: *const Chunk) -> i64 {
    unsafe {
        let chunk = &*chunk;
        let v = (*chunk.inputs).values.cast::<i64>();
        let mut n = 0u64;
        let mut t = 0i64;
        for w in 0..chunk.rows.div_ceil(64) as usize {
            let s = *chunk.selection.add(w);
            n += s.count_ones() as u64;
            for r in 0..64 {
                t = t.wrapping_add(*v.add(w * 64 + r) & -((s >> r & 1) as i64));
            }
        }
        let a = &mut *chunk.accumulators;
        a.count += n;
        let a = &mut *chunk.accumulators.add(1);
        a.count += n;
        let x = ((a.sum[0] as u128 | (a.sum[1] as u128) << 64) as i128) + t as i128;
        a.sum = [x as u64, (x >> 64) as u64];
    }
    0
}

fn data(rows: usize, keys: u64, batch: usize) -> Memory {
    let mut r = Random(1);
    let ids: Int64Array = (0..rows).map(|_| r.below(keys) as i64).collect::<Vec<_>>().into();
    let prices: Float64Array = (0..rows).map(|_| r.below(3000) as f64 / 10.0).collect::<Vec<_>>().into();
    let rb =
        RecordBatch::try_from_iter([("c0", Arc::new(ids) as ArrayRef), ("c1", Arc::new(prices) as ArrayRef)]).unwrap();
    Memory(vec![(0..rows).step_by(batch).map(|s| rb.slice(s, batch.min(rows - s))).collect()])
}
fn build(keys: u64, scale: i64) -> Memory {
    let ids: Int64Array = (0..keys as i64).map(|k| k * scale).collect::<Vec<_>>().into();
    let pay: Int64Array = (0..keys as i64).map(|k| k * 7 + 1).collect::<Vec<_>>().into();
    let rb =
        RecordBatch::try_from_iter([("c0", Arc::new(ids) as ArrayRef), ("c1", Arc::new(pay) as ArrayRef)]).unwrap();
    Memory((0..keys as usize).step_by(65536).map(|s| vec![rb.slice(s, 65536.min(keys as usize - s))]).collect())
}

fn join(keys: u64, rows: usize) {
    let mut plan = Plan::new(&["source", "source", "filter", "hash_join", "aggregate", "sink"]);
    plan.kernels = vec![keep, sum];
    let q = plan.source(&[int(), float()], vec![]);
    let s = plan.source(&[int(), int()], vec![]);
    let table = plan.table(TableKind::Join { keys: vec![int()], payload: vec![int()], track_matches: false });
    plan.scan(s, 1, &[], vec![], End::Build { table, keys: vec![0], payload: vec![1], operator: 3 });
    let calls = vec![
        AggregateSpec { function: AggregateFunction::Count, args: vec![], ty: int() },
        AggregateSpec { function: AggregateFunction::Sum, args: vec![int()], ty: option(int()) },
    ];
    let agg = plan.table(TableKind::Aggregate { keys: vec![], calls });
    let k = |n, inputs, filter| Kernel {
        plain: n,
        nullable: n,
        replay: None,
        vector: true,
        filter,
        cost: 5,
        inputs,
        outputs: vec![],
    };
    let steps = vec![
        Step::Compute { kernel: k(0, vec![1], true), live: vec![0], operator: 2, counts: vec![2] },
        Step::Probe {
            table,
            kind: ProbeKind::Inner,
            keys: vec![0],
            carry: vec![],
            payload: vec![(0, 2)],
            matched: None,
            mark_only: false,
            operator: 3,
        },
    ];
    let fused = Some(FusedAggregate { kernel: k(1, vec![2], false), counts: vec![] });
    plan.scan(q, 0, &[int()], steps, End::Aggregate { table: agg, keys: vec![], inputs: vec![], fused, operator: 4 });
    let sink = plan.sink(&[int(), option(int())]);
    plan.table_to_sink(agg, &[int(), option(int())], sink, 5);
    let job = Job::new(kernel::LoadedArtifact::from_parts(plan.manifest.clone(), plan.kernels.clone(), &[]));
    let qs = Arc::new(data(rows, keys, 65536));
    let ss = Arc::new(build(keys, 1));
    for p in [1, 2, 1, 2, 1, 2] {
        let kept = Kept { group_rows: 1, ..Kept::default() };
        let mut c = Connections::default();
        c.sources.insert("source0".into(), qs.clone());
        c.sources.insert("source1".into(), ss.clone());
        c.sinks.insert("sink0".into(), Box::new(kept.clone()));
        let t = std::time::Instant::now();
        let r = job.run_with(&RunOptions { parallelism: Some(p), ..Default::default() }, c).unwrap();
        println!("join {keys} -p {p}: {:?} {:?}", t.elapsed(), kept.rows.lock().unwrap());
        if p == 1 {
            print!("{}", r.render());
        }
    }
}
#[test]
#[ignore]
fn join_10k() {
    join(10_000, 10_000_000);
}
#[test]
#[ignore]
fn join_10m() {
    join(10_000_000, 10_000_000);
}
#[test]
#[ignore]
fn group() {
    for keys in [1000u64, 1_000_000] {
        let mut plan = Plan::new(&["source", "aggregate", "sink"]);
        let q = plan.source(&[int(), float()], vec![]);
        let calls = vec![
            AggregateSpec { function: AggregateFunction::Count, args: vec![], ty: int() },
            AggregateSpec { function: AggregateFunction::Sum, args: vec![float()], ty: float() },
            AggregateSpec { function: AggregateFunction::Max, args: vec![float()], ty: float() },
        ];
        let agg = plan.table(TableKind::Aggregate { keys: vec![int()], calls });
        let inputs = vec![
            AggregateInput { args: vec![], filter: None },
            AggregateInput { args: vec![1], filter: None },
            AggregateInput { args: vec![1], filter: None },
        ];
        plan.scan(q, 0, &[], vec![], End::Aggregate { table: agg, keys: vec![0], inputs, fused: None, operator: 1 });
        let out = [int(), int(), float(), float()];
        let sink = plan.sink(&out);
        plan.table_to_sink(agg, &out, sink, 2);
        let job = Job::new(kernel::LoadedArtifact::from_parts(plan.manifest.clone(), plan.kernels.clone(), &[]));
        let qs = Arc::new(data(10_000_000, keys, 65536));
        for p in [1, 2, 1, 2] {
            let kept = Kept { group_rows: 1000000, ..Kept::default() };
            let mut c = Connections::default();
            c.sources.insert("source0".into(), qs.clone());
            c.sinks.insert("sink0".into(), Box::new(kept.clone()));
            let r = job.run_with(&RunOptions { parallelism: Some(p), ..Default::default() }, c).unwrap();
            println!("group {keys} -p {p}:\n{}", r.render());
        }
    }
}
