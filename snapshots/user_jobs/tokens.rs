//! Tokens of a formula in reverse Polish notation: an `enum` whose variants hold values.

use sabot::prelude::*;
#[sabot::record]
pub struct In {
    text: String,
    n: i64,
    x: f64,
}
#[sabot::record]
pub struct Out {
    o: String,
}
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Num(f64),
    Op(char),
    Word { text: String, len: usize },
    End,
}
fn token(s: &str) -> Token {
    if s.is_empty() {
        return Token::End;
    }
    if let Ok(v) = s.parse::<f64>() {
        return Token::Num(v);
    }
    let mut cs = s.chars();
    match (cs.next(), cs.next()) {
        (Some(c), None) if "+-*/".contains(c) => Token::Op(c),
        _ => Token::Word { text: s.to_string(), len: s.chars().count() },
    }
}
#[sabot::udf]
pub fn f(text: &str, _n: i64, _x: f64) -> String {
    let toks: Vec<Token> = text.split(' ').map(token).collect();
    let mut stack: Vec<f64> = vec![];
    let mut words = 0;
    for t in &toks {
        match t {
            Token::Num(v) => stack.push(*v),
            Token::Op(op) => {
                let (Some(b), Some(a)) = (stack.pop(), stack.pop()) else { return "underflow".to_string() };
                stack.push(match op {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    '/' => a / b,
                    _ => unreachable!(),
                });
            }
            Token::Word { len, .. } => words += len,
            Token::End => break,
        }
    }
    format!("{:?} {words}", stack.last())
}

#[sabot::pipeline]
pub fn job() {
    source::<In>("rows", ndjson("rows.ndjson"))
        .map(|r| Out { o: f(&r.text, r.n, r.x) })
        .skip_errors()
        .sink("out", ndjson("out.ndjson"));
}
