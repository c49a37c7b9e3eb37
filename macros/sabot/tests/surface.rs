//! Everything that the front end takes in a pipeline is known to the façade: rustc compiles it without a warning.
#![allow(missing_docs, reason = "a test")]

use sabot_snapshots::rustc::facade;

/// Compiles a file as a program with its tests, and runs them.
fn check(source: &str) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    std::fs::write(folder.path().join("job.rs"), source).expect("the file can be written");
    let output = facade()
        .compiler("rustc", folder.path())
        .args(["-D", "warnings", "--test", "-o", "tests", "job.rs"])
        .output()
        .expect("rustc can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = std::process::Command::new(folder.path().join("tests")).output().expect("the tests can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

const RECORDS: &str = "
use sabot::prelude::*;

#[sabot::record]
#[derive(Debug, Default)]
#[sabot(rename_all = \"camelCase\")]
pub struct Order { id: i64, customer_id: Option<i64>, region: String, #[sabot(rename = \"AMT\")] amount: f64, count: i32, at: Timestamp }

#[sabot::record]
pub struct Customer { id: i64, name: String, blocked: bool, since: Date }

#[sabot::record]
pub struct Out { key: String, value: f64 }

pub const LEAST: f64 = 10.0;
pub const PATH: &str = \"orders.csv\";
pub const TEN: i64 = 10;
";

/// A pipeline with two streams, and this body.
fn check_job(items: &str, body: &str) {
    check(&format!(
        "{RECORDS}\n{items}\n#[sabot::pipeline]\npub fn job(least: f64, #[sabot(default = \"x\")] region: String) {{\n    \
         let orders = source::<Order>(\"orders\", csv(PATH));\n    \
         let customers = table::<Customer>(\"customers\", parquet(\"customers.parquet\")).primary_key(|c| c.id);\n{body}\n}}\n"
    ));
}

#[test]
fn one_row_at_a_time() {
    check_job(
        "#[sabot::udf]\nfn is_large(order: &Order) -> bool {\n    order.amount > LEAST\n}\n",
        "    let large = orders.filter(is_large).filter(|o| o.region == region && o.amount > least).named(\"large\");
    large.map(|o| Out { key: o.region, value: o.amount.max(LEAST) }).errors(\"bad\", ndjson(\"bad.ndjson\")).sink(\"mapped\", arrow(\"mapped.arrow\"));
    large
        .filter_map(|o| if o.amount > 0.0 { Some(Out { key: o.region, value: o.amount }) } else { None })
        .skip_errors()
        .sink(\"some\", stdout().format(Format::Ndjson));
    customers.select(fields![id, name,]).sink(\"names\", csv(\"names.csv\").delimiter(\";\"));",
    );
}

#[test]
fn order_and_number() {
    check_job(
        "",
        "    let rows = orders.order_by(|o| (o.region.clone(), o.id)).order_by_desc(|o| o.amount).limit(TEN).top_n(3, |o| o.amount);
    rows.distinct().dedup(|o| o.customer_id).sink(\"rows\", csv(\"rows.csv\"));
    orders.key_by(|o| o.region.clone()).top_n(TEN, |o| (o.amount, o.id)).sink(\"per_region\", csv(\"p.csv\"));
    orders.clone().union(&orders).union(orders.filter(|o| o.amount < least || region.is_empty())).sink(\"all\", csv(\"all.csv\"));
    customers.filter(|c| !c.blocked).sink(\"c\", csv(\"c.csv\"));",
    );
}

#[test]
fn joins() {
    check_job(
        "",
        "    orders.hash_join(customers).on(|o| o.customer_id, |c| Some(c.id)).map(|o, c| Out { key: c.name, value: o.amount + least }).sink(\"inner\", csv(\"i.csv\"));
    orders
        .hash_join(&customers)
        .on(|o| (o.customer_id, &o.region), |c| (Some(c.id), &c.name))
        .left()
        .map(|o, c| Out { key: c.map(|c| c.name).unwrap_or(\"nobody\".into()), value: o.amount })
        .sink(\"left\", csv(\"l.csv\"));
    orders
        .hash_join(customers)
        .on(|o| o.customer_id.unwrap_or(0), |c| c.id)
        .right()
        .map(|o, c| Out { key: c.name, value: match o { Some(o) if o.id > 0 => o.amount, Some(_) | None => 0.0 } })
        .sink(\"right\", csv(\"r.csv\"));
    orders
        .hash_join(customers)
        .on(|o| o.customer_id.unwrap_or(0), |c| c.id)
        .full()
        .map(|o, c| Out { key: c.map_or(\"nobody\".to_string(), |c| c.name), value: o.map_or(0.0, |o| o.amount) })
        .sink(\"full\", csv(\"f.csv\"));
    orders.hash_join(customers).on(|o| o.region.clone(), |c| c.name.clone()).semi().sink(\"semi\", csv(\"s.csv\"));
    orders.hash_join(customers.filter(|c| c.name == region)).on(|o| o.id, |c| c.id).anti().sink(\"anti\", csv(\"a.csv\"));",
    );
}

#[test]
fn groups() {
    check_job(
        "#[sabot::record]
pub struct Stats {
    region: String, month: i64, rows: i64, total: f64, least: i32, most: Option<i64>, mean: f64, mean_id: Option<f64>, first: f64,
    last: Timestamp, cheapest: i64, dearest: Option<i64>, customers: i64, about: i64, variance: f64, deviation: f64, middle: f64,
    large: i64, large_total: f64, best: Option<String>,
}
",
        "    orders
        .key_by(|o| (o.region.clone(), o.id % 12))
        .aggregate(|g| Stats {
            region: g.key().0,
            month: g.key().1,
            rows: g.count(),
            total: g.sum(|o| o.amount) + least,
            least: g.min(|o| o.count),
            most: g.max(|o| o.customer_id),
            mean: g.avg(|o| o.amount),
            mean_id: g.avg(|o| o.customer_id),
            first: g.first(|o| o.amount),
            last: g.last(|o| o.at),
            cheapest: g.arg_min(|o| o.amount, |o| o.id),
            dearest: g.arg_max(|o| o.amount, |o| o.customer_id),
            customers: g.count_distinct(|o| o.customer_id),
            about: g.approx_count_distinct(|o| o.region.clone()),
            variance: g.variance(|o| o.amount),
            deviation: g.stddev(|o| o.count),
            middle: g.median_if(|o| o.amount, |o| o.amount > least),
            large: g.count_if(|o| o.amount > 100.0 && o.region != region),
            large_total: g.sum_if(|o| o.amount, |o| o.amount > 100.0),
            best: g.arg_max_if(|o| o.customer_id, |o| o.region.clone(), |o| o.count > 0),
        })
        .sink(\"stats\", csv(\"stats.csv\"));
    customers
        .aggregate(|g| { let n = g.count(); Out { key: g.max(|c| c.name.clone()), value: n as f64 } })
        .sink(\"global\", csv(\"global.csv\"));",
    );
}

#[test]
fn aggregates_of_the_jobs_own() {
    check_job(
        "#[sabot::record]
pub struct Spread { low: f64, high: f64 }

/// Says how.
#[sabot::aggregate]
impl Spread {
    const START: f64 = f64::INFINITY;
    fn init() -> Self { Self { low: Self::START, high: f64::NEG_INFINITY } }
    fn add(self, price: f64) -> Self { Self { low: self.low.min(price), high: self.high.max(price) } }
    fn remove(self, _price: f64) -> Self { self }
    fn merge(self, other: Self) -> Self { Self { low: self.low.min(other.low), high: self.high.max(other.high) } }
    fn finish(&self) -> f64 { self.high - self.low }
}

#[sabot::record]
struct Rows { rows: i64, best: Option<String> }

#[sabot::aggregate]
impl Rows {
    fn init() -> Rows { Rows { rows: 0, best: None } }
    fn add(self, name: String, count: Option<i64>) -> Self { Self { rows: self.rows + count.unwrap_or(1), best: Some(name) } }
    fn merge(self, other: Rows) -> Rows { Rows { rows: self.rows + other.rows, best: other.best.or(self.best) } }
    fn finish(self) -> (i64, Option<String>) { (self.rows, self.best) }
}

#[sabot::record]
struct Nothing { rows: i64 }

#[sabot::aggregate]
impl Nothing {
    fn init() -> Self { Self { rows: 0 } }
    fn add(self) -> Self { Self { rows: self.rows + 1 } }
    fn merge(self, other: Self) -> Self { Self { rows: self.rows + other.rows } }
    fn finish(self) -> i64 { self.rows }
}

impl Order {
    fn tax(&self) -> f64 { self.amount * 0.19 }
}

#[sabot::record]
pub struct Many { key: String, spread: f64, rows: i64, best: Option<String>, near: f64, near_id: Option<f64>, ids: Vec<i64>, tax: f64 }
",
        "    orders
        .key_by(|o| o.region.clone())
        .aggregate(|g| {
            let (rows, best) = g.aggregate_if::<Rows>(|o| (o.region.clone(), o.customer_id), |o| o.amount > least);
            Many {
                key: g.key(),
                spread: g.aggregate::<Spread>(|o| o.amount) + g.aggregate::<Nothing>(|_| ()) as f64,
                rows,
                best,
                near: g.approx_percentile(0.9, |o| o.amount),
                near_id: g.approx_percentile_if(0.5, |o| o.customer_id, |o| o.count > 0),
                ids: g.collect(|o| o.id),
                tax: g.sum(Order::tax) + g.collect_if(|o| o.amount, |o| o.region == region).len() as f64,
            }
        })
        .sink(\"many\", arrow(\"many.arrow\"));
    orders.reduce(|a, b| if a.amount > b.amount { a } else { b }).sink(\"dearest\", csv(\"d.csv\"));
    orders.key_by(|o| o.region.clone()).reduce(|a, b| Order { count: a.count + b.count, ..b }).sink(\"last\", csv(\"l.csv\"));
    let timed = source::<Order>(\"timed\", csv(PATH)).event_time(|o| o.at, lateness(seconds(5)));
    timed.key_by(|o| o.id).window(session(minutes(1))).reduce(|a, _b| a).sink(\"first\", csv(\"f.csv\"));
    customers.sink(\"customers_out\", csv(\"c.csv\"));",
    );
}

#[test]
fn windows_and_joins_in_time() {
    check_job(
        "#[sabot::record]\npub struct Piece { key: String, start: Timestamp, end: Timestamp, value: f64 }\n",
        "    let timed = source::<Order>(\"timed\", kafka(\"timed\")).event_time(|o| o.at, lateness(seconds(5))).idle_after(seconds(30));
    let rates = table::<Order>(\"rates\", csv(PATH)).primary_key(|o| o.id).event_time(|o| o.at, lateness(seconds(0))).refresh_every(minutes(1)).idle_after(minutes(1));
    timed.key_by(|o| o.region.clone()).window(tumbling(minutes(5)).offset(seconds(7)))
        .aggregate(|w| Piece { key: w.key(), start: w.start(), end: w.end(), value: w.sum(|o| o.amount) + w.count() as f64 })
        .late(\"late\", csv(\"late.csv\")).allowed_lateness(minutes(1)).emit_every(seconds(10)).sink(\"a\", csv(\"a.csv\"));
    timed.window(sliding(minutes(5), minutes(1))).top_n(3, |o| o.amount).sink(\"b\", csv(\"b.csv\"));
    timed.window(cumulate(minutes(1), hours(1))).dedup(|o| o.id).sink(\"c\", csv(\"c.csv\"));
    timed.window(tumbling(minutes(1))).distinct().sink(\"d\", csv(\"d.csv\"));
    timed.key_by(|o| o.region.clone()).window(session(minutes(1))).aggregate(|w| Out { key: w.key(), value: w.avg(|o| o.amount) }).sink(\"e\", csv(\"e.csv\"));
    timed.key_by(|o| (o.id, o.count)).window(count(TEN)).aggregate(|w| Out { key: String::new(), value: w.key().0 as f64 }).sink(\"f\", csv(\"f.csv\"));
    timed.window(tumbling(minutes(1)).processing_time()).aggregate(|w| Out { key: region.clone(), value: w.count() as f64 }).sink(\"g\", csv(\"g.csv\"));
    let others = source::<Order>(\"others\", csv(PATH)).event_time(|o| o.at, lateness(seconds(0)));
    orders.sink(\"o\", csv(\"o.csv\"));
    timed.hash_join(others).on(|a| a.id, |b| b.id).within(minutes(1)).left().map(|a, b| Out { key: a.region, value: b.map(|b| b.amount).unwrap_or(least) }).sink(\"h\", csv(\"h.csv\"));
    timed.hash_join(timed).on(|a| a.id, |b| b.id).window(tumbling(minutes(1))).map(|a, b| Out { key: a.region, value: b.amount }).sink(\"i\", csv(\"i.csv\"));
    timed.asof_join(rates).on(|a| a.id, |b| b.id).nearest().tolerance(hours(1)).left().map(|a, b| Out { key: a.region, value: b.map(|b| b.amount).unwrap_or(0.0) }).sink(\"j\", csv(\"j.csv\"));
    timed.asof_join(rates).forward().map(|a, b| Out { key: a.region, value: b.amount }).sink(\"k\", csv(\"k.csv\"));
    timed.hash_join(rates).on(|a| a.id, |b| b.id).as_of_event_time().map(|a, b| Out { key: a.region, value: b.amount }).sink(\"l\", csv(\"l.csv\"));
    let made = source::<Order>(\"made\", generate().rows(1_000).rate(100).column(\"id\", \"sequence\").column(\"region\", \"choice:EU|US\"));
    let bids = source::<Order>(\"bids\", nexmark().bids().rate(10_000));
    source::<Order>(\"growing\", ndjson(\"growing.ndjson\").follow()).sink(\"p\", stdout());
    made.union(bids).sink(\"n\", csv(\"n.csv\"));
    timed.lookup_join(customers).on(|a| a.id, |c| c.id).map(|a, c| Out { key: a.region + &c.name, value: a.amount }).sink(\"m\", csv(\"m.csv\"));",
    );
}

#[test]
fn values_of_sabot() {
    check(
        "
use sabot::prelude::*;

#[sabot::record]
pub struct Payment { account: i64, amount: Decimal, tip: Option<Decimal>, day: Date, at: Timestamp, took: Duration, note: String }

#[sabot::record]
pub struct Sums { account: i64, amount: Decimal, tip: Option<Decimal>, mean: f64, mean_tip: Option<f64>, took: Duration, first: Date, code: Option<String> }

#[sabot::udf]
pub fn gross(amount: Decimal) -> Decimal {
    (amount * dec(\"1.19\")).round(2)
}

#[sabot::udf]
pub fn code(note: &str) -> Option<String> {
    json_get(note, \"code\").map(|code| code.trim().to_uppercase())
}

#[sabot::pipeline]
pub fn job(since: Timestamp, on: Date, at_least: Decimal, within: Duration) {
    source::<Payment>(\"payments\", csv(\"p.csv\"))
        .filter(|p| p.at >= since && p.day != on && p.amount > at_least && p.took < within + seconds(1))
        .key_by(|p| p.account)
        .aggregate(|g| Sums {
            account: g.key(),
            amount: g.sum(|p| gross(p.amount)),
            tip: g.max(|p| p.tip),
            mean: g.avg(|p| p.amount),
            mean_tip: g.median(|p| p.tip),
            took: g.sum(|p| p.took),
            first: g.min(|p| p.day),
            code: g.arg_max(|p| p.at, |p| code(&p.note)),
        })
        .sink(\"sums\", csv(\"sums.csv\"));
}

#[test]
fn arguments_are_defaults() {
    let graph = job(timestamp(\"2024-02-29T12:00:00Z\"), date(\"2024-03-01\"), dec(\"-1.5\"), minutes(2));
    let checked = sabot::compiler::plan_optimizer::PlanOptimizer::default().optimize(&graph);
    assert!(checked.is_ok(), \"{checked:?}\");
    let json = graph.to_json();
    for part in [\"2024-02-29T12:00:00Z\", \"2024-03-01\", \"-1.5\", \"120000000\"] {
        assert!(json.contains(part), \"{part} in {json}\");
    }
    assert_eq!(gross(dec(\"2\")), dec(\"2.38\"));
}
"
    );
}

#[test]
fn lists_bytes_and_methods_of_records() {
    check(
        "use sabot::prelude::*;

#[sabot::record]
pub struct Line { id: i64, text: String, raw: Bytes, tags: Vec<String> }

#[sabot::record]
pub struct Word { id: i64, word: String, weight: f64 }

impl Line {
    const LEAST: u64 = 2;

    fn is_long(&self) -> bool {
        self.text.len() as u64 > Self::LEAST && !self.raw.is_empty()
    }
}

fn larger<T: PartialOrd>(a: T, b: T) -> T {
    if a > b { a } else { b }
}

#[sabot::udf(math = \"fast\")]
pub fn weight(text: &str) -> f64 {
    let mut sum = 0.0;
    for c in text.chars() {
        sum += (f64::from(c as u32) / 100.0).exp();
    }
    larger(sum, math::exp(0.0))
}

#[sabot::pipeline]
pub fn job() {
    source::<Line>(\"lines\", arrow(\"lines.arrow\"))
        .filter(|l| l.is_long() && regex!(r\"^\\w+\").is_match(&l.text))
        .flat_map(|l| {
            let weight = weight(&l.text);
            vec![Word { id: l.id, word: l.text, weight }, Word { id: l.id, word: \"end\".to_string(), weight: 0.0 }]
        })
        .sink(\"words\", csv(\"words.csv\"));
}

#[test]
fn callable() {
    assert!(weight(\"ab\") > 0.0);
}
",
    );
}

#[test]
fn connectors() {
    check(&format!(
        "{RECORDS}
#[sabot::record]
pub struct Bid {{ auction: i64, price: i64, date_time: Timestamp }}

#[sabot::pipeline]
pub fn job() {{
    let orders = source::<Order>(\"orders\", kafka(\"orders\").format(Format::Arrow)).event_time(|o| o.at, lateness(seconds(5))).rows(1_000_000);
    let customers = table::<Customer>(\"customers\", kafka(\"customers\").format(Format::Json)).primary_key(|c| c.id).rows(1_000);
    orders.sink(\"a\", stdout().format(Format::Csv));
    customers.sink(\"b\", kafka(\"out\").format(Format::Arrow));
    source::<Bid>(\"bids\", nexmark().bids().events(1_000_000)).sink(\"kept_bids\", parquet(\"bids.parquet\"));
    source::<Out>(\"in\", stdin().format(Format::Ndjson)).sink(\"c\", ndjson(\"c.ndjson\"));
}}
"
    ));
}

#[test]
fn a_pipeline_is_a_function_and_udfs_are_functions() {
    check(&format!(
        "{RECORDS}
#[sabot::udf(math = \"fast\")]
#[must_use]
pub fn scaled(value: f64) -> f64 {{
    value.exp() * 2.0
}}

/// What is dear.
#[sabot::pipeline]
#[allow(clippy::needless_pass_by_value, reason = \"a test\")]
pub(crate) fn dear(#[sabot(default = 1.5)] least: f64, n: i64, on: bool, name: String) {{
    source::<Order>(\"orders\", csv(PATH))
        .filter(|o| o.amount > least && o.id != n && on && o.region != name)
        .map(|o| Out {{ key: o.region, value: scaled(o.amount) }})
        .sink(\"out\", csv(\"out.csv\"));
}}

#[cfg(test)]
mod tests {{
    use super::*;

    #[test]
    fn callable() {{
        assert_eq!(scaled(0.0), 2.0);
        let order = Order {{ id: 1, ..Order::default() }};
        assert_eq!(order.clone(), order);
    }}

    #[test]
    fn arguments_are_defaults() {{
        let json = dear(-0.25, i64::MIN, true, \"a\\\"b\".to_string()).to_json();
        for part in [\"-0.25\", \"-9223372036854775808\", \"true\", \"a\\\\\\\\\\\\\\\"b\"] {{
            assert!(json.contains(part), \"{{part}} in {{json}}\");
        }}
        assert!(dear(f64::NEG_INFINITY, 0, false, String::new()).to_json().contains(\"-f64::INFINITY\"));
    }}
}}
"
    ));
}
