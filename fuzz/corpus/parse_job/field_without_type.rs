// The time column of a record with another field of no known type: positions in record and schema differ.
#[sabot::record]
struct Q { a: Nowhere, at: Timestamp }
#[sabot::pipeline]
fn j() { source::<Q>("q", csv("q.csv")).event_time(|q| q.at, lateness(seconds(5))).sink("s", stdout()); }
