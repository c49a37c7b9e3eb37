//! A table that is asked by key: `SELECT columns FROM table WHERE key = ANY(keys)`, over several connections at once.
//!
//! All connections are driven by one thread. A connection that is free takes all keys that wait, up to [`MOST_KEYS`], so under load few
//! questions carry many keys, and without load none waits for company. Only what is read is asked, so a question that was cut off is
//! asked again, on a new connection; the stream's rows wait meanwhile.

use super::super::error::ConnectorError;
use super::cell::{Cell, Days, Micros, Raw, Reading};
use super::columns::Columns;
use super::connect::{Connection, Place, connect, may_come_back};
use crate::operator::collect::Rows;
use crate::operator::stream::lookup::desk::{Answer, Desk, Question};
use crate::operator::stream::lookup::key::{Part, parts, push_bytes, push_word};
use crate::primitive::memory::Str;
use futures_util::future::{Either, select, try_join_all};
use sabot_abi::manifest::ColumnType;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CancelToken, Config, NoTls, Row, Statement};

/// Keys of a question, at most.
const MOST_KEYS: usize = 4096;

/// How soon a database is tried again, and how late at most.
const RETRY_AFTER: Duration = Duration::from_millis(50);
const RETRY_AFTER_MOST: Duration = Duration::from_secs(2);

/// How long the database is told to stop what nobody waits for any more.
const CANCEL_WITHIN: Duration = Duration::from_millis(500);

/// A table that is asked.
pub(super) struct Asking {
    pub(super) config: Config,
    pub(super) place: Place,
    /// What is given, and behind it the key.
    pub(super) columns: Columns,
    pub(super) given: usize,
    /// Types of the key's parts.
    pub(super) keys: Vec<ColumnType>,
    pub(super) connections: usize,
    pub(super) retry_for: Duration,
}

/// A connection that can be asked.
struct Line {
    connection: Connection,
    statement: Statement,
}

/// Why there is no answer.
enum Trouble {
    /// The database may come back.
    Passing(tokio_postgres::Error),
    Final(ConnectorError),
}

/// How a part of the key is written in a question: the type of its array, and what that is cast to.
fn array_of(reading: Reading, found: &Type) -> Option<String> {
    let name = match reading {
        Reading::Int(_) => "int8[]".to_owned(),
        Reading::Bool => "bool[]".to_owned(),
        Reading::Float4 => "float4[]".to_owned(),
        Reading::Float8 | Reading::Widened => "float8[]".to_owned(),
        Reading::Decimal(..) | Reading::WholeDecimal(..) => "text[]::numeric[]".to_owned(),
        Reading::Uuid => "text[]::uuid[]".to_owned(),
        Reading::Date | Reading::Micros => format!("{}[]", found.name()),
        Reading::Bytes if [Type::TEXT, Type::VARCHAR, Type::NAME].contains(found) => "text[]".to_owned(),
        Reading::Bytes if *found == Type::BYTEA => "bytea[]".to_owned(),
        // Of others equality is not that of their texts.
        Reading::Bytes | Reading::Jsonb => return None,
    };
    Some(name)
}

impl Asking {
    /// The question, with an array for each part of the key.
    pub(super) fn query(&self) -> Result<String, ConnectorError> {
        let mut arrays = Vec::new();
        for (number, at) in (1..).zip(self.given..self.columns.names.len()) {
            let array = array_of(self.columns.readings[at], &self.columns.found[at]).ok_or_else(|| {
                let (name, ty) = (&self.columns.fields[at].name, self.columns.found[at].name());
                let what = format!("it cannot be asked by the column `{name}`, whose type is `{ty}`");
                self.place.error(what, Some("ask a view that casts it: `CREATE VIEW .. AS SELECT column::text ..`"))
            })?;
            arrays.push(format!("${number}::{array}"));
        }
        let names = self.columns.names[self.given..].join(", ");
        let is_one = arrays.len() == 1;
        Ok(if is_one {
            format!("{} WHERE {names} = ANY({})", self.columns.select(), arrays[0])
        } else {
            format!("{} WHERE ({names}) IN (SELECT * FROM unnest({}))", self.columns.select(), arrays.join(", "))
        })
    }

    /// Answers what is asked at the desk until it is closed.
    pub(super) fn run(&self, desk: &Desk, wake: &dyn Fn()) -> Result<(), ConnectorError> {
        let query = self.query()?;
        super::runtime(&self.place)?.block_on(async {
            let open = RefCell::new(BTreeMap::new());
            let lines = (0..self.connections).map(|number| self.line(desk, wake, &query, number, &open));
            let lines = try_join_all(lines);
            let closed = poll_fn(|cx| desk.poll_closed(cx));
            let ended = match select(pin!(lines), pin!(closed)).await {
                Either::Left((ended, _)) => ended.map(|_| ()),
                Either::Right(((), _)) => Ok(()),
            };
            // What is still worked on, nobody wants.
            for (_, token) in open.take() {
                let token: CancelToken = token;
                let _ = tokio::time::timeout(CANCEL_WITHIN, token.cancel_query(NoTls)).await;
            }
            ended
        })
    }

    /// What one connection does.
    async fn line(
        &self,
        desk: &Desk,
        wake: &dyn Fn(),
        query: &str,
        number: usize,
        open: &RefCell<BTreeMap<usize, CancelToken>>,
    ) -> Result<(), ConnectorError> {
        let mut line = None;
        while let Some(questions) = poll_fn(|cx| desk.poll_questions(MOST_KEYS, cx)).await {
            let (started, mut pause) = (Instant::now(), RETRY_AFTER);
            let answer = loop {
                desk.sent.fetch_add(1, Ordering::Relaxed);
                let asked = self.ask(&mut line, query, &questions, (number, open)).await;
                open.borrow_mut().remove(&number);
                match asked {
                    Ok(answer) => break answer,
                    Err(Trouble::Final(error)) => return Err(error),
                    Err(Trouble::Passing(error)) if started.elapsed() + pause > self.retry_for => {
                        let doing = format!("asking it failed, and again for {:?}", self.retry_for);
                        return Err(self.place.failed(&doing, &error));
                    }
                    Err(Trouble::Passing(_)) => {
                        line = None;
                        desk.resent.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(RETRY_AFTER_MOST);
                    }
                }
            };
            desk.answer(answer);
            wake();
        }
        Ok(())
    }

    async fn ask(
        &self,
        line: &mut Option<Line>,
        query: &str,
        questions: &[Question],
        (number, open): (usize, &RefCell<BTreeMap<usize, CancelToken>>),
    ) -> Result<Answer, Trouble> {
        let failed = |error: tokio_postgres::Error| {
            if may_come_back(&error) {
                Trouble::Passing(error)
            } else {
                Trouble::Final(self.place.failed("asking it failed", &error))
            }
        };
        let line = match line {
            Some(line) => line,
            None => {
                let connection = connect(&self.config).await.map_err(failed)?;
                let statement = connection.client.prepare(query).await.map_err(failed)?;
                line.insert(Line { connection, statement })
            }
        };
        open.borrow_mut().insert(number, line.connection.client.cancel_token());
        let arrays = self.arrays(questions);
        let params: Vec<&(dyn ToSql + Sync)> = arrays.iter().map(|array| &**array as &(dyn ToSql + Sync)).collect();
        let rows = line.connection.client.query(&line.statement, &params).await.map_err(failed)?;
        self.answer(questions, &rows).map_err(Trouble::Final)
    }

    /// By part of the key: the parts of all keys that can be there.
    fn arrays(&self, questions: &[Question]) -> Vec<Box<dyn ToSql + Sync + Send>> {
        let readings = &self.columns.readings[self.given..];
        let keys: Vec<Vec<Part<'_>>> = questions.iter().map(|(_, key)| parts(&self.keys, key)).collect();
        let can_be = |key: &&Vec<Part<'_>>| {
            key.iter().zip(readings).all(|(part, reading)| match (part, reading) {
                (Part::Bytes(bytes), Reading::Uuid) => is_uuid(bytes),
                // No text of the database has this sign in it.
                (Part::Bytes(bytes), Reading::Bytes) => self.is_bytes(bytes),
                (Part::Word(_) | Part::Wide(_) | Part::Bytes(_), _) => true,
            })
        };
        let keys: Vec<&Vec<Part<'_>>> = keys.iter().filter(can_be).collect();
        let array = |(at, reading): (usize, &Reading)| -> Box<dyn ToSql + Sync + Send> {
            let words = keys.iter().map(|key| if let Part::Word(word) = &key[at] { *word } else { 0 });
            let bytes = keys.iter().map(|key| if let Part::Bytes(bytes) = &key[at] { *bytes } else { &[][..] });
            let texts = bytes.clone().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            match reading {
                Reading::Bool => Box::new(words.map(|word| word != 0).collect::<Vec<bool>>()),
                Reading::Int(_) => Box::new(words.map(u64::cast_signed).collect::<Vec<i64>>()),
                Reading::Float4 => Box::new(words.map(|word| f32::from_bits(word as u32)).collect::<Vec<f32>>()),
                Reading::Float8 | Reading::Widened => Box::new(words.map(f64::from_bits).collect::<Vec<f64>>()),
                Reading::Date => Box::new(words.map(|word| Days(word as i32)).collect::<Vec<Days>>()),
                Reading::Micros => Box::new(words.map(|word| Micros(word.cast_signed())).collect::<Vec<Micros>>()),
                Reading::Decimal(_, scale) | Reading::WholeDecimal(_, scale) => {
                    let wide = keys.iter().map(|key| if let Part::Wide(value) = &key[at] { *value } else { 0 });
                    Box::new(wide.map(|value| format!("{value}e-{scale}")).collect::<Vec<String>>())
                }
                Reading::Bytes if self.columns.found[self.given + at] == Type::BYTEA => {
                    Box::new(bytes.map(<[u8]>::to_vec).collect::<Vec<Vec<u8>>>())
                }
                Reading::Bytes | Reading::Jsonb | Reading::Uuid => Box::new(texts.collect::<Vec<String>>()),
            }
        };
        readings.iter().enumerate().map(array).collect()
    }

    /// Whether a text of the database can be these bytes.
    fn is_bytes(&self, bytes: &[u8]) -> bool {
        let is_binary = self.columns.found[self.given..].contains(&Type::BYTEA);
        is_binary || !bytes.contains(&0)
    }

    /// Rows as the stream takes them, each with the entry that asked for it.
    fn answer(&self, questions: &[Question], found: &[Row]) -> Result<Answer, ConnectorError> {
        let asked: HashMap<&Arc<[u8]>, u32> = questions.iter().map(|(entry, key)| (key, *entry)).collect();
        let types = self.columns.fields[..self.given].iter().map(|field| field.ty);
        let (mut rows, mut of, mut key) = (Rows::new(types), Vec::new(), Vec::new());
        for row in found {
            key.clear();
            let mut has_key = true;
            for at in self.given..self.columns.fields.len() {
                match self.cell(row, at)? {
                    Some(Cell::Word(word)) => push_word(self.columns.fields[at].ty.base, word, &mut key),
                    Some(Cell::Wide(value)) => key.extend_from_slice(&value.to_le_bytes()),
                    Some(Cell::Bytes(bytes)) => push_bytes(&bytes, &mut key),
                    None => has_key = false,
                }
            }
            // What is equal for the database alone was not asked for.
            let Some(entry) = asked.get(&Arc::<[u8]>::from(&key[..])).filter(|_| has_key) else { continue };
            for at in 0..self.given {
                let cell = self.cell(row, at)?;
                let column = &mut rows.columns[at];
                match cell {
                    Some(Cell::Word(word)) => column.push_word(word),
                    Some(Cell::Wide(value)) => column.push_wide(value.cast_unsigned()),
                    Some(Cell::Bytes(bytes)) => column.push_str(rows.strings.copy(Str::new(&bytes))),
                    None if column.ty.nullable => column.push_null(),
                    None => {
                        let name = &self.columns.fields[at].name;
                        let what = format!(
                            "the column `{name}` of {} is null, and the record has no `Option`",
                            self.shown(row)
                        );
                        return Err(self.place.error(what, Some("declare it `Option`, or mend the table")));
                    }
                }
            }
            rows.rows += 1;
            of.push(*entry);
        }
        Ok(Answer { asked: questions.iter().map(|(entry, _)| *entry).collect(), rows, of })
    }

    fn cell<'a>(&self, row: &'a Row, at: usize) -> Result<Option<Cell<'a>>, ConnectorError> {
        let raw = row.try_get::<_, Option<Raw<'a>>>(at);
        let raw = raw.map_err(|error| self.place.failed("reading an answer failed", &error))?;
        let cell = raw.map(|Raw(raw)| self.columns.readings[at].read(raw)).transpose();
        cell.map_err(|found| {
            let name = &self.columns.fields[at].name;
            let what = format!("the column `{name}` of {} holds {found}, which the record cannot", self.shown(row));
            self.place.error(what, None)
        })
    }

    /// A row by its key, for messages.
    fn shown(&self, row: &Row) -> String {
        let part = |at: usize| {
            let name = &self.columns.fields[at].name;
            let raw = row.try_get::<_, Option<Raw<'_>>>(at).ok().flatten();
            let cell = raw.and_then(|Raw(raw)| self.columns.readings[at].read(raw).ok());
            let value = match cell {
                Some(Cell::Word(word)) => word.cast_signed().to_string(),
                Some(Cell::Wide(value)) => value.to_string(),
                Some(Cell::Bytes(bytes)) => format!("{:?}", String::from_utf8_lossy(&bytes)),
                None => "null".to_owned(),
            };
            format!("`{name}` {value}")
        };
        let parts: Vec<String> = (self.given..self.columns.fields.len()).map(part).collect();
        format!("the row with {}", parts.join(", "))
    }
}

/// Whether a text is one as the database writes it: others are equal to none.
fn is_uuid(bytes: &[u8]) -> bool {
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    bytes.len() == 36 && bytes.iter().enumerate().all(fits)
}
