//! When invoices are due: business days, month ends, how late they are.

use sabot::prelude::*;

#[sabot::record]
pub struct Invoice {
    issued: Date,
    days: i64,
    paid: Option<Date>,
}

#[sabot::record]
pub struct Due {
    due: Date,
    label: String,
    late_days: i64,
    quarter: u32,
}

#[sabot::udf]
pub fn is_weekend(date: Date) -> bool {
    date.weekday() >= 6
}

#[sabot::udf]
pub fn add_business_days(from: Date, days: i64) -> Date {
    let mut date = from;
    let mut left = days;
    while left > 0 {
        date = date.add_days(1);
        if !is_weekend(date) {
            left -= 1;
        }
    }
    date
}

#[sabot::udf]
pub fn late_days(due: Date, paid: Option<Date>) -> i64 {
    match paid {
        Some(paid) if paid > due => (paid - due).as_days(),
        Some(_) => 0,
        None => -1,
    }
}

#[sabot::pipeline]
pub fn due_dates() {
    source::<Invoice>("rows", ndjson("rows.ndjson"))
        .map(|i| {
            let due = add_business_days(i.issued, i.days);
            Due {
                due,
                label: due.format("%Y-%m"),
                late_days: late_days(due, i.paid),
                quarter: (due.month() - 1) / 3 + 1,
            }
        })
        .sink("out", ndjson("out.ndjson"));
}
