//! One stream, several sinks: alerts, orders without a customer, orders of two regions together, the ten dearest.

use sabot::prelude::*;

#[sabot::record]
struct Order {
    order_id: i64,
    customer_id: Option<i64>,
    region: String,
    amount: f64,
}

#[sabot::record]
struct Customer {
    id: i64,
    name: String,
    blocked: bool,
}

#[sabot::record]
struct Alert {
    order_id: i64,
    reason: String,
}

#[sabot::record]
struct Named {
    order_id: i64,
    customer: String,
    amount: f64,
}

/// Four sinks behind the same orders.
#[sabot::pipeline]
pub fn fan_out(#[sabot(default = 5000.0)] alert_above: f64) {
    let orders = source::<Order>("orders", csv("input/orders.csv"));
    let customers = table::<Customer>("customers", csv("input/customers.csv")).primary_key(|c| c.id);
    let north = source::<Order>("north", csv("input/north.csv"));

    orders
        .filter_map(|o| {
            if o.amount > alert_above {
                Some(Alert { order_id: o.order_id, reason: "amount".to_string() })
            } else if o.region.is_empty() {
                Some(Alert { order_id: o.order_id, reason: "region".to_string() })
            } else {
                None
            }
        })
        .sink("alerts", ndjson("alerts.ndjson"));

    orders.hash_join(customers).on(|o| o.customer_id, |c| Some(c.id)).anti().sink("orphans", csv("orphans.csv"));

    orders
        .hash_join(customers)
        .on(|o| o.customer_id, |c| Some(c.id))
        .left()
        .map(|o, c| Named {
            order_id: o.order_id,
            customer: match c {
                Some(c) if c.blocked => "blocked".to_string(),
                Some(c) => c.name,
                None => "nobody".to_string(),
            },
            amount: o.amount,
        })
        .top_n(10, |n| n.amount)
        .sink("dearest", csv("dearest.csv"));

    orders.union(north).select(fields![order_id, region]).distinct().sink("regions", csv("regions.csv"));
}
