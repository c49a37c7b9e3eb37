//! Records inside rows: written and read again, read in part, and what is wrong with them.

use super::*;
use arrow_array::StructArray;
use sabot_abi::manifest::Struct;

/// `struct Row { id: i64, venue: Venue, best: Option<Quote> }`, where a venue has a name and maybe a country, and a quote a price
/// and maybe the venue it comes from.
fn fields() -> Vec<Field> {
    let part = |name: &str, nullable| Struct { name: name.into(), nullable };
    let inside = |field: Field, within: &[Struct]| Field { within: within.to_vec(), ..field };
    let presence =
        |name: &str, within: &[Struct]| Field { is_presence: true, ..inside(field(name, BaseType::Bool), within) };
    let venue = [part("venue", false)];
    let best = [part("best", true)];
    let from = [part("best", true), part("from", true)];
    vec![
        field("id", BaseType::Int64),
        inside(field("name", BaseType::String), &venue),
        inside(option("country", BaseType::String), &venue),
        presence("best", &best),
        inside(field("price", BaseType::Float64), &best),
        presence("from", &from),
        inside(field("name", BaseType::String), &from),
        inside(option("open", BaseType::Bool), &from),
        inside(field("tags", BaseType::String.list().unwrap()), &best),
        field("last", BaseType::Int32),
    ]
}

fn rows(count: usize) -> RecordBatch {
    let fields = fields();
    let mut random = Random(7);
    let mut columns: Vec<ArrayRef> =
        fields.iter().map(|field| column(field.ty.base, count, field.ty.nullable, &mut random)).collect();
    // What is inside of a record that is missing is nothing, or a zero.
    let best: Vec<bool> = (0..count).map(|row| row % 3 != 1).collect();
    let from: Vec<bool> = (0..count).map(|row| best[row] && row % 4 != 2).collect();
    for (at, field) in fields.iter().enumerate() {
        let around = field.within.last().map(|part| part.name.as_str());
        let there = match around {
            Some("best") => &best,
            Some("from") => &from,
            _ => continue,
        };
        columns[at] = if field.is_presence {
            Arc::new(BooleanArray::from(there.clone()))
        } else {
            let there = BooleanArray::from(there.clone());
            let empty = if field.ty.nullable {
                arrow_array::new_null_array(columns[at].data_type(), 1)
            } else {
                zero_of(field.ty.base)
            };
            arrow_select::zip::zip(&there, &columns[at], &arrow_array::Scalar::new(empty)).unwrap()
        };
    }
    RecordBatch::try_new(schema::arrow_schema(&fields), columns).unwrap()
}

fn zero_of(base: BaseType) -> ArrayRef {
    let null = arrow_data::ArrayData::new_null(&schema::arrow_type(base), 1);
    arrow_array::make_array(null.into_builder().nulls(None).build().unwrap())
}

#[test]
fn records_in_rows_come_back_from_every_format_that_has_them() {
    let directory = tempfile::tempdir().unwrap();
    for extension in ["arrow", "parquet", "ndjson"] {
        for count in [1, 2, 3, 64, 1000] {
            let path = directory.path().join(format!("r{count}.{extension}"));
            let batch = rows(count);
            let halves = [batch.slice(0, count / 2), batch.slice(count / 2, count - count / 2)];
            write(&sink(&path, &fields()), &halves).unwrap();
            let read = read(&path, &fields()).unwrap();
            for (at, (found, wanted)) in read.columns().iter().zip(batch.columns()).enumerate() {
                let found = convert::in_type(found, wanted.data_type()).unwrap();
                assert_eq!(found.to_data(), wanted.to_data(), "{extension}: column {at}");
            }
            // Any columns, alone or in any company.
            for columns in [vec![3], vec![6], vec![5, 4], vec![2], vec![9, 7], vec![8, 0], vec![]] {
                let scan = Scan::of(columns.clone());
                let part = read_scan(&path, &fields(), &scan).unwrap();
                assert_eq!(part.num_rows(), count, "{extension}: columns {columns:?}");
                for (found, at) in part.columns().iter().zip(&columns) {
                    let wanted = batch.column(*at as usize);
                    let found = convert::in_type(found, wanted.data_type()).unwrap();
                    assert_eq!(found.to_data(), wanted.to_data(), "{extension}: column {at} of {columns:?}");
                }
            }
        }
    }
}

#[test]
fn files_of_others_have_structs_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("r.arrow");
    write(&sink(&path, &fields()), &[rows(5)]).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let batch = arrow_ipc::reader::FileReader::try_new(file, None).unwrap().next().unwrap().unwrap();
    let names: Vec<&str> = batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "venue", "best", "last"]);
    let best: &StructArray = batch.column_by_name("best").unwrap().as_struct();
    assert_eq!((0..5).map(|row| best.is_null(row)).collect::<Vec<_>>(), [false, true, false, false, true]);
}

#[test]
fn objects_are_found_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("r.ndjson");
    let line = |venue: &str, best: &str| {
        format!("{{\"best\":{best},\"x\":{{\"y\":[1]}},\"last\":1,\"venue\":{venue},\"id\":7}}\n")
    };
    let venue = "{\"zip\":1,\"name\":\"N\\u0041\"}";
    std::fs::write(&path, line(venue, "{\"price\":1.5,\"tags\":[]}") + &line(venue, "null")).unwrap();
    let batch = read(&path, &fields()).unwrap();
    assert_eq!(batch.column(1).as_string::<i32>().value(0), "NA");
    assert_eq!(batch.column(3).as_boolean(), &BooleanArray::from(vec![true, false]));
    assert_eq!(batch.column(5).as_boolean(), &BooleanArray::from(vec![false, false]));

    for (venue, best, wanted) in [
        ("null", "null", "has a record that is null, `venue`"),
        ("5", "null", "holds `5` in `venue`, where the record wants an object"),
        ("{}", "null", "has no field `venue.name`"),
        (venue, "{\"tags\":[]}", "has no field `best.price`"),
        (venue, "{\"price\":\"x\",\"tags\":[]}", "column `best.price` holds"),
    ] {
        std::fs::write(&path, line(venue, best)).unwrap();
        let message = message(&path, &fields());
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn csv_has_no_records_in_rows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("r.csv");
    let error = write(&sink(&path, &fields()), &[]).unwrap_err().to_string();
    assert!(error.contains("CSV has no records inside rows, and column `venue` is one"), "{error}");
    std::fs::write(&path, "id\n1\n").unwrap();
    assert!(message(&path, &fields()).contains("CSV has no records inside rows"));
}

#[test]
fn a_struct_that_must_be_there_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    for extension in ["arrow", "parquet"] {
        let path = directory.path().join(format!("r.{extension}"));
        write(&sink(&path, &fields()), &[rows(5)]).unwrap();
        let mut wanted = fields();
        for field in &mut wanted {
            field.within.iter_mut().for_each(|part| part.nullable = false);
        }
        wanted.retain(|field| !field.is_presence);
        let found = message(&path, &wanted);
        assert!(found.contains("row 2: column `best` is null, the record says a record"), "{found}");
        wanted[1].name = "nam".into();
        let found = message(&path, &wanted);
        assert!(found.contains("`venue.nam`") && found.contains("`venue.name`"), "{found}");
    }
}
