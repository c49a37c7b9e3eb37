//! Lists and what is made of them.

use super::{job_text, outcome, value};

fn check(cases: &[(&str, &str, &str)]) {
    for (ty, code, becomes) in cases {
        assert_eq!(value(ty, code), *becomes, "{code}");
    }
}

#[test]
fn lists_are_made_read_and_cut() {
    check(&[
        ("Vec<f64>", "vec![q.price, 2.0]", "vec![price, 2.0]"),
        ("f64", "[q.price, 2.0][1]", "vec![price, 2.0][1u64]"),
    ]);
}

#[test]
fn a_flat_map_makes_rows_of_items() {
    let text = outcome(&job_text(
        r#"quotes.flat_map(|q| vec![Out { k: q.symbol.clone(), x: q.volume, y: 1.0 }, Out { k: "b".into(), x: n, y: q.price }]).filter(|o| o.x > 3).sink("o", csv("o.csv"));"#,
    ));
    let plan: Vec<&str> = text.lines().map(|line| line.split(" -> (").next().unwrap_or(line)).take(4).collect();
    assert_eq!(
        plan[1..],
        [
            r#"sink o: file "o.csv" csv"#,
            "  filter filter_1: x > 3",
            r#"    flat_map flat_map_1: k = vec![symbol, "b"], x = vec![volume, n], y = vec![1.0, price]"#,
        ]
    );
}
