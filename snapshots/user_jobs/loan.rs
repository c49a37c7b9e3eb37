//! Interest in exact decimal arithmetic.

use sabot::prelude::*;

#[sabot::record]
pub struct Loan {
    principal: Decimal,
    rate_percent: Decimal,
    months: u32,
}

#[sabot::record]
pub struct Plan {
    interest: Decimal,
    total: Decimal,
    monthly: Decimal,
    expensive: bool,
}

#[sabot::udf]
pub fn interest(principal: Decimal, rate_percent: Decimal, months: u32) -> Decimal {
    let monthly_rate = rate_percent / Decimal::from(1200);
    let mut owed = principal;
    for _ in 0..months {
        owed += (owed * monthly_rate).round(2);
    }
    owed - principal
}

#[sabot::pipeline]
pub fn loans() {
    source::<Loan>("rows", ndjson("rows.ndjson"))
        .filter(|l| l.months > 0)
        .map(|l| {
            let interest = interest(l.principal, l.rate_percent, l.months);
            let total = l.principal + interest;
            Plan {
                interest,
                total,
                monthly: (total / Decimal::from(l.months)).round(2),
                expensive: interest > l.principal,
            }
        })
        .sink("out", ndjson("out.ndjson"));
}
