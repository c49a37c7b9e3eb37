//! The generator of the benchmark's streams.

use super::*;
use sabot_abi::manifest::ColumnType;
use std::collections::BTreeSet;

fn field(name: &str, base: BaseType) -> Field {
    Field::new(name, ColumnType { base, nullable: false })
}

fn open(options: &[(&str, &str)], fields: &[Field], batch_rows: usize) -> Result<Box<dyn Source>, ConnectorError> {
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let scan = Scan { batch_rows, ..Scan::of((0..fields.len() as u32).collect()) };
    NexmarkSource::open(&options, fields, &scan)
}

fn batches(source: &dyn Source) -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    for split in 0..source.splits() {
        let mut reader = source.open(split).expect("it opens");
        while let Some(batch) = reader.next().expect("it reads") {
            batches.push(batch);
        }
    }
    batches
}

#[test]
fn the_streams_share_the_events_as_the_benchmark_says() {
    for events in [0, 1, 2, 4, 5, 49, 50, 51, 54, 100, 1_000_003] {
        let rows = [Kind::Person, Kind::Auction, Kind::Bid].map(|kind| kind.rows_of(events));
        assert_eq!(rows.iter().sum::<u64>(), events);
    }
    assert_eq!([Kind::Person, Kind::Auction, Kind::Bid].map(|kind| kind.rows_of(1000)), [20, 60, 920]);
    let all: BTreeSet<u64> = [Kind::Person, Kind::Auction, Kind::Bid]
        .into_iter()
        .flat_map(|kind| (0..kind.rows_of(500)).map(move |row| kind.event(row)))
        .collect();
    assert!(all.into_iter().eq(0..500), "every event is a row of one stream");
}

#[test]
fn a_row_does_not_depend_on_where_batches_begin() {
    for (kind, name) in [(Kind::Person, "persons"), (Kind::Auction, "auctions"), (Kind::Bid, "bids")] {
        let fields: Vec<Field> = columns_of(kind).iter().map(|(name, column)| field(name, column.base())).collect();
        let options = [(name, "true"), ("events", "3000")];
        let one = batches(&*open(&options, &fields, 100_000).expect("a stream"));
        let many = batches(&*open(&options, &fields, 7).expect("a stream"));
        assert_eq!(one.len(), 1);
        let whole = arrow_select::concat::concat_batches(&one[0].schema(), &many).expect("one schema");
        assert_eq!(one[0], whole);
    }
}

#[test]
fn bids_name_what_is_there_or_comes_soon_and_half_of_them_one_hot_auction() {
    let rows = Kind::Bid.rows_of(100_000);
    let one = |make: fn(Range<u64>, &mut Vec<i64>), row: u64| {
        let mut out = Vec::new();
        make(row..row + 1, &mut out);
        out[0]
    };
    let mut hot = 0;
    for row in 0..rows {
        let event = Kind::Bid.event(row);
        let auctions = Kind::Auction.rows_of(event);
        let auction = one(many::auctions, row) as u64 - 1000;
        assert!(auction <= auctions + 10, "row {row}");
        hot += u64::from(auction.is_multiple_of(100));
        let bidder = one(many::bidders, row) as u64 - 1000;
        assert!(bidder <= Kind::Person.rows_of(event) + 10, "row {row}");
    }
    assert!((rows / 2..rows * 6 / 10).contains(&hot), "{hot} of {rows}");
    let mut prices = Vec::new();
    many::prices(0..rows, &mut prices);
    assert!(prices.iter().all(|price| (100..=100_000_000).contains(price)));
    // Prices are even by magnitude: a sixth of them below 10.
    let small = prices.iter().filter(|price| **price < 1000).count() as u64;
    assert!((rows * 15 / 100..rows * 18 / 100).contains(&small), "{small} of {rows}");
}

#[test]
fn what_cannot_be_made_is_refused_with_what_to_write() {
    let bids = [field("auction", BaseType::Int64)];
    let refused = |options: &[(&str, &str)], fields: &[Field]| match open(options, fields, 10) {
        Ok(_) => panic!("it was accepted"),
        Err(error) => error.to_string(),
    };
    assert!(refused(&[("events", "10")], &bids).contains("nexmark().bids()"));
    assert!(refused(&[("bids", "true"), ("rate", "0")], &bids).contains("`rate`"));
    assert!(refused(&[("bids", "true"), ("events", "-1")], &bids).contains("`-1`"));
    assert!(refused(&[("bids", "true"), ("speed", "1")], &bids).contains("no option `speed`"));
    let options = [("bids", "true"), ("events", "10")];
    assert!(refused(&options, &[field("auktion", BaseType::Int64)]).contains("did you mean `auction`"));
    assert!(refused(&options, &[field("auction", BaseType::String)]).contains("declare it `i64`"));
}

#[test]
fn no_events_are_no_rows_and_no_columns_still_count() {
    assert_eq!(batches(&*open(&[("bids", "true"), ("events", "4")], &[], 10).expect("a stream")).len(), 0);
    let counted = batches(&*open(&[("bids", "true"), ("events", "104")], &[], 10).expect("a stream"));
    assert_eq!(counted.iter().map(RecordBatch::num_rows).sum::<usize>(), 92);
}

#[test]
fn without_a_number_of_events_it_never_ends() {
    let fields = [field("auction", BaseType::Int64), field("date_time", BaseType::TimestampUs)];
    let source = open(&[("bids", "true")], &fields, 1000).expect("a stream");
    assert_eq!(source.statistics().rows, None);
    assert!(source.splits() > 1 << 31);
    let last = source.open(3).expect("it opens").next().expect("it reads").expect("a batch");
    assert_eq!(last.num_rows(), 1000);
}

#[test]
fn the_greatest_time_of_a_split_is_known_before_it_is_read() {
    let fields = [field("auction", BaseType::Int64), field("date_time", BaseType::TimestampUs)];
    let source = open(&[("bids", "true"), ("events", "5000")], &fields, 100_000).expect("a stream");
    let batch = &batches(&*source)[0];
    let times = batch.column(1).as_any().downcast_ref::<TimestampMicrosecondArray>().expect("times");
    assert_eq!(source.greatest_time(0, 1), times.values().iter().max().copied());
    assert_eq!(source.greatest_time(0, 0), None);
}

#[test]
fn a_rate_changes_when_rows_come_and_nothing_of_them() {
    let fields = [field("auction", BaseType::Int64), field("price", BaseType::Int64)];
    let fast = open(&[("bids", "true"), ("events", "20000")], &fields, 100_000).expect("a stream");
    let paced = open(&[("bids", "true"), ("events", "20000"), ("rate", "200000")], &fields, 100_000).expect("a stream");
    assert!(paced.splits() > 1);
    let start = std::time::Instant::now();
    let paced = batches(&*paced);
    assert!(start.elapsed() >= std::time::Duration::from_millis(95), "{:?}", start.elapsed());
    let whole = arrow_select::concat::concat_batches(&paced[0].schema(), &paced).expect("one schema");
    assert_eq!(batches(&*fast)[0], whole);
}
