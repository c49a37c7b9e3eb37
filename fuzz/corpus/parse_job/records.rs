#[sabot::record]
#[sabot(rename_all = "kebab-case")]
struct R { a_b: Option<String>, #[sabot(rename = "T")] r#type: Timestamp, d: Decimal<18, 4> }
