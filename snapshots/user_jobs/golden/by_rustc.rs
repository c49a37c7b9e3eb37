//! What rustc makes of the jobs' functions: each row of an input goes through the same calls as in the job's pipeline. The files
//! beside this one are what it gave, with the jobs as modules of `jobs` and without their pipelines. Part of no crate.
//!
//! A panic is a row error: the row is missing, where the job skips such rows.

use super::jobs::*;
use sabot::prelude::*;
use serde_json::{Value, json};
use std::str::FromStr;

/// The functions of every job as rustc compiles them, by the job's name.
pub const JOBS: [(&str, fn(&Value) -> Vec<Value>); 27] = [
    ("access_log", access_log_rows),
    ("basket", basket_rows),
    ("bond_yield", bond_yield_rows),
    ("campaign", campaign_rows),
    ("deliveries", deliveries_rows),
    ("discounts", discounts_rows),
    ("due_dates", due_dates_rows),
    ("emails", emails_rows),
    ("hashtags", hashtags_rows),
    ("ipv4", ipv4_rows),
    ("levenshtein", levenshtein_rows),
    ("loan", loan_rows),
    ("luhn", luhn_rows),
    ("margins", margins_rows),
    ("names", names_rows),
    ("orders", orders_rows),
    ("part_numbers", part_numbers_rows),
    ("primes", primes_rows),
    ("readings", readings_rows),
    ("roman", roman_rows),
    ("rot13", rot13_rows),
    ("run_length", run_length_rows),
    ("sensor_ranges", sensor_ranges_rows),
    ("slugify", slugify_rows),
    ("venues", venues_rows),
    ("visits", visits_rows),
    ("webhook", webhook_rows),
];

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().expect("a string")
}

fn float(row: &Value, name: &str) -> f64 {
    row[name].as_f64().expect("a number")
}

fn int(row: &Value, name: &str) -> i64 {
    row[name].as_i64().expect("an integer")
}

fn parsed<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("the input holds {text:?}"))
}

/// Dates, times and decimals are texts in NDJSON, as they are displayed.
fn shown(value: impl std::fmt::Display) -> Value {
    Value::String(value.to_string())
}

/// Decimals are numbers in NDJSON.
fn decimal(value: Decimal) -> Value {
    serde_json::from_str(&value.to_string()).expect("a number")
}

fn number(value: f64) -> Value {
    if value.is_finite() {
        json!(value)
    } else if value.is_nan() {
        json!("NaN")
    } else {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    }
}

fn access_log_rows(row: &Value) -> Vec<Value> {
    let hit = access_log::parse(text(row, "line"));
    hit.map(|h| json!({"method": h.method, "path": h.path, "status": h.status, "class": h.class, "bytes": h.bytes}))
        .into_iter()
        .collect()
}

fn basket_rows(row: &Value) -> Vec<Value> {
    let items = basket::items(int(row, "id"), text(row, "items"));
    let item = |i: basket::Item| json!({"basket": i.basket, "position": i.position, "sku": i.sku, "quantity": i.quantity});
    items.into_iter().map(item).collect()
}

fn bond_yield_rows(row: &Value) -> Vec<Value> {
    let years = int(row, "years") as i32;
    let (rate, steps) = bond_yield::bond_yield(float(row, "price"), float(row, "coupon"), years);
    vec![json!({"percent": rate.map(|r| number((r * 1e6).round() / 1e4)), "steps": steps})]
}

fn campaign_rows(row: &Value) -> Vec<Value> {
    let url = text(row, "url");
    vec![json!({
        "host": campaign::host(url),
        "source": campaign::parameter(url, "utm_source").unwrap_or_else(|| "direct".to_string()),
        "medium": campaign::parameter(url, "utm_medium").map(|m| m.to_uppercase()),
        "parameters": campaign::query(url).split('&').filter(|p| p.contains('=')).count(),
    })]
}

fn deliveries_rows(row: &Value) -> Vec<Value> {
    let [lat1, lon1, lat2, lon2] = ["lat1", "lon1", "lat2", "lon2"].map(|name| float(row, name));
    let km = deliveries::haversine_km(lat1, lon1, lat2, lon2);
    vec![json!({
        "km": number((km * 1000.0).round() / 1000.0),
        "bearing": number(deliveries::bearing(lat1, lon1, lat2, lon2).floor()),
        "zone": deliveries::zone(km),
        "eta_minutes": (km / 35.0 * 60.0).ceil() as i32,
    })]
}

fn discounts_rows(row: &Value) -> Vec<Value> {
    let quantity = int(row, "quantity");
    if quantity <= 0 {
        return Vec::new();
    }
    let rate = discounts::rate(quantity, row["coupon"].as_str(), row["loyal"].as_bool().expect("a bool"));
    let total = discounts::cents(quantity as f64 * float(row, "unit_price") * (1.0 - rate));
    let note = format!("{}x at -{:.1}% = {:.2}", quantity, rate * 100.0, total);
    vec![json!({"rate": number(rate), "total": number(total), "note": note})]
}

fn due_dates_rows(row: &Value) -> Vec<Value> {
    let due = due_dates::add_business_days(parsed(text(row, "issued")), int(row, "days"));
    let paid = row["paid"].as_str().map(parsed::<Date>);
    vec![json!({
        "due": shown(due),
        "label": due.format("%Y-%m"),
        "late_days": due_dates::late_days(due, paid),
        "quarter": (due.month() - 1) / 3 + 1,
    })]
}

fn emails_rows(row: &Value) -> Vec<Value> {
    let email = text(row, "email");
    let domain = emails::domain(email);
    vec![json!({"valid": emails::is_valid(email), "domain": domain, "free": emails::is_free(&domain)})]
}

fn hashtags_rows(row: &Value) -> Vec<Value> {
    let post = text(row, "text");
    vec![json!({
        "id": row["id"],
        "tags": hashtags::count_tags(post),
        "longest": hashtags::longest_tag(post),
        "shouting": hashtags::is_shouting(post),
    })]
}

fn ipv4_rows(row: &Value) -> Vec<Value> {
    let ip = text(row, "ip");
    vec![json!({"ip": ip, "number": ipv4::to_number(ip), "private": ipv4::is_private(ip)})]
}

fn levenshtein_rows(row: &Value) -> Vec<Value> {
    let (typed, meant) = (text(row, "typed"), text(row, "meant"));
    vec![json!({
        "distance": levenshtein::levenshtein(typed, meant),
        "similarity": number(levenshtein::similarity(typed, meant)),
    })]
}

fn loan_rows(row: &Value) -> Vec<Value> {
    let months = int(row, "months") as u32;
    if months == 0 {
        return Vec::new();
    }
    let principal: Decimal = parsed(text(row, "principal"));
    let interest = loan::interest(principal, parsed(text(row, "rate_percent")), months);
    let total = principal + interest;
    vec![json!({
        "interest": decimal(interest),
        "total": decimal(total),
        "monthly": decimal((total / Decimal::from(months)).round(2)),
        "expensive": interest > principal,
    })]
}

fn luhn_rows(row: &Value) -> Vec<Value> {
    let card = text(row, "number");
    vec![json!({
        "number": card,
        "valid": luhn::luhn(card),
        "network": luhn::network(card),
        "masked": luhn::mask(card),
    })]
}

fn margins_rows(row: &Value) -> Vec<Value> {
    let [revenue, cost, units] = ["revenue", "cost", "units"].map(|name| row[name].as_i64().map(|n| n as i32));
    let margin = margins::margin(revenue, cost);
    let percent = margins::percent(margin, revenue);
    vec![json!({
        "margin": margin,
        "per_unit": margins::per_unit(margin, units),
        "percent": number(percent),
        "verdict": margins::verdict(margin, percent),
        "total": revenue.unwrap_or(0) * units.unwrap_or(1),
    })]
}

fn names_rows(row: &Value) -> Vec<Value> {
    let (first, last, age, score) = (text(row, "first"), text(row, "last"), int(row, "age") as u8, float(row, "score"));
    let name = format!("{} {}", names::title_case(first), names::title_case(last));
    vec![json!({
        "name": name,
        "initials": names::initials(first, last),
        "row": format!("{:<12}|{:>4}|{:08.3}|{:+}|{:04x}", name, age, score, age as i32 - 40, age),
        "sort_key": names::sort_key(first, last),
    })]
}

fn orders_rows(row: &Value) -> Vec<Value> {
    let order = orders::Order::new(
        int(row, "id"),
        float(row, "net"),
        text(row, "country"),
        text(row, "zip"),
        row["express"].as_bool().expect("a bool"),
    );
    vec![json!({
        "id": row["id"],
        "gross": number(order.gross()),
        "shipping": number(order.shipping()),
        "to": order.to(),
        "large": order.gross() > orders::Order::LARGE,
    })]
}

fn part_numbers_rows(row: &Value) -> Vec<Value> {
    let ticket = text(row, "text");
    vec![json!({
        "mentions": part_numbers::mentions(ticket),
        "part": part_numbers::part(ticket),
        "series": part_numbers::series(ticket),
        "cleaned": part_numbers::cleaned(ticket),
    })]
}

fn primes_rows(row: &Value) -> Vec<Value> {
    let n = int(row, "n") as u32;
    vec![json!({
        "prime": primes::is_prime(n),
        "below": primes::primes_below(n),
        "largest_factor": primes::largest_factor(n),
        "collatz": primes::collatz(n),
        "pair": primes::goldbach(n),
    })]
}

fn readings_rows(row: &Value) -> Vec<Value> {
    let batch = text(row, "readings");
    let values = readings::numbers(batch);
    vec![json!({
        "count": values.len(),
        "median": readings::median(batch).map(number),
        "spread": readings::spread(batch),
        "longest_rise": readings::longest_rise(&values),
        "all_positive": values.iter().all(|v| *v > 0),
    })]
}

fn roman_rows(row: &Value) -> Vec<Value> {
    let roman = roman::to_roman(int(row, "year") as u32);
    vec![json!({"back": roman::from_roman(&roman), "roman": roman})]
}

fn rot13_rows(row: &Value) -> Vec<Value> {
    let hidden = rot13::rot13(text(row, "text"));
    vec![json!({"checksum": rot13::fnv1a(&hidden), "parity": rot13::parity(&hidden), "text": hidden})]
}

fn run_length_rows(row: &Value) -> Vec<Value> {
    let data = text(row, "data");
    let packed = run_length::pack(data);
    vec![json!({
        "ratio": packed.len() as f64 / data.len().max(1) as f64,
        "same": run_length::unpack(&packed) == data,
        "packed": packed,
    })]
}

fn sensor_ranges_rows(row: &Value) -> Vec<Value> {
    let level = int(row, "level") as i32;
    let range = sensor_ranges::summary(float(row, "a"), float(row, "b"), float(row, "c"), level);
    vec![json!({
        "low": number(range.low),
        "high": number(range.high),
        "mean": number(range.mean),
        "level": range.level,
        "first_above": range.first_above,
    })]
}

fn slugify_rows(row: &Value) -> Vec<Value> {
    let slug = slugify::slugify(text(row, "title"), 24);
    vec![json!({"words": slug.split('-').filter(|w| !w.is_empty()).count(), "slug": slug})]
}

fn venue(row: &Value) -> Option<venues::Venue> {
    let place = &row["place"];
    (!row.is_null()).then(|| {
        venues::Venue::new(text(row, "shortName"), row["country"].as_str(), float(place, "lat"), float(place, "lon"))
    })
}

fn venues_rows(row: &Value) -> Vec<Value> {
    let home = venue(&row["venue"]).expect("a venue");
    let routed = venues::route(venues::Trade::new(int(row, "id"), home, venue(&row["best"]), float(row, "price")));
    let written = |venue: &venues::Venue| {
        json!({
            "shortName": venue.short_name,
            "country": venue.country,
            "place": {"lat": number(venue.place.lat), "lon": number(venue.place.lon)},
        })
    };
    vec![json!({
        "id": routed.id,
        "to": written(&routed.to),
        "left": routed.left.as_ref().map(written),
        "moved": number(routed.moved),
        "label": routed.label,
    })]
}

fn visits_rows(row: &Value) -> Vec<Value> {
    let start: Timestamp = parsed(text(row, "start"));
    vec![json!({
        "day": shown(start.date()),
        "shift": visits::shift(start),
        "minutes": visits::length_minutes(start, row["end"].as_str().map(parsed)),
        "bucket": shown(start.floor_to(minutes(15))),
        "label": start.format("%d.%m.%Y %H:%M"),
    })]
}

fn webhook_rows(row: &Value) -> Vec<Value> {
    let payment = webhook::to_payment(text(row, "payload"));
    payment
        .map(|p| json!({"user": p.user, "amount": number(p.amount), "currency": p.currency, "first_item": p.first_item}))
        .into_iter()
        .collect()
}
