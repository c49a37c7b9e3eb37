#[sabot::record] struct Q { k: String, v: i64 }
#[sabot::record] struct T { k: String, n: i64, s: i64, a: f64 }
#[sabot::pipeline]
fn j() {
    let q = source::<Q>("q", nexmark());
    q.key_by(|q| q.k.clone()).aggregate(|g| T { k: g.key(), n: g.count_if(|q| q.v > 1), s: g.sum(|q| q.v), a: g.avg(|q| q.v) })
        .order_by_desc(|t| t.s).limit(3).sink("t", csv("t.csv"));
    q.key_by(|q| q.k.clone()).window(tumbling(minutes(5))).aggregate(|w| w.end()).late("l", csv("l.csv")).sink("w", csv("w.csv"));
    q.key_by(|q| q.k).top_n(2, |q| q.v).dedup(|q| q.v).skip_errors().named("x").sink("n", stdout());
}
