//! One order line per item of a basket.

use sabot::prelude::*;

#[sabot::record]
pub struct Basket {
    id: i64,
    items: String,
}

#[sabot::record]
pub struct Item {
    pub basket: i64,
    pub position: i32,
    pub sku: String,
    pub quantity: i32,
}

#[sabot::udf]
pub fn items(id: i64, items: &str) -> Vec<Item> {
    let mut rows = Vec::new();
    for (position, item) in items.split(';').map(|i| i.trim()).filter(|i| !i.is_empty()).enumerate() {
        let (sku, quantity) = match item.split_once('*') {
            Some((sku, quantity)) => (sku, quantity.parse().unwrap_or(1)),
            None => (item, 1),
        };
        rows.push(Item { basket: id, position: position as i32 + 1, sku: sku.to_string(), quantity });
    }
    rows
}

#[sabot::pipeline]
pub fn baskets() {
    source::<Basket>("rows", ndjson("rows.ndjson"))
        .flat_map(|b| items(b.id, &b.items))
        .sink("out", ndjson("out.ndjson"));
}
