//! The jobs that `sabotc new` makes.

use crate::arguments::Template;

/// A file of a new job: its place in the folder and its contents.
pub(crate) struct TemplateFile {
    /// Relative to the job's folder.
    pub(crate) path: &'static str,
    /// `NAME` in it is replaced by the job's name.
    pub(crate) contents: &'static str,
}

/// The files of a template.
#[must_use]
pub(crate) fn files(template: Template) -> &'static [TemplateFile] {
    match template {
        Template::File => FILE,
        Template::Join => JOIN,
        Template::Udf => UDF,
    }
}

/// The values of the pipeline's parameters, as the program of a package gives them.
#[must_use]
pub(crate) fn arguments(template: Template) -> &'static str {
    match template {
        Template::File => "0.0",
        Template::Join | Template::Udf => "",
    }
}

/// What a package has beside the job: `NAME` is replaced by the job's name, `PACKAGE` by the folder's, `DEPENDENCY` by where
/// the crate `sabot` is, `ARGUMENTS` by the pipeline's arguments.
pub(crate) const PACKAGE: &[TemplateFile] = &[
    TemplateFile {
        path: "Cargo.toml",
        contents: r#"[package]
name = "PACKAGE"
version = "0.1.0"
edition = "2024"
publish = false

[lib]
name = "NAME"

[dependencies]
# `run` compiles and runs jobs in this program, with Cranelift and Arrow; types and graphs need no feature.
sabot = { DEPENDENCY, features = ["run"] }
"#,
    },
    TemplateFile {
        path: "src/main.rs",
        contents: r#"//! Compiles the job and runs it in this process.

use sabot::prelude::*;
use sabot::run::JobError;

fn main() -> Result<(), JobError> {
    let summary = NAME::NAME(ARGUMENTS).compile()?.overwrite().run()?;
    println!("{}", summary.render().trim_end());
    Ok(())
}
"#,
    },
    TemplateFile { path: ".gitignore", contents: "/target\n" },
];

const FILE: &[TemplateFile] = &[
    TemplateFile {
        path: "job.rs",
        contents: r#"//! Volume and mean price of each symbol.

use sabot::prelude::*;

#[sabot::record]
struct Trade {
    symbol: String,
    price: f64,
    volume: i64,
}

#[sabot::record]
struct Volume {
    symbol: String,
    trades: i64,
    volume: i64,
    mean_price: f64,
}

#[sabot::pipeline]
pub fn NAME(#[sabot(default = 0.0)] min_price: f64) {
    source::<Trade>("trades", csv("input/trades.csv"))
        .filter(|t| t.price > min_price)
        .key_by(|t| t.symbol.clone())
        .aggregate(|g| Volume {
            symbol: g.key(),
            trades: g.count(),
            volume: g.sum(|t| t.volume),
            mean_price: g.avg(|t| t.price),
        })
        .sink("volumes", csv("volumes.csv"));
}
"#,
    },
    TemplateFile {
        path: "input/trades.csv",
        contents: "symbol,price,volume\nAAPL,228.20,100\nMSFT,417.50,50\nAAPL,228.35,200\nNOK,4.30,1000\nMSFT,417.10,25\n",
    },
];

const JOIN: &[TemplateFile] = &[
    TemplateFile {
        path: "job.rs",
        contents: r#"//! Orders with the name of the customer.

use sabot::prelude::*;

#[sabot::record]
struct Order {
    order_id: i64,
    customer_id: i64,
    amount: f64,
}

#[sabot::record]
struct Customer {
    id: i64,
    name: String,
}

#[sabot::record]
struct NamedOrder {
    order_id: i64,
    customer: String,
    amount: f64,
}

#[sabot::pipeline]
pub fn NAME() {
    let orders = source::<Order>("orders", csv("input/orders.csv"));
    let customers = table::<Customer>("customers", csv("input/customers.csv")).primary_key(|c| c.id);

    orders
        .hash_join(customers)
        .on(|o| o.customer_id, |c| c.id)
        .left()
        .map(|o, c| NamedOrder {
            order_id: o.order_id,
            customer: c.map(|c| c.name).unwrap_or("nobody".into()),
            amount: o.amount,
        })
        .sink("named_orders", csv("named_orders.csv"));
}
"#,
    },
    TemplateFile {
        path: "input/orders.csv",
        contents: "order_id,customer_id,amount\n1,7,19.90\n2,8,250.00\n3,9,4.50\n",
    },
    TemplateFile { path: "input/customers.csv", contents: "id,name\n7,Ada\n8,Grace\n" },
];

const UDF: &[TemplateFile] = &[
    TemplateFile {
        path: "job.rs",
        contents: r#"//! A column computed by a function, which `cargo test` can test too.

use sabot::prelude::*;

#[sabot::record]
struct Reading {
    sensor: String,
    celsius: f64,
}

#[sabot::record]
struct Converted {
    sensor: String,
    fahrenheit: f64,
    level: String,
}

#[sabot::udf]
fn fahrenheit(celsius: f64) -> f64 {
    celsius * 9.0 / 5.0 + 32.0
}

#[sabot::udf]
fn level(celsius: f64) -> String {
    if celsius < 0.0 {
        "frost".to_string()
    } else if celsius < 30.0 {
        "normal".to_string()
    } else {
        "hot".to_string()
    }
}

#[sabot::pipeline]
pub fn NAME() {
    source::<Reading>("readings", csv("input/readings.csv"))
        .map(|r| Converted { sensor: r.sensor, fahrenheit: fahrenheit(r.celsius), level: level(r.celsius) })
        .sink("converted", csv("converted.csv"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn water_freezes() {
        assert_eq!(fahrenheit(0.0), 32.0);
    }
}
"#,
    },
    TemplateFile { path: "input/readings.csv", contents: "sensor,celsius\nroof,31.5\ncellar,12.25\nfreezer,-18.0\n" },
];
