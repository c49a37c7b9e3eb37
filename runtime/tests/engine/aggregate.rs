//! Aggregates against the rows of each group.

use crate::kernels::*;
use crate::support::*;
use sabot_abi::manifest::*;
use sabot_runtime::{RunError, RunOptions};

const FUNCTIONS: [AggregateFunction; 16] = [
    AggregateFunction::Count,
    AggregateFunction::Sum,
    AggregateFunction::Min,
    AggregateFunction::Max,
    AggregateFunction::Avg,
    AggregateFunction::First,
    AggregateFunction::Last,
    AggregateFunction::ArgMin,
    AggregateFunction::ArgMax,
    AggregateFunction::CountDistinct,
    AggregateFunction::ApproxCountDistinct,
    AggregateFunction::Variance,
    AggregateFunction::Stddev,
    AggregateFunction::Median,
    AggregateFunction::Percentile(0x3fd0_0000_0000_0000),
    AggregateFunction::ApproxPercentile(0x3fe8_0000_0000_0000),
];

fn number(value: &V) -> f64 {
    match value {
        V::I(value) => *value as f64,
        V::F(value) => *value,
        other => panic!("{other:?} is not a number"),
    }
}

/// The value of a function over the rows of a group; `args` are columns.
fn value(function: AggregateFunction, args: &[usize], rows: &[&Row]) -> V {
    let rows: Vec<&&Row> = rows.iter().filter(|row| args.is_empty() || row[args[0]] != V::Null).collect();
    let firsts: Vec<&V> = rows.iter().map(|row| args.first().map_or(&V::Null, |at| &row[*at])).collect();
    let numbers = || firsts.iter().map(|value| number(value));
    let best = |wanted: std::cmp::Ordering| {
        (1..firsts.len())
            .fold(0, |best, at| if firsts[at].partial_cmp(firsts[best]) == Some(wanted) { at } else { best })
    };
    let (less, greater) = (std::cmp::Ordering::Less, std::cmp::Ordering::Greater);
    let variance = || {
        let mean = numbers().sum::<f64>() / rows.len() as f64;
        if rows.len() < 2 {
            f64::NAN
        } else {
            numbers().map(|n| (n - mean).powi(2)).sum::<f64>() / (rows.len() - 1) as f64
        }
    };
    let distinct = || {
        let mut values: Vec<String> = firsts.iter().map(|value| format!("{value:?}")).collect();
        values.sort();
        values.dedup();
        V::I(values.len() as i64)
    };
    match function {
        AggregateFunction::Count => V::I(rows.len() as i64),
        AggregateFunction::CountDistinct | AggregateFunction::ApproxCountDistinct => distinct(),
        _ if rows.is_empty() => V::Null,
        AggregateFunction::Sum => match firsts[0] {
            V::I(_) => V::I(numbers().sum::<f64>() as i64),
            _ => V::F(numbers().sum()),
        },
        AggregateFunction::Avg => V::F(numbers().sum::<f64>() / rows.len() as f64),
        AggregateFunction::Min => firsts[best(less)].clone(),
        AggregateFunction::Max => firsts[best(greater)].clone(),
        AggregateFunction::ArgMin => rows[best(less)][args[1]].clone(),
        AggregateFunction::ArgMax => rows[best(greater)][args[1]].clone(),
        AggregateFunction::First => firsts[0].clone(),
        AggregateFunction::Last => firsts[firsts.len() - 1].clone(),
        AggregateFunction::Variance => V::F(variance()),
        AggregateFunction::Stddev => V::F(variance().sqrt()),
        AggregateFunction::Median => {
            let mut all: Vec<f64> = numbers().collect();
            all.sort_by(f64::total_cmp);
            V::F((all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0)
        }
        AggregateFunction::Percentile(share) => {
            let mut all: Vec<f64> = numbers().collect();
            all.sort_by(f64::total_cmp);
            let place = f64::from_bits(share) * (all.len() - 1) as f64;
            let (low, high) = (all[place as usize], all[place.ceil() as usize]);
            V::F(if low == high { low } else { low + (high - low) * place.fract() })
        }
        AggregateFunction::ApproxPercentile(share) => {
            let mut all = sabot_library::Quantiles::default();
            numbers().for_each(|number| all.add(number));
            all.at(f64::from_bits(share)).map_or(V::Null, V::F)
        }
        AggregateFunction::Collect | AggregateFunction::User { .. } => unreachable!("tested with whole jobs"),
    }
}

fn result_type(function: AggregateFunction, args: &[ColumnType]) -> ColumnType {
    match function {
        AggregateFunction::Count | AggregateFunction::CountDistinct | AggregateFunction::ApproxCountDistinct => int(),
        AggregateFunction::Avg
        | AggregateFunction::Variance
        | AggregateFunction::Stddev
        | AggregateFunction::Median
        | AggregateFunction::Percentile(_)
        | AggregateFunction::ApproxPercentile(_) => option(float()),
        AggregateFunction::ArgMin | AggregateFunction::ArgMax => option(args[1]),
        AggregateFunction::Sum
        | AggregateFunction::Min
        | AggregateFunction::Max
        | AggregateFunction::First
        | AggregateFunction::Last
        | AggregateFunction::Collect
        | AggregateFunction::User { .. } => option(args[0]),
    }
}

/// Every function over every column, grouped by the first `keys` columns.
fn check(types: &[ColumnType], keys: usize, rows: Vec<Row>) {
    let mut calls = Vec::new();
    for function in FUNCTIONS {
        for (at, ty) in types.iter().enumerate().skip(keys) {
            let is_numeric = matches!(ty.base, BaseType::Int64 | BaseType::Float64 | BaseType::Int32);
            let args = match function {
                AggregateFunction::Count if at == keys => vec![],
                AggregateFunction::ArgMin | AggregateFunction::ArgMax => vec![at, keys],
                AggregateFunction::Sum
                | AggregateFunction::Avg
                | AggregateFunction::Variance
                | AggregateFunction::Stddev
                | AggregateFunction::Median
                | AggregateFunction::Percentile(_)
                | AggregateFunction::ApproxPercentile(_)
                    if !is_numeric =>
                {
                    continue;
                }
                _ => vec![at],
            };
            calls.push((function, args));
        }
    }
    let mut plan = Plan::new(&["source", "aggregate", "sink"]);
    let source = plan.source(types, rows.clone());
    let spec = |(function, args): &(AggregateFunction, Vec<usize>)| {
        let args: Vec<ColumnType> = args.iter().map(|at| types[*at]).collect();
        AggregateSpec { function: *function, ty: result_type(*function, &args), args }
    };
    let specs: Vec<AggregateSpec> = calls.iter().map(spec).collect();
    let out: Vec<ColumnType> = types[..keys].iter().copied().chain(specs.iter().map(|spec| spec.ty)).collect();
    let table = plan.table(TableKind::Aggregate { keys: types[..keys].to_vec(), calls: specs, closes: None });
    let input = |(_, args): &(AggregateFunction, Vec<usize>)| AggregateInput {
        args: args.iter().map(|at| *at as u32).collect(),
        filter: None,
    };
    let end = End::Aggregate {
        table,
        keys: (0..keys as u32).collect(),
        inputs: calls.iter().map(input).collect(),
        fused: None,
        operator: 1,
    };
    plan.scan(source, 0, &[], vec![], end);
    let sink = plan.sink(&out);
    plan.table_to_sink(table, &out, sink, 2);
    let mut groups: Vec<(&[V], Vec<&Row>)> = if keys == 0 { vec![(&[], vec![])] } else { vec![] };
    for row in &rows {
        match groups.iter_mut().find(|(key, _)| *key == &row[..keys]) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((&row[..keys], vec![row])),
        }
    }
    let expected: Vec<Row> = groups
        .iter()
        .map(|(key, rows)| {
            key.iter().cloned().chain(calls.iter().map(|(function, args)| value(*function, args, rows))).collect()
        })
        .collect();
    plan.check(&expected);
    if keys > 0 && !rows.is_empty() {
        plan.check_spilled_in_order(&expected);
    }
}

#[test]
fn every_function_by_keys_of_every_layout() {
    let layouts: [&[ColumnType]; 7] = [
        &[int()],
        &[string()],
        &[option(int())],
        &[boolean(), int32()],
        &[option(string())],
        &[float()],
        &[option(int32()), string()],
    ];
    for keys in layouts {
        let values = [int(), option(float()), option(string()), option(int32())];
        let types: Vec<ColumnType> = keys.iter().copied().chain(values).collect();
        let limits: Vec<(ColumnType, u64)> =
            types.iter().enumerate().map(|(at, ty)| (*ty, if at < keys.len() { 12 } else { 300 })).collect();
        check(&types, keys.len(), Random(keys.len() as u64).rows(6_000, &limits));
    }
}

#[test]
fn many_groups_come_out_as_they_first_came() {
    let types = [int(), int()];
    check(&types, 1, Random(29).rows(30_000, &[(int(), 1500), (int(), 100)]));
}

#[test]
fn without_keys_there_is_one_group_also_of_no_rows() {
    let types = [int(), option(float()), option(string())];
    for count in [0, 1, 65, 5_000] {
        check(&types, 0, Random(31).rows(count, &types.map(|ty| (ty, 100))));
    }
    check(&[int(), int()], 1, vec![]);
}

#[test]
fn only_rows_for_which_the_filter_holds() {
    let rows = Random(37).rows(9_000, &[(int(), 7), (option(boolean()), 2), (int(), 50)]);
    let mut plan = Plan::new(&["source", "aggregate", "sink"]);
    let source = plan.source(&[int(), option(boolean()), int()], rows.clone());
    let calls = vec![AggregateSpec { function: AggregateFunction::Sum, args: vec![int()], ty: int() }];
    let table = plan.table(TableKind::Aggregate { keys: vec![int()], calls, closes: None });
    let inputs = vec![AggregateInput { args: vec![2], filter: Some(1) }];
    plan.scan(source, 0, &[], vec![], End::Aggregate { table, keys: vec![0], inputs, fused: None, operator: 1 });
    let sink = plan.sink(&[int(), int()]);
    plan.table_to_sink(table, &[int(), int()], sink, 2);
    let mut expected: Vec<(V, i64)> = vec![];
    for row in &rows {
        let V::I(value) = row[2] else { unreachable!("an integer") };
        let value = if row[1] == V::B(true) { value } else { 0 };
        match expected.iter_mut().find(|(key, _)| *key == row[0]) {
            Some((_, sum)) => *sum += value,
            None => expected.push((row[0].clone(), value)),
        }
    }
    plan.check(&expected.into_iter().map(|(key, sum)| vec![key, V::I(sum)]).collect::<Vec<_>>());
}

fn fused_plan(rows: Vec<Row>) -> Plan {
    let mut plan = Plan::new(&["source", "aggregate", "sink"]);
    plan.kernels = vec![count_and_sum];
    let source = plan.source(&[int()], rows);
    let calls = vec![
        AggregateSpec { function: AggregateFunction::Count, args: vec![], ty: int() },
        AggregateSpec { function: AggregateFunction::Sum, args: vec![int()], ty: option(int()) },
    ];
    let table = plan.table(TableKind::Aggregate { keys: vec![], calls, closes: None });
    let kernel = Kernel {
        plain: 0,
        nullable: 0,
        replay: None,
        vector: false,
        filter: false,
        cost: 10,
        inputs: vec![0],
        outputs: vec![],
        spans: vec![],
        messages: vec![],
    };
    let fused = Some(FusedAggregate { kernel, counts: vec![] });
    plan.scan(source, 0, &[], vec![], End::Aggregate { table, keys: vec![], inputs: vec![], fused, operator: 1 });
    let sink = plan.sink(&[int(), option(int())]);
    plan.table_to_sink(table, &[int(), option(int())], sink, 2);
    plan
}

#[test]
fn a_fused_kernel_updates_accumulators() {
    for count in [0, 1, 10_000] {
        let rows = Random(41).rows(count, &[(int(), 100)]);
        let sum = rows.iter().map(|row| number(&row[0]) as i64).sum();
        fused_plan(rows).check(&[vec![V::I(count as i64), if count == 0 { V::Null } else { V::I(sum) }]]);
    }
}

#[test]
fn a_sum_that_does_not_fit_fails_the_job() {
    let error =
        fused_plan(vec![vec![V::I(i64::MAX)], vec![V::I(1)]]).run(&RunOptions::default(), 1).expect_err("too large");
    assert!(matches!(&error, RunError::Row(failure) if failure.operator == "op1"), "{error}");
    assert!(error.to_string().contains("the sum does not fit its type"), "{error}");
}

#[test]
fn groups_whose_sum_does_not_fit_are_left_out_or_written() {
    let mut rows: Vec<Row> = (0..4000).map(|n| vec![V::I(n % 10), V::I(1)]).collect();
    rows.iter_mut().filter(|row| row[0] == V::I(3)).for_each(|row| row[1] = V::I(i64::MAX / 3));
    let mut plan = Plan::new(&["source", "aggregate", "sink"]);
    let source = plan.source(&[int(), int()], rows);
    let calls = vec![AggregateSpec { function: AggregateFunction::Sum, args: vec![int()], ty: int() }];
    let table = plan.table(TableKind::Aggregate { keys: vec![int()], calls, closes: None });
    let inputs = vec![AggregateInput { args: vec![1], filter: None }];
    plan.scan(source, 0, &[], vec![], End::Aggregate { table, keys: vec![0], inputs, fused: None, operator: 1 });
    let sink = plan.sink(&[int(), int()]);
    plan.table_to_sink(table, &[int(), int()], sink, 2);
    let errors = plan.sink(&[string(), int(), string(), string()]);
    for (name, field) in ["operator", "code", "message", "row"].into_iter().zip(&mut plan.manifest.sinks[1].fields) {
        field.name = name.into();
    }
    plan.manifest.operators[1].on_error = ErrorPolicy::Sink(errors);
    let expected: Vec<Row> = (0..10).filter(|key| *key != 3).map(|key| vec![V::I(key), V::I(400)]).collect();
    plan.check(&expected);
    let (written, summary) = plan.run(&RunOptions::default(), 1).expect("the group is refused");
    let texts = ["op1", "the sum does not fit its type", "key.0 = 3"].map(|text| V::S(text.into()));
    let [operator, message, row] = texts;
    assert_eq!(written[1], [vec![operator, V::I(15), message, row]]);
    assert_eq!(summary.operators[1].skipped, 1);
}
