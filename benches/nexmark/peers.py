"""The queries of Nexmark in other engines: one engine, one query, some runs, in a process of its own.

    peers.py ENGINE QUERY DATA FORMAT RUNS

prints a line of JSON: seconds of each run, rows of the answer, peak memory. What an engine gives is counted and dropped.
"""

import json
import pathlib
import re
import sys
import time

SQL = pathlib.Path(__file__).parents[2] / "examples" / "nexmark" / "sql"
STREAMS = ("persons", "auctions", "bids")


def duckdb_query(query, data, kind):
    import duckdb
    con = duckdb.connect()
    for name in STREAMS:
        if kind == "parquet":
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{data / name}.parquet')")
        else:
            con.register(name, mapped(data / f"{name}.arrow"))
    con.execute(f"CREATE TABLE side AS SELECT * FROM read_csv('{data / 'side.csv'}')")
    text = (SQL / f"{query}.sql").read_text()

    def run():
        result = con.execute(text)
        reader = result.to_arrow_reader(1 << 16) if hasattr(result, "to_arrow_reader") else result.fetch_record_batch(1 << 16)
        return sum(batch.num_rows for batch in reader)
    return run


def datafusion_query(query, data, kind):
    import datafusion
    ctx = datafusion.SessionContext()
    for name in STREAMS:
        if kind == "parquet":
            ctx.register_parquet(name, f"{data / name}.parquet")
        else:
            ctx.register_record_batches(name, [mapped(data / f"{name}.arrow").to_batches()])
    ctx.register_csv("side", str(data / "side.csv"))
    text = for_datafusion((SQL / f"{query}.sql").read_text())

    def run():
        return sum(batch.to_pyarrow().num_rows for batch in ctx.sql(text).execute_stream())
    return run


def for_datafusion(text):
    """The same query in that dialect."""
    text = text.replace("time_bucket(", "date_bin(").replace("strftime(", "to_char(").replace("regexp_matches(", "regexp_like(")
    text = re.sub(r"INTERVAL (\d+) SECOND", r"INTERVAL '\1 seconds'", text)
    text = re.sub(r"regexp_extract\((.*?), ('.*?'), (\d)\)", r"(regexp_match(\1, \2))[\3]", text)
    return re.sub(r"\bhour\((\w+)\)", r"date_part('hour', \1)", text)


def mapped(path):
    import pyarrow as pa
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def polars_query(query, data, kind):
    import polars as pl
    scan = pl.scan_parquet if kind == "parquet" else pl.scan_ipc
    persons, auctions, bids = (scan(data / f"{name}.{kind}") for name in STREAMS)
    side = pl.scan_csv(data / "side.csv")
    c = pl.col
    window = lambda size: c("date_time").dt.truncate(size)
    in_time = bids.join(auctions, left_on="auction", right_on="id").filter(
        c("date_time").is_between(c("date_time_right"), c("expires")))
    rank = pl.when(c("price") < 10_000).then(1).when(c("price") < 1_000_000).then(2).otherwise(3)
    counted = lambda name, of: [of(c("price").is_not_null()).alias(f"total_{name}")] + [
        of(rank == number).alias(f"rank{number}_{name}") for number in (1, 2, 3)]
    bids_of = counted("bids", lambda which: which.sum())
    people = counted("bidders", lambda which: c("bidder").filter(which).n_unique())
    things = counted("auctions", lambda which: c("auction").filter(which).n_unique())
    day, minute = c("date_time").dt.strftime("%Y-%m-%d").alias("day"), c("date_time").dt.strftime("%H:%M").alias("minute")
    euros = c("price") * 0.908
    plain = ["auction", "bidder", "price", "date_time", "extra"]

    def q05():
        panes = bids.group_by("auction", window("2s").alias("pane")).agg(pl.len().alias("bids"))
        slides = [panes.with_columns((c("pane") + pl.duration(seconds=10 - back)).alias("window_end")) for back in (0, 2, 4, 6, 8)]
        counts = pl.concat(slides).group_by("auction", "window_end").agg(c("bids").sum())
        return counts.filter(c("bids") == c("bids").max().over("window_end"))

    def q11():
        gone = (c("date_time").diff() >= pl.duration(seconds=10)).fill_null(True)
        numbered = bids.select("bidder", "date_time").sort("bidder", "date_time").with_columns(
            gone.cum_sum().over("bidder").alias("session"))
        return numbered.group_by("bidder", "session").agg(
            pl.len(), c("date_time").min().alias("start"), c("date_time").max().alias("end"))

    channel_id = (pl.when(c("channel").str.to_lowercase() == "apple").then(pl.lit("0"))
                  .when(c("channel").str.to_lowercase() == "google").then(pl.lit("1"))
                  .when(c("channel").str.to_lowercase() == "facebook").then(pl.lit("2"))
                  .when(c("channel").str.to_lowercase() == "baidu").then(pl.lit("3"))
                  .otherwise(c("url").str.extract(r"(?:&|^)channel_id=([^&]*)", 1)))
    hour = c("date_time").dt.hour()
    closed = lambda *keys: in_time.group_by("auction", *keys).agg(c("price").max())
    frames = {
        "q00": lambda: bids.select(plain),
        "q01": lambda: bids.select(plain).with_columns(euros.alias("price")),
        "q02": lambda: bids.filter(c("auction") % 123 == 0).select("auction", "price"),
        "q03": lambda: auctions.filter(c("category") == 10).join(
            persons.filter(c("state").is_in(["OR", "ID", "CA"])), left_on="seller", right_on="id").select("name", "city", "state", "id"),
        "q04": lambda: closed("category").group_by("category").agg(c("price").mean()),
        "q05": q05,
        "q06": lambda: closed("seller", "expires").group_by("seller").agg(
            c("price").sort_by("expires", "auction").tail(10).mean()),
        "q07": lambda: bids.select(plain).filter(c("price") == c("price").max().over(window("10s"))),
        "q08": lambda: persons.select("id", "name", window("10s").alias("start")).join(
            auctions.select("seller", window("10s").alias("start")).unique(), left_on=["id", "start"], right_on=["seller", "start"]),
        "q09": lambda: in_time.sort("price", "date_time", descending=[True, False]).unique("auction", keep="first", maintain_order=True),
        "q10": lambda: bids.select(*plain, day, minute),
        "q11": q11,
        "q12": lambda: bids.group_by("bidder").agg(pl.len()),
        "q13": lambda: bids.with_columns((c("auction") % 1000).alias("key")).join(side, on="key").select(
            "auction", "bidder", "price", "date_time", "value"),
        "q14": lambda: bids.filter((euros > 1_000_000) & (euros < 50_000_000)).select(
            "auction", "bidder", euros, "date_time", "extra", c("extra").str.count_matches("c", literal=True).alias("c_counts"),
            pl.when(hour.is_between(8, 18)).then(pl.lit("dayTime")).when((hour <= 6) | (hour >= 20)).then(pl.lit("nightTime"))
            .otherwise(pl.lit("otherTime")).alias("bid_time")),
        "q15": lambda: bids.group_by(day).agg(*bids_of, *people, *things),
        "q16": lambda: bids.group_by("channel", day).agg(minute.max(), *bids_of, *people, *things),
        "q17": lambda: bids.group_by("auction", day).agg(
            *bids_of, c("price").min().alias("least"), c("price").max().alias("most"), c("price").mean().alias("mean"),
            c("price").sum().alias("sum")),
        "q18": lambda: bids.sort("date_time").unique(["bidder", "auction"], keep="last", maintain_order=True),
        "q19": lambda: bids.filter(c("price").rank("ordinal", descending=True).over("auction") <= 10),
        "q20": lambda: bids.join(auctions.filter(c("category") == 10), left_on="auction", right_on="id"),
        "q21": lambda: bids.select("auction", "bidder", "price", "channel", channel_id.alias("channel_id")).filter(
            c("channel_id").is_not_null()),
        "q22": lambda: bids.select("auction", "bidder", "price", "channel", *(
            c("url").str.split("/").list.get(at, null_on_oob=True).alias(f"dir{at}") for at in (3, 4, 5))),
    }
    return lambda: frames[query]().collect(engine="streaming").height


def main():
    engine, query, data, kind, runs = sys.argv[1:]
    make = {"DuckDB": duckdb_query, "DataFusion": datafusion_query, "Polars": polars_query}[engine]
    seconds, rows = [], None
    run = make(query, pathlib.Path(data), kind)
    for _ in range(int(runs) + 1):  # the first is a warm-up
        started = time.perf_counter()
        rows = run()
        seconds.append(time.perf_counter() - started)
    # Not `ru_maxrss`: that begins with what the parent had.
    peak = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path("/proc/self/status").read_text())[1]) * 1024
    print(json.dumps({"seconds": seconds[1:], "rows": rows, "peak_rss_bytes": peak}))


if __name__ == "__main__":
    main()
