#[sabot::record] struct Q { id: i64, price: f64 }
#[sabot::record] struct O { id: i64, other: Option<f64> }
#[sabot::pipeline]
fn j(#[sabot(default = 1.0)] min: f64) {
    let q = source::<Q>("q", kafka("q").format(Format::Arrow)).event_time(|q| q.at, lateness(seconds(5))).rows(9);
    let s = table::<Q>("t", parquet("t/*.parquet")).primary_key(|s| s.id);
    q.filter(|q| q.price > min).errors("bad", ndjson("b.ndjson")).hash_join(s).on(|q| q.id, |s| s.id).left()
        .map(|q, s| O { id: q.id, other: match s { Some(s) => Some(s.price), None => None } })
        .sink("o", arrow("o.arrow"));
    q.hash_join(s).on(|q| q.id, |s| s.id).semi().select(fields![id]).union(q.select(fields![id])).distinct().sink("d", stdout());
}
