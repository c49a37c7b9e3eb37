"""Measures the queries of Nexmark: Sabot from its generator, from Arrow IPC and from Parquet, beside other engines.

Every engine and query gets a process of its own, so that peak memory is its own; engines take turns. Answers are dropped, as
by Flink's `blackhole`; that they are right is what `cargo test -p sabot-snapshots --test nexmark` shows, here only their
numbers of rows are compared. `benches/nexmark/run` installs what is needed and calls this.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

from times import TIMES

HERE = pathlib.Path(__file__).parent
JOBS = HERE.parents[1] / "examples" / "nexmark"
QUERIES = [f"q{number:02}" for number in range(23)]
PEERS = ["DuckDB", "Polars", "DataFusion"]
# The jobs of Renoir by query: two have one as its examples have it, too, with other rows.
RENOIR = {"q03": ["q03"], "q04": ["q04", "q04_by_time"], "q05": ["q05"], "q07": ["q07", "q07_one"], "q08": ["q08"]}


def output(command, seconds=1800):
    """The lines of JSON that a program prints, or why there are none."""
    try:
        said = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return None, f"took more than {seconds} s"
    if said.returncode != 0:
        lines = [line for line in said.stderr.splitlines() if line.strip()]
        return None, (lines[-1] if lines else f"status {said.returncode}")[:160]
    return [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")], None


def data_of(target, events):
    """The events as files that every engine reads: plain timestamps, row groups of about a million rows."""
    import pyarrow as pa
    import pyarrow.ipc
    import pyarrow.parquet as pq
    folder = target / "nexmark" / f"events-{events}"
    if (folder / "done").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job = folder / "events.rs"
    job.write_text((JOBS / "events.rs").read_text().replace("events(1_000_000)", f"events({events})"))
    outputs = [word for name in ("persons", "auctions", "bids")
               for word in ("--output", f"{name}_file={folder / name}.made.parquet")]
    subprocess.run([target / "release" / "sabotc", "run", job, "--quiet", "--overwrite", *outputs], check=True)
    for name in ("persons", "auctions", "bids"):
        made = pq.ParquetFile(folder / f"{name}.made.parquet")
        plain = pa.schema([field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field
                           for field in made.schema_arrow])
        with pq.ParquetWriter(folder / f"{name}.parquet", plain) as parquet, \
                pa.OSFile(str(folder / f"{name}.arrow"), "wb") as file, pa.ipc.new_file(file, plain) as arrow:
            for batch in made.iter_batches(1 << 16):
                batch = batch.cast(plain)
                arrow.write(batch)
                parquet.write_batch(batch, row_group_size=1 << 20)
        os.remove(folder / f"{name}.made.parquet")
    shutil.copy(JOBS / "input" / "side.csv", folder)
    (folder / "done").touch()
    return folder


def sabot(target, query, events, runs, data, kind, workers=None):
    command = [target / "release" / "nexmark", JOBS / f"{query}.rs", "--events", events, "--runs", runs + 1,
               "--input", f"side={data / 'side.csv'}"]
    if kind != "generator":
        command += [word for name in ("persons", "auctions", "bids") for word in ("--input", f"{name}={data / name}.{kind}")]
    if workers:
        command += ["-p", workers]
    lines, wrong = output(command)
    if wrong:
        return None, wrong
    taken = [line["wall_ms"] / 1e3 for line in lines if "wall_ms" in line]
    rows = [line["rows"] for line in lines if "rows" in line]
    return {"seconds": taken[1:], "rows": rows[-1], "peak_rss_bytes": lines[-1]["peak_rss_bytes"]}, None


def row(query, engine, events, cores, result, ours):
    seconds = statistics.median(result["seconds"])
    rate = events / seconds / 1e6
    compared = f"{seconds / ours:.2f}" if ours else ""
    return (f"| {query} | {engine} | {seconds:.3f} | {min(result['seconds']):.3f} | {rate:.2f} | {rate / cores:.2f} | "
            f"{result['peak_rss_bytes'] / 1e6:.0f} | {result['rows']} | {compared} |")


def latency(target, query, seconds, data):
    """Of an endless run that is stopped after so many seconds, at half of the rate that such a run reaches."""
    flag, column, changes = TIMES[query]
    command = [target / "release" / "nexmark", JOBS / f"{query}.rs", "--input", f"side={data / 'side.csv'}", flag, column]
    command += [word for old, new in changes for word in ("--replace", old, new)]
    # What joins of streams keep grows with what they have read: a short run says how fast they are at first.
    lines, wrong = output([*command, "--seconds", min(seconds, 3)], seconds + 120)
    if wrong:
        return f"| {query} | | | | | | | {wrong} |"
    most = lines[0]["events"] / lines[0]["wall_ms"] * 1e3
    lines, wrong = output([*command, "--rate", int(most / 2), "--seconds", seconds], seconds + 120)
    if wrong or "p99_ms" not in lines[0]:
        return f"| {query} | {most / 1e6:.2f} | {most / 2e6:.2f} | | | | | {wrong or 'no rows'} |"
    line, last = lines[0], lines[-1]
    return (f"| {query} | {most / 1e6:.2f} | {most / 2e6:.2f} | {line['p50_ms']:.2f} | {line['p99_ms']:.2f} | "
            f"{line['p999_ms']:.2f} | {last['peak_rss_bytes'] / 1e6:.0f} | {line['rows']} |")


def flink(target, queries, events, data):
    """Flink's local cluster over the same events as CSV; a process for each query."""
    import pyarrow.csv
    import pyarrow.parquet as pq
    for name in ("persons", "auctions", "bids"):
        folder = data / "csv" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            table = pq.ParquetFile(data / f"{name}.parquet")
            options = pyarrow.csv.WriteOptions(include_header=False)
            with pyarrow.csv.CSVWriter(str(folder / "events.csv"), table.schema_arrow, write_options=options) as file:
                for batch in table.iter_batches(1 << 16):
                    file.write_batch(batch)
    for query in queries:
        python = target / "nexmark" / "flink" / "bin" / "python"
        lines, wrong = output([python, HERE / "flink.py", query, data, JOBS / "input" / "side.csv"])
        if wrong:
            print(f"| {query} | Flink | {wrong} |", flush=True)
        else:
            result = {"seconds": [lines[0]["seconds"]], "rows": "", "peak_rss_bytes": lines[0]["peak_rss_bytes"]}
            print(row(query, "Flink, CSV", events, os.cpu_count(), result, None), flush=True)


def renoir(target, queries, events, runs, data):
    """Renoir over the same events as values in memory, without the texts that these queries do not read."""
    lines_of_events = data / "renoir.tsv"
    if not lines_of_events.exists():
        subprocess.run([sys.executable, HERE.parent / "renoir" / "export.py", data, lines_of_events], check=True)
    for query in queries:
        command = [target / "renoir" / "release" / "sabot-bench-renoir", query, lines_of_events, runs + 1, os.cpu_count()]
        lines, wrong = output(command, 120)
        if wrong:
            print(f"| {query} | Renoir | {wrong} |", flush=True)
        else:
            result = {"seconds": [line["wall_ms"] / 1e3 for line in lines[1:-1]], "rows": lines[-2]["rows"],
                      "peak_rss_bytes": lines[-1]["peak_rss_bytes"]}
            print(row(query, "Renoir, in memory", events, os.cpu_count(), result, None), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", type=pathlib.Path, required=True)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--from", dest="kinds", action="append", choices=["generator", "arrow", "parquet", "none"])
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--flink", action="store_true")
    parser.add_argument("--renoir", action="store_true")
    parser.add_argument("--latency", action="store_true", help="of endless runs, at half of the rate that they reach")
    parser.add_argument("--latency-seconds", type=float, default=30)
    arguments = parser.parse_args()
    events, cores = arguments.events, os.cpu_count()
    queries = [query for query in QUERIES if not arguments.only or query in arguments.only]
    data = data_of(arguments.target, events)
    print(f"{platform.machine()}, {cores} cores, {events:,} events, median of {arguments.runs} runs after a warm-up")
    agreed = True
    for kind in [] if arguments.kinds == ["none"] else arguments.kinds or ["generator", "arrow", "parquet"]:
        print(f"\n### from {kind}\n\n| query | engine | median s | min s | M events/s | per core | peak MB | rows | time / Sabot's |")
        print("|---|---|---|---|---|---|---|---|---|")
        for query in queries:
            ours, wrong = sabot(arguments.target, query, events, arguments.runs, data, kind)
            if wrong:
                print(f"| {query} | Sabot | {wrong} |", flush=True)
                continue
            median = statistics.median(ours["seconds"])
            print(row(query, "Sabot", events, cores, ours, median), flush=True)
            one, wrong = sabot(arguments.target, query, events, arguments.runs, data, kind, workers=1)
            print(row(query, "Sabot, -p 1", events, 1, one, median) if one else f"| {query} | Sabot, -p 1 | {wrong} |", flush=True)
            for engine in [] if kind == "generator" or arguments.no_peers else PEERS:
                command = [sys.executable, HERE / "peers.py", engine, query, data, kind, arguments.runs]
                lines, wrong = output(command, 600)
                if wrong:
                    print(f"| {query} | {engine} | {wrong} |", flush=True)
                    continue
                print(row(query, engine, events, cores, lines[0], median), flush=True)
                # Of windows of processing time there is one here, and none in the others' queries.
                if lines[0]["rows"] != ours["rows"] and query != "q12":
                    agreed = False
                    print(f"| {query} | {engine} | other rows: {lines[0]['rows']}, Sabot's {ours['rows']} |", flush=True)
    if arguments.flink:
        print("\n### Flink\n\n| query | engine | s | min s | M events/s | per core | peak MB | rows | |\n|---|---|---|---|---|---|---|---|---|")
        flink(arguments.target, queries, events, data)
    if arguments.renoir:
        print("\n### Renoir\n\n| query | engine | s | min s | M events/s | per core | peak MB | rows | |\n|---|---|---|---|---|---|---|---|---|")
        renoir(arguments.target, [job for query in queries for job in RENOIR.get(query, [])], events, arguments.runs, data)
    if arguments.latency:
        print("\n### endless, from the creation of an event to its row, at half of the rate that such a run reaches\n")
        print("| query | most, M events/s | M events/s | p50 ms | p99 ms | p99.9 ms | peak MB | rows |\n|---|---|---|---|---|---|---|---|")
        for query in queries:
            print(latency(arguments.target, query, arguments.latency_seconds, data), flush=True)
    print(f"\nnumbers of rows agree: {agreed}")
    raise SystemExit(0 if agreed else 1)


if __name__ == "__main__":
    main()
