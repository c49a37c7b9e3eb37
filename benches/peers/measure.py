"""Runs each case with every engine in turn and prints medians, ratios and whether the answers agree.

From files, Sabot is a process of its own for every run; what counts is the wall time that its summary reports (start of
reading to end of writing), the whole process is printed beside it. From Arrow data in memory, it is a process that has read
the data before and runs the compiled job when it is told to. The peers run inside this process with their data already
opened. All engines use all cores. The engines alternate, so that a drift of the machine hits all of them.
"""

import argparse
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import time

import datafusion
import duckdb
import numba
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

JOBS = pathlib.Path(__file__).parent / "jobs"


class Sabot:
    """One job, compiled to an executable; a run is a process."""

    def __init__(self, target, work, job):
        self.executable = work / f"{job}.exe"
        sabotc = target / "release" / "sabotc"
        subprocess.run([sabotc, "build", JOBS / f"{job}.rs", "-o", self.executable, "--cpu", "native", "-q"], check=True)

    def run(self, inputs, outputs):
        arguments = [self.executable, "--overwrite", "--summary", "json"]
        for name, path in inputs.items():
            arguments += ["--input", f"{name}={path}"]
        for name, path in outputs.items():
            arguments += ["--output", f"{name}={path}"]
        started = time.perf_counter()
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate()
        _, whole = None, time.perf_counter() - started
        if process.returncode:
            raise RuntimeError(err.decode())
        summary = json.loads(err.decode().strip().splitlines()[-1])
        return out, summary["wall_ms"] / 1e3, whole, summary.get("peak_rss_bytes", 0)


class InMemory:
    """One job over Arrow data that a process holds in memory; a run is a line sent to it."""

    def __init__(self, target, job, inputs):
        arguments = [target / "release" / "in_memory", JOBS / f"{job}.rs"]
        for name, path in inputs.items():
            arguments += ["--input", f"{name}={path}"]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self):
        started = time.perf_counter()
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        whole = time.perf_counter() - started
        if not line:
            raise RuntimeError("the process has ended")
        result = json.loads(line)
        return result["answer"], result["wall_ms"] / 1e3, whole, 0


def median_of(times):
    return statistics.median(times)


def table_of(path):
    if str(path).endswith(".parquet"):
        return pa.parquet.read_table(path)
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def polars_scan(path):
    return pl.scan_parquet(path) if str(path).endswith(".parquet") else pl.scan_ipc(path)


def duck_from(con, name, path):
    """A relation over the file (Parquet) or over the mapped Arrow data."""
    if str(path).endswith(".parquet"):
        con.execute(f"create or replace view {name} as select * from read_parquet('{path}')")
    else:
        con.register(name, table_of(path))


def fusion_from(ctx, name, path):
    if ctx.table_exist(name):
        ctx.deregister_table(name)
    if str(path).endswith(".parquet"):
        ctx.register_parquet(name, str(path))
    else:
        ctx.register_record_batches(name, [table_of(path).to_batches()])


class Cases:
    def __init__(self, target, work, rows):
        self.target, self.work, self.rows = target, work, rows
        self.con = duckdb.connect()
        self.con.execute(f"set threads = {os.cpu_count()}")
        self.ctx = datafusion.SessionContext()

    def data(self, securities, kind, rows=None):
        rows = rows or self.rows
        directory = self.work / f"{rows}x{securities}"
        quotes, table = directory / f"quotes.{kind}", directory / f"securities.{kind}"
        if not (quotes.exists() and table.exists()):
            subprocess.run(
                [self.target / "release" / "sample-data", directory, "--quotes", str(rows),
                 "--securities", str(securities), "--format", kind],
                check=True,
            )
        return quotes, table

    def join_count(self, securities, kind):
        quotes, table = self.data(securities, kind)
        inputs = {"quotes": quotes, "securities": table}
        in_memory = kind == "arrow"
        sabot = InMemory(self.target, "join_count", inputs) if in_memory else Sabot(self.target, self.work, "join_count")
        sql = ('select count(*), sum(volume)::bigint, sum("ID")::bigint from quotes join securities '
               'on "instrumentId" = "ID" where price > 100')
        duck_from(self.con, "quotes", quotes)
        duck_from(self.con, "securities", table)
        fusion_from(self.ctx, "quotes", quotes)
        fusion_from(self.ctx, "securities", table)

        def with_sabot():
            if in_memory:
                answer, *times = sabot.run()
            else:
                out, *times = sabot.run(inputs, {"answer": "-"})
                answer = json.loads(out)
            return (answer["rows"], answer["volume"], answer["ids"]), times

        def with_polars():
            joined = polars_scan(quotes).filter(pl.col("price") > 100).join(
                polars_scan(table).select("ID", pl.col("ID").alias("id2")), left_on="instrumentId", right_on="ID")
            return joined.select(pl.len(), pl.col("volume").sum(), pl.col("id2").sum()).collect().row(0)

        return {
            "Sabot": with_sabot,
            "DuckDB": lambda: self.con.execute(sql).fetchall()[0],
            "Polars": with_polars,
            "DataFusion": lambda: tuple(column[0].as_py() for column in self.ctx.sql(sql).collect()[0].columns),
        }

    def enrich(self, kind):
        quotes, table = self.data(10_000, kind)
        sabot = Sabot(self.target, self.work, "enrich")
        out = self.work / f"enriched.{kind}"
        select = ('select "instrumentId", price, volume, "CUSIP" as cusip, "NAME" as name from quotes join securities '
                  'on "instrumentId" = "ID" where price > 100')
        duck_from(self.con, "quotes", quotes)
        duck_from(self.con, "securities", table)
        fusion_from(self.ctx, "quotes", quotes)
        fusion_from(self.ctx, "securities", table)

        def with_sabot():
            _, *times = sabot.run({"quotes": quotes, "securities": table}, {"enriched": out})
            return None, times

        def with_polars():
            frame = polars_scan(quotes).filter(pl.col("price") > 100).join(
                polars_scan(table).select("ID", pl.col("CUSIP").alias("cusip"), pl.col("NAME").alias("name")),
                left_on="instrumentId", right_on="ID").select("instrumentId", "price", "volume", "cusip", "name")
            if kind == "parquet":
                frame.sink_parquet(self.work / "polars.parquet", compression="snappy")
            else:
                frame.sink_ipc(self.work / "polars.arrow", compression="uncompressed")

        def with_duckdb():
            if kind == "parquet":
                self.con.execute(f"copy ({select}) to '{self.work}/duckdb.parquet' (format parquet, compression snappy)")
            else:
                with pa.OSFile(str(self.work / "duckdb.arrow"), "wb") as file:
                    reader = self.con.execute(select).to_arrow_reader(1 << 17)
                    with pa.ipc.new_file(file, reader.schema) as writer:
                        for batch in reader:
                            writer.write_batch(batch)

        engines = {"Sabot": with_sabot, "DuckDB": with_duckdb, "Polars": with_polars}
        if kind == "parquet":
            engines["DataFusion"] = lambda: self.ctx.sql(select).write_parquet(str(self.work / "datafusion.parquet"), "snappy")
        return engines

    def remove_enriched(self, kind):
        """Each engine writes a file that is not there. To write over one is another thing: Polars and DuckDB truncate it first,
        and so get its pages in the system's cache at once; Sabot keeps it until the new one is complete."""
        names = {"Sabot": "enriched", "DuckDB": "duckdb", "Polars": "polars", "DataFusion": "datafusion"}
        return lambda engine: (self.work / f"{names[engine]}.{kind}").unlink(missing_ok=True)

    def check_enriched(self, kind):
        """The written rows: count and sums must agree."""
        answers = {}
        for name, file in {"Sabot": f"enriched.{kind}", "DuckDB": f"duckdb.{kind}", "Polars": f"polars.{kind}"}.items():
            data = table_of(self.work / file)
            answers[name] = self.con.execute(
                'select count(*), sum(volume)::bigint, sum("instrumentId")::bigint, sum(length(name))::bigint, '
                "sum(cusip::bigint)::bigint from data").fetchall()[0]
        return answers

    def spread_columns(self):
        quotes, _ = self.data(10_000, "arrow")
        sabot = InMemory(self.target, "spread_columns", {"quotes": quotes})
        data = table_of(quotes)
        bid, ask = (data[name].combine_chunks().to_numpy() for name in ("bid", "ask"))
        columns = [np.empty(len(bid)) for _ in range(3)]

        @numba.njit(parallel=True)
        def kernel(bid, ask, spread, mid, bps):
            for i in numba.prange(len(bid)):
                m = (bid[i] + ask[i]) / 2.0
                s = ask[i] - bid[i]
                r = s / m
                spread[i] = s
                mid[i] = m
                bps[i] = r * 10_000.0 if r > 0.001 else np.sqrt(s * m)

        def with_numba():
            kernel(bid, ask, *columns)

        def with_sabot():
            _, *times = sabot.run()
            return None, times

        expression = (pl.col("ask") - pl.col("bid")), ((pl.col("bid") + pl.col("ask")) / 2)
        relative = expression[0] / expression[1]
        frame = pl.DataFrame({"bid": bid, "ask": ask})

        def with_polars():
            frame.select(
                expression[0].alias("spread"), expression[1].alias("mid"),
                pl.when(relative > 0.001).then(relative * 10_000).otherwise((expression[0] * expression[1]).sqrt()).alias("bps"))

        return {"Sabot": with_sabot, "Numba": with_numba, "Polars": with_polars}

    def spread_sum(self):
        quotes, _ = self.data(10_000, "arrow")
        sabot = InMemory(self.target, "spread_sum", {"quotes": quotes})
        data = table_of(quotes)
        price, bid, ask = (data[name].combine_chunks().to_numpy() for name in ("price", "bid", "ask"))
        duck_from(self.con, "quotes", quotes)
        fusion_from(self.ctx, "quotes", quotes)
        sql = """select count(*), sum(bps), max(bps) from (select case when (ask - bid) / ((bid + ask) / 2) > 0.001
            then (ask - bid) / ((bid + ask) / 2) * 10000.0 else sqrt((ask - bid) * ((bid + ask) / 2)) end as bps
            from quotes where price > 100)"""

        @numba.njit(parallel=True)
        def kernel(price, bid, ask):
            rows, total, greatest = 0, 0.0, -np.inf
            for i in numba.prange(len(bid)):
                if price[i] > 100.0:
                    m = (bid[i] + ask[i]) / 2.0
                    s = ask[i] - bid[i]
                    r = s / m
                    b = r * 10_000.0 if r > 0.001 else np.sqrt(s * m)
                    rows += 1
                    total += b
                    greatest = max(greatest, b)
            return rows, total, greatest

        def rounded(row):
            return int(row[0]), round(float(row[1]), 1), round(float(row[2]), 6)

        def with_sabot():
            answer, *times = sabot.run()
            return rounded((answer["rows"], answer["bps"], answer["greatest"])), times

        frame = polars_scan(quotes)
        spread, mid = pl.col("ask") - pl.col("bid"), (pl.col("bid") + pl.col("ask")) / 2
        bps = pl.when(spread / mid > 0.001).then(spread / mid * 10_000).otherwise((spread * mid).sqrt())
        return {
            "Sabot": with_sabot,
            "Numba": lambda: rounded(kernel(price, bid, ask)),
            "DuckDB": lambda: rounded(self.con.execute(sql).fetchall()[0]),
            "Polars": lambda: rounded(frame.filter(pl.col("price") > 100).select(
                pl.len(), bps.sum().alias("s"), bps.max().alias("m")).collect().row(0)),
            "DataFusion": lambda: rounded(tuple(c[0].as_py() for c in self.ctx.sql(sql).collect()[0].columns)),
        }

    def volume_by_symbol(self, kind):
        quotes, _ = self.data(10_000, kind)
        sabot = Sabot(self.target, self.work, "volume_by_symbol")
        duck_from(self.con, "quotes", quotes)
        fusion_from(self.ctx, "quotes", quotes)
        sql = "select symbol, count(*) as trades, sum(volume)::bigint as volume from quotes group by symbol"
        digest = "select count(*), sum(trades)::bigint, sum(volume)::bigint from made"

        def check(made):
            return self.con.execute(digest).fetchall()[0] if made is not None else None

        def with_sabot():
            out = self.work / "volumes.arrow"
            _, *times = sabot.run({"quotes": quotes}, {"volumes": out})
            return check(table_of(out)), times

        return {
            "Sabot": with_sabot,
            "DuckDB": lambda: check(self.con.execute(sql).to_arrow_table()),
            "Polars": lambda: check(polars_scan(quotes).group_by("symbol").agg(
                pl.len().alias("trades"), pl.col("volume").sum()).collect().to_arrow()),
            "DataFusion": lambda: check(self.ctx.sql(sql).to_arrow_table()),
        }


    def windows(self, job, kind, rows=None):
        """Sums by symbol and window; the peers have the panes of sliding windows written by hand."""
        quotes, _ = self.data(10_000, kind, rows)
        in_memory = kind == "arrow"
        sabot = InMemory(self.target, job, {"quotes": quotes}) if in_memory else Sabot(self.target, self.work, job)
        duck_from(self.con, "quotes", quotes)
        fusion_from(self.ctx, "quotes", quotes)
        minutes = 5 if job == "tumbling_sum" else 1
        us = {"duck": 'epoch_us("eventTime")', "fusion": '(arrow_cast("eventTime", \'Int64\'))'}

        def sql(engine):
            panes = (f"select symbol, {us[engine]} {'//' if engine == 'duck' else '/'} {minutes * 60_000_000} as pane, "
                     "sum(volume) as volume from quotes group by 1, 2")
            if job == "sliding_sum":
                offsets = "(values (0), (1), (2), (3), (4)) as o(k)"
                panes = (f"select symbol, pane + k as pane, sum(volume) as volume from ({panes}) as p cross join {offsets} "
                         "group by 1, 2")
            return f"select count(*), sum(volume)::bigint, max(volume)::bigint from ({panes}) as w"

        def with_sabot():
            if in_memory:
                answer, *times = sabot.run()
            else:
                out, *times = sabot.run({"quotes": quotes}, {"answer": "-"})
                answer = json.loads(out)
            return tuple(answer.values()), times

        def with_polars():
            scan = polars_scan(quotes) if not in_memory else held.lazy()
            pane = pl.col("eventTime").dt.epoch("us") // (minutes * 60_000_000)
            panes = scan.group_by("symbol", pane.alias("pane")).agg(pl.col("volume").sum())
            if job == "sliding_sum":
                offsets = pl.LazyFrame({"k": [0, 1, 2, 3, 4]})
                panes = panes.join(offsets, how="cross").group_by("symbol", pl.col("pane") + pl.col("k")).agg(
                    pl.col("volume").sum())
            return panes.select(pl.len(), pl.col("volume").sum(), pl.col("volume").max().alias("most")).collect().row(0)

        held = pl.from_arrow(table_of(quotes).select(["symbol", "volume", "eventTime"])) if in_memory else None
        return {
            "Sabot": with_sabot,
            "DuckDB": lambda: self.con.execute(sql("duck")).fetchall()[0],
            "Polars": with_polars,
            "DataFusion": lambda: tuple(self.ctx.sql(sql("fusion")).to_arrow_table().to_pylist()[0].values()),
        }


def measure(name, engines, runs, before=None):
    """`before` is called with the engine's name before each run, and not timed."""
    times = {engine: [] for engine in engines}
    answers, notes = {}, {}
    for number in range(runs + 1):  # the first is a warm-up
        for engine, run in engines.items():
            if before:
                before(engine)
            started = time.perf_counter()
            result = run()
            taken = time.perf_counter() - started
            if engine == "Sabot":
                result, (taken, whole, rss) = result
                notes.setdefault("whole", []).append(whole)
                notes.setdefault("rss", []).append(rss)
            if number:
                times[engine].append(taken)
            answers[engine] = result
    agree = len({str(answer) for answer in answers.values()}) == 1
    ours = median_of(times["Sabot"])
    fastest = min((median_of(t), engine) for engine, t in times.items() if engine != "Sabot")
    print(f"\n### {name}\n")
    print("| engine | median s | min s | max s | time / Sabot's |\n|---|---|---|---|---|")
    for engine, taken in times.items():
        print(f"| {engine} | {median_of(taken):.4f} | {min(taken):.4f} | {max(taken):.4f} | {median_of(taken) / ours:.2f} |")
    print(f"\nfastest peer {fastest[1]}: {fastest[0] / ours:.2f} x Sabot's time; answers agree: {agree}; "
          f"Sabot's whole process {median_of(notes['whole'][1:]):.4f} s, peak {max(notes['rss']) / 1e6:.0f} MB", flush=True)
    if not agree:
        print(f"answers: {answers}")
    return agree


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", type=pathlib.Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", action="append", default=[])
    arguments = parser.parse_args()
    work = arguments.target / "peers" / "data"
    work.mkdir(parents=True, exist_ok=True)
    cases = Cases(arguments.target, work, arguments.rows)
    named = {
        "join_count_arrow": lambda: cases.join_count(10_000, "arrow"),
        "join_count_parquet": lambda: cases.join_count(10_000, "parquet"),
        "join_count_10m_arrow": lambda: cases.join_count(arguments.rows, "arrow"),
        "enrich_arrow": lambda: cases.enrich("arrow"),
        "enrich_arrow_over": lambda: cases.enrich("arrow"),
        "enrich_parquet": lambda: cases.enrich("parquet"),
        "spread_columns": cases.spread_columns,
        "spread_sum": cases.spread_sum,
        "volume_by_symbol_arrow": lambda: cases.volume_by_symbol("arrow"),
        "volume_by_symbol_parquet": lambda: cases.volume_by_symbol("parquet"),
        "tumbling_sum_arrow": lambda: cases.windows("tumbling_sum", "arrow"),
        "tumbling_sum_parquet": lambda: cases.windows("tumbling_sum", "parquet"),
        "sliding_sum_arrow": lambda: cases.windows("sliding_sum", "arrow"),
        "sliding_sum_parquet": lambda: cases.windows("sliding_sum", "parquet"),
        "tumbling_sum_parquet_100m": lambda: cases.windows("tumbling_sum", "parquet", 100_000_000),
    }
    print(f"{platform.machine()}, {os.cpu_count()} cores, {arguments.rows:,} quotes, {arguments.runs} runs; "
          f"DuckDB {duckdb.__version__}, Polars {pl.__version__}, DataFusion {datafusion.__version__}, "
          f"Numba {numba.__version__}, PyArrow {pa.__version__}")
    agreed = True
    for name, make in named.items():
        # What needs 1.7 GB of data is made when it is asked for.
        if name not in arguments.only and (arguments.only or name.endswith("_100m")):
            continue
        is_new = name in ("enrich_arrow", "enrich_parquet")
        agreed &= measure(name, make(), arguments.runs, cases.remove_enriched(name.split("_")[1]) if is_new else None)
        if name.startswith("enrich"):
            answers = cases.check_enriched(name.split("_")[1])
            agreed &= len(set(answers.values())) == 1
            print("written rows agree:", len(set(answers.values())) == 1, answers)
    print(f"\nthis process's peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB; all answers agree: {agreed}")
    raise SystemExit(0 if agreed else 1)


if __name__ == "__main__":
    main()
