//! Every function here once meant something else in one of the worlds.

#[sabot::udf]
fn then_some_evaluates_its_argument(flag: bool, a: i64) -> Option<i64> {
    let unused = flag.then_some(-a);
    if a > 0 { unused } else { flag.then_some(a / 2) }
}

#[sabot::udf]
fn then_evaluates_its_closure_only_if_true(flag: bool, a: i64, b: i64) -> Option<i64> {
    flag.then(|| a / b)
}

fn long_or_itself(text: String) -> String {
    if text.len() > 3 { "long".to_string() } else { text }
}

#[sabot::udf]
fn if_let_of_some_keeps_every_use_of_what_it_binds(t: String, s: String) -> String {
    if let Some(known) = Some(t) { long_or_itself(known) } else { s }
}

#[sabot::udf]
fn checked_arithmetic_of_known_decimals_is_that_of_decimals(d: Decimal) -> Decimal {
    dec("1.5").checked_mul(dec("-0.2")).unwrap_or(d)
}

#[derive(Clone, Debug, PartialEq)]
struct Named {
    name: String,
    count: i64,
}

#[sabot::udf]
fn texts_in_a_list_change_in_their_place(s: String, t: String) -> String {
    let mut texts = vec![s.clone(), t.clone()];
    texts[0].push('!');
    texts[1].insert_str(0, "<");
    if let Some(last) = texts.last_mut() {
        last.push_str(">");
    }
    let popped = texts[0].pop();
    let mut list = vec![Named { name: s, count: 1 }, Named { name: t, count: 2 }];
    for item in list.iter_mut() {
        item.name.push('?');
        item.count += 1;
    }
    if let Some(item) = list.get_mut(1) {
        item.name.clear();
    }
    list[0].name.truncate(0);
    format!("{texts:?} {popped:?} {list:?}")
}

#[sabot::udf]
fn a_guard_may_go_over_options_where_an_arm_returns(o: Option<i64>, a: i64, flag: bool) -> i64 {
    match o {
        Some(n) if vec![o, None, Some(a)].iter().filter_map(|n| *n).any(|m| m > n) => {
            if flag {
                return 7;
            }
            n
        }
        Some(_) => 1,
        None => 0,
    }
}
