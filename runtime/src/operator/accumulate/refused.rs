//! Groups that have no value: a sum does not fit its type, a value is to be taken of a row and there is none, or a function of
//! the author's own aggregate has failed.
//!
//! They are left out, and treated as their operator's policy for row errors says.

use super::user::UserError;
use sabot_abi::kernel::RowErrorCode;
use sabot_abi::manifest::AggregateFunction;
use std::collections::BTreeMap;

/// Why a group has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its sum does not fit the sum's type.
    SumOverflow,
    /// The function takes the value of a row, and there is no row.
    NoRows(AggregateFunction),
    /// A function of one of the job's own aggregates has failed.
    User(UserError),
}

impl Refusal {
    /// As row errors are numbered.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::SumOverflow => RowErrorCode::SumOverflow as u32,
            Self::NoRows(_) => RowErrorCode::NoRows as u32,
            Self::User(error) => error.error.code,
        }
    }

    /// What happened, and what to write instead; of the author's own aggregates it is the author who says that.
    pub(crate) fn message(self) -> String {
        let Self::NoRows(function) = self else {
            return RowErrorCode::from_code(self.code())
                .map_or("the group cannot be computed", RowErrorCode::message)
                .to_owned();
        };
        let name = function_name(function);
        format!("`{name}` of no rows (with `Some(..)` around the value that it takes, it would be `None`)")
    }
}

/// Numbers of groups, each with the first reason.
#[derive(Debug, Default)]
pub(crate) struct Refused(BTreeMap<u32, Refusal>);

impl Refused {
    pub(crate) fn add(&mut self, group: u32, why: Refusal) {
        self.0.entry(group).or_insert(why);
    }

    pub(crate) fn remove(&mut self, group: u32) {
        self.0.remove(&group);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, group: u32) -> Option<Refusal> {
        self.0.get(&group).copied()
    }

    pub(crate) fn contains(&self, group: u32) -> bool {
        self.0.contains_key(&group)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, Refusal)> {
        self.0.iter().map(|(group, why)| (*group, *why))
    }

    /// A group for the operator's policy; it is one of these.
    pub(crate) fn with_key(&self, group: u32, key: Vec<String>) -> RefusedGroup {
        RefusedGroup { key, why: self.get(group).unwrap_or(Refusal::SumOverflow) }
    }
}

/// A group without a value, as its operator's policy takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedGroup {
    /// The parts of its key, as text.
    pub(crate) key: Vec<String>,
    pub(crate) why: Refusal,
}

/// The function's name in the job language.
fn function_name(function: AggregateFunction) -> &'static str {
    match function {
        AggregateFunction::Count => "count",
        AggregateFunction::Sum => "sum",
        AggregateFunction::Min => "min",
        AggregateFunction::Max => "max",
        AggregateFunction::Avg => "avg",
        AggregateFunction::First => "first",
        AggregateFunction::Last => "last",
        AggregateFunction::ArgMin => "arg_min",
        AggregateFunction::ArgMax => "arg_max",
        AggregateFunction::CountDistinct => "count_distinct",
        AggregateFunction::ApproxCountDistinct => "approx_count_distinct",
        AggregateFunction::Variance => "variance",
        AggregateFunction::Stddev => "stddev",
        AggregateFunction::Median => "median",
        AggregateFunction::Percentile(_) => "percentile",
        AggregateFunction::ApproxPercentile(_) => "approx_percentile",
        AggregateFunction::Collect => "collect",
        AggregateFunction::User { .. } => "aggregate",
    }
}
