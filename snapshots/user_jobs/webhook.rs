//! Fields out of a JSON payload.

use sabot::prelude::*;

#[sabot::record]
pub struct Event {
    payload: String,
}

#[sabot::record]
pub struct Payment {
    pub user: String,
    pub amount: f64,
    pub currency: String,
    pub first_item: Option<String>,
}

#[sabot::udf]
pub fn amount(payload: &str) -> Option<f64> {
    json_get(payload, "data.amount")?.parse::<f64>().ok()
}

#[sabot::udf]
pub fn to_payment(payload: &str) -> Option<Payment> {
    let amount = amount(payload)?;
    if amount <= 0.0 {
        return None;
    }
    Some(Payment {
        user: json_get(payload, "data.user.name").unwrap_or("anonymous".to_string()),
        amount,
        currency: json_get(payload, "data.currency").map(|c| c.to_uppercase()).unwrap_or_else(|| "EUR".into()),
        first_item: json_get(payload, "data.items[0].sku"),
    })
}

#[sabot::pipeline]
pub fn webhook() {
    source::<Event>("rows", ndjson("rows.ndjson"))
        .filter_map(|e| to_payment(&e.payload))
        .sink("out", ndjson("out.ndjson"));
}
