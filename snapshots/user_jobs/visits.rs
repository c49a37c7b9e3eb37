//! Parts of timestamps: shifts, buckets, how long a visit was.

use sabot::prelude::*;

#[sabot::record]
pub struct Visit {
    start: Timestamp,
    end: Option<Timestamp>,
}

#[sabot::record]
pub struct Shift {
    day: Date,
    shift: String,
    minutes: Option<i64>,
    bucket: Timestamp,
    label: String,
}

#[sabot::udf]
pub fn shift(at: Timestamp) -> &'static str {
    match at.hour() {
        6..=13 => "early",
        14..=21 => "late",
        _ => "night",
    }
}

#[sabot::udf]
pub fn length_minutes(start: Timestamp, end: Option<Timestamp>) -> Option<i64> {
    let length = end? - start;
    if length < seconds(0) { None } else { Some(length.as_minutes()) }
}

#[sabot::pipeline]
pub fn visits() {
    source::<Visit>("rows", ndjson("rows.ndjson"))
        .map(|v| Shift {
            day: v.start.date(),
            shift: shift(v.start).to_string(),
            minutes: length_minutes(v.start, v.end),
            bucket: v.start.floor_to(minutes(15)),
            label: v.start.format("%d.%m.%Y %H:%M"),
        })
        .sink("out", ndjson("out.ndjson"));
}
