"""Compares what the jobs wrote with the answers of DuckDB to the same queries over the same events.

    check.py EVENTS SQL RESULTS

EVENTS has persons.parquet, auctions.parquet, bids.parquet and side.csv; SQL the queries; RESULTS files `q05.*.parquet`, any
number of a query. Windows of the queries are of seconds; `--second MICROSECONDS` makes them shorter, as the jobs' were.
"""

import argparse
import pathlib
import re

import duckdb

# Of windows of processing time only what they come to together can be compared.
OF_RESULT = {"q12": "SELECT bidder, CAST(sum(bids) AS BIGINT) AS bids FROM result GROUP BY bidder"}


def without_zones(con, name, relation):
    """A view in which moments are plain timestamps."""
    columns = con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    fix = [f"make_timestamp(epoch_us({c[0]!r})) AS \"{c[0]}\"".replace("'", '"') for c in columns
           if c[1] == "TIMESTAMP WITH TIME ZONE"]
    replace = f"REPLACE ({', '.join(fix)})" if fix else ""
    con.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * {replace} FROM {relation}")


def answer(con, sql, second_us):
    text = sql.read_text()
    if second_us != 1_000_000:
        shorter = lambda found: f"INTERVAL {int(found[1]) * second_us} MICROSECOND"
        text = re.sub(r"INTERVAL (\d+) SECOND", shorter, text)
    con.execute("CREATE OR REPLACE TABLE answer AS " + text)


def difference(con, columns):
    """Some rows that only one of the two has."""
    found = []
    for what, a, b in (("too many", "given", "answer"), ("missing", "answer", "given")):
        rows = con.execute(f"SELECT {columns} FROM {a} EXCEPT ALL SELECT {columns} FROM {b}").fetchmany(4)
        found += [f"  {what}: {row}" for row in rows[:3]] + ([f"  {what}: and more"] if len(rows) > 3 else [])
    return found


def main():
    parser = argparse.ArgumentParser()
    for folder in ("events", "sql", "results"):
        parser.add_argument(folder, type=pathlib.Path)
    parser.add_argument("--second", type=int, default=1_000_000)
    arguments = parser.parse_args()
    con = duckdb.connect()
    for stream in ("persons", "auctions", "bids"):
        without_zones(con, stream, f"read_parquet('{arguments.events / stream}.parquet')")
    con.execute(f"CREATE VIEW side AS SELECT * FROM read_csv('{arguments.events / 'side.csv'}')")
    wrong = 0
    for sql in sorted(arguments.sql.glob("q*.sql")):
        results = sorted(arguments.results.glob(f"{sql.stem}.*.parquet"))
        if not results:
            continue
        answer(con, sql, arguments.second)
        described = con.execute("DESCRIBE answer").fetchall()
        columns = ", ".join(f'"{column[0]}"' for column in described)
        rows = con.execute("SELECT count(*) FROM answer").fetchone()[0]
        for result in results:
            without_zones(con, "result", f"read_parquet('{result}')")
            given = OF_RESULT.get(sql.stem, "SELECT * FROM result")
            con.execute(f"CREATE OR REPLACE TABLE given AS {given}")
            found = difference(con, columns)
            wrong += bool(found)
            print(f"{result.name}: {'differs' if found else 'equal'}, {rows} rows", *found, sep="\n")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
