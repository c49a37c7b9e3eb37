//! When invoices fall due and how late they were paid, and what was billed each month: decimals, dates, times, records in records.

use sabot::prelude::*;

#[sabot::record]
struct Customer {
    name: String,
    country: Option<String>,
}

#[sabot::record]
#[sabot(rename_all = "camelCase")]
struct Invoice {
    id: i64,
    customer: Customer,
    net: Decimal,
    issued: Date,
    paid_at: Option<Timestamp>,
}

#[sabot::record]
struct Due {
    id: i64,
    customer: Customer,
    gross: Decimal,
    due: Date,
    days_late: Option<i64>,
    label: String,
}

#[sabot::record]
struct Month {
    month: Date,
    invoices: i64,
    net: Decimal,
    tax: Decimal,
    largest: Decimal,
}

impl Customer {
    /// The rate of the tax that its country adds.
    fn tax_rate(&self) -> Decimal {
        match self.country.as_deref() {
            Some("DE") => dec("0.19"),
            Some("FR") => dec("0.2"),
            Some("SE") => dec("0.25"),
            _ => Decimal::ZERO,
        }
    }
}

impl Invoice {
    fn tax(&self) -> Decimal {
        (self.net * self.customer.tax_rate()).round(2)
    }

    /// 30 days later; a day of the weekend becomes the Monday after it.
    fn due(&self) -> Date {
        let day = self.issued.add_days(30);
        match day.weekday() {
            6 => day.add_days(2),
            7 => day.add_days(1),
            _ => day,
        }
    }

    /// How many days after it fell due it was paid; 0 if it was paid in time.
    fn days_late(&self) -> Option<i64> {
        let paid = self.paid_at?.date();
        Some(i64::from((paid.as_days() - self.due().as_days()).max(0)))
    }
}

/// Each invoice with what is due when, and the sums of every month.
#[sabot::pipeline]
pub fn invoices() {
    let invoices = source::<Invoice>("invoices", ndjson("input/invoices.ndjson"));

    invoices
        .map(|i| Due {
            id: i.id,
            gross: i.net + i.tax(),
            due: i.due(),
            days_late: i.days_late(),
            label: format!("{:>6}/{} {}", i.id, i.issued.format("%Y-%m"), i.customer.name),
            customer: i.customer,
        })
        .sink("due", ndjson("due.ndjson"));

    invoices
        .key_by(|i| i.issued.trunc(Unit::Month))
        .aggregate(|g| Month {
            month: g.key(),
            invoices: g.count(),
            net: g.sum(|i| i.net),
            tax: g.sum(|i| i.tax()),
            largest: g.max(|i| i.net),
        })
        .order_by(|m| m.month)
        .sink("months", csv("months.csv"));
}
