"""Runs each function of `udfs.rs` as Sabot compiles it, as rustc does, and as Numba, Polars, DuckDB and plain Python have it,
in turns, on one core; prints nanoseconds per row and ratios, and whether the answers agree.

Sabot and rustc run in one process that holds the rows in memory (`udfs`); the others read the same rows from an Arrow file
before the first run. Each engine sums the function up over all rows, so nothing is written. Python runs over fewer rows.
"""

import argparse
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import time

os.environ["POLARS_MAX_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"

import duckdb
import numba
import numpy as np
import polars as pl
import pyarrow.ipc

PYTHON_ROWS = 20_000


def branchy(bid, ask, volume):
    mid = (bid + ask) / 2.0
    if mid == 0.0:
        return 0.0
    spread = (ask - bid) / mid
    if spread > 0.001:
        return spread * 10_000.0
    if volume > 500:
        return math.sqrt(abs(mid * spread))
    return -spread


@numba.njit
def normal_cdf(x):
    k = 1.0 / (1.0 + 0.2316419 * abs(x))
    poly = k * (0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))))
    tail = 0.398942280401 * math.exp(-x * x / 2.0) * poly
    return tail if x < 0.0 else 1.0 - tail


def black_scholes(spot, strike, years):
    d1 = (math.log(spot / strike) + (0.03 + 0.2 * 0.2 / 2.0) * years) / (0.2 * math.sqrt(years))
    d2 = d1 - 0.2 * math.sqrt(years)
    return spot * normal_cdf(d1) - strike * math.exp(-0.03 * years) * normal_cdf(d2)


def newton_root(x):
    guess = x / 2.0
    for _ in range(8):
        guess = (guess + x / guess) / 2.0
    return guess


def haversine(lat, lon):
    home_lat, home_lon = math.radians(52.52), math.radians(13.405)
    lat, lon = math.radians(lat), math.radians(lon)
    a = math.sin((lat - home_lat) / 2.0) ** 2 + math.cos(home_lat) * math.cos(lat) * math.sin((lon - home_lon) / 2.0) ** 2
    return 6371.0 * 2.0 * math.atan2(math.sqrt(a), math.sqrt(1.0 - a))


def bucket(id):
    minute = id // 60 % 1440
    return (minute // 15) * 1000 + (id % 7) * 10 + (id >> 3) % 10


def gcd(a, b):
    while b != 0:
        a, b = b, a % b
    return a


def classify(symbol):
    if symbol in ("AAPL", "MSFT", "GOOG"):
        return 1
    if symbol in ("XOM", "CVX"):
        return 2
    if symbol.startswith("SYM00"):
        return 3
    return 4 if symbol.endswith("7") else 0


def host_len(url):
    return len(url.split("://")[1].split("/")[0])


STATUS = re.compile(r"status=(\d+)")


def status_of(line):
    found = STATUS.search(line)
    return int(found.group(1)) if found else 0


def day_text(at):
    return len(at.strftime("%Y-%m-%d")) + at.hour


def price_of(text):
    return json.loads(text)["order"]["price"]


def net(amount, volume):
    gross = amount * volume
    return gross - gross * NINETEEN


from decimal import Decimal

NINETEEN = Decimal("0.19")


def nested_option(tax, discount, price):
    if tax is not None and discount is not None:
        value = price * (1.0 + tax) * (1.0 - discount)
    elif tax is not None:
        value = price * (1.0 + tax)
    elif discount is not None:
        value = price / 2.0 if discount > 0.5 else price * (1.0 - discount)
    else:
        value = price
    return min(value, 1000.0)


def luhn(card):
    total = 0
    for i, digit in enumerate(reversed(card)):
        digit = int(digit)
        if i % 2 == 1:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
    return 1 if total % 10 == 0 else 0


def vowels(url):
    return sum(1 for c in url if c in "aeiou")


def sum_of_list(text):
    return sum(int(part) for part in text.split(","))


def label_len(symbol, id):
    return len(f"{symbol.lower()}-{id % 1_000_000:06}")


c = pl.col
MID = (c("bid") + c("ask")) / 2.0
SPREAD = (c("ask") - c("bid")) / MID
D1 = ((c("spot") / c("strike")).log() + (0.03 + 0.02) * c("years")) / (0.2 * c("years").sqrt())


def polars_cdf(x):
    k = 1.0 / (1.0 + 0.2316419 * x.abs())
    poly = k * (0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))))
    tail = 0.398942280401 * (-x * x / 2.0).exp() * poly
    return pl.when(x < 0.0).then(tail).otherwise(1.0 - tail)


def polars_newton():
    guess = c("spot") / 2.0
    for _ in range(8):
        guess = (guess + c("spot") / guess) / 2.0
    return guess


LAT = (c("lat").radians() - math.radians(52.52)) / 2.0
LON = (c("lon").radians() - math.radians(13.405)) / 2.0
HAVER = LAT.sin() ** 2 + math.cos(math.radians(52.52)) * c("lat").radians().cos() * LON.sin() ** 2
NET = pl.when(c("tax").is_not_null() & c("discount").is_not_null()).then(c("spot") * (1 + c("tax")) * (1 - c("discount"))).when(
    c("tax").is_not_null()).then(c("spot") * (1 + c("tax"))).when(c("discount") > 0.5).then(c("spot") / 2.0).when(
    c("discount").is_not_null()).then(c("spot") * (1 - c("discount"))).otherwise(c("spot"))

DUCK_CDF = """(case when {x} < 0 then {tail} else 1.0 - {tail} end)"""
DUCK_D1 = "((ln(spot / strike) + 0.05 * years) / (0.2 * sqrt(years)))"


def duck_cdf(x):
    k = f"(1.0::double / (1.0 + 0.2316419 * abs({x})))"
    poly = (f"({k} * (0.319381530 + {k} * (-0.356563782 + {k} * (1.781477937 + {k} * (-1.821255978 + {k} * 1.330274429)))))")
    tail = f"(0.398942280401::double * exp(-{x} * {x} / 2.0) * {poly})"
    return DUCK_CDF.format(x=x, tail=tail)


# Name: Python function, its columns, whether Numba has it, Polars expression, DuckDB expression.
CASES = {
    "branchy": (branchy, ["bid", "ask", "volume"], True,
                pl.when(MID == 0.0).then(0.0).when(SPREAD > 0.001).then(SPREAD * 10_000.0).when(c("volume") > 500).then(
                    (MID * SPREAD).abs().sqrt()).otherwise(-SPREAD),
                "case when (bid+ask)/2=0 then 0 when (ask-bid)/((bid+ask)/2)>0.001 then (ask-bid)/((bid+ask)/2)*10000::double "
                "when volume>500 then sqrt(abs((bid+ask)/2*((ask-bid)/((bid+ask)/2)))) else -((ask-bid)/((bid+ask)/2)) end"),
    "black_scholes": (black_scholes, ["spot", "strike", "years"], True,
                      c("spot") * polars_cdf(D1) - c("strike") * (-0.03 * c("years")).exp() * polars_cdf(D1 - 0.2 * c("years").sqrt()),
                      f"spot * {duck_cdf(DUCK_D1)} - strike * exp(-0.03 * years) * {duck_cdf('(' + DUCK_D1 + ' - 0.2 * sqrt(years))')}"),
    "newton_root": (newton_root, ["spot"], True, polars_newton(), None),
    "haversine": (haversine, ["lat", "lon"], True, 6371.0 * 2.0 * pl.arctan2(HAVER.sqrt(), (1.0 - HAVER).sqrt()),
                  "12742.0 * atan2(sqrt(pow(sin((radians(lat)-radians(52.52))/2),2)+cos(radians(52.52))*cos(radians(lat))*pow(sin((radians(lon)-radians(13.405))/2),2)),"
                  "sqrt(1-(pow(sin((radians(lat)-radians(52.52))/2),2)+cos(radians(52.52))*cos(radians(lat))*pow(sin((radians(lon)-radians(13.405))/2),2))))"),
    "mix": (None, ["id"], False, None, None),
    "bucket": (bucket, ["id"], True, (c("id") // 60 % 1440 // 15) * 1000 + (c("id") % 7) * 10 + (c("id") // 8) % 10,
               "(id // 60 % 1440 // 15) * 1000 + (id % 7) * 10 + (id >> 3) % 10"),
    "gcd": (gcd, ["id", "other"], True, None, "gcd(id, other)"),
    "classify": (classify, ["symbol"], False,
                 pl.when(c("symbol").is_in(["AAPL", "MSFT", "GOOG"])).then(1).when(c("symbol").is_in(["XOM", "CVX"])).then(2).when(
                     c("symbol").str.starts_with("SYM00")).then(3).when(c("symbol").str.ends_with("7")).then(4).otherwise(0),
                 "case when symbol in ('AAPL','MSFT','GOOG') then 1 when symbol in ('XOM','CVX') then 2 "
                 "when starts_with(symbol,'SYM00') then 3 when ends_with(symbol,'7') then 4 else 0 end"),
    "host_len": (host_len, ["url"], False,
                 c("url").str.split("://").list.get(1).str.split("/").list.get(0).str.len_bytes(),
                 "strlen(split_part(split_part(url, '://', 2), '/', 1))"),
    "status_of": (status_of, ["line"], False, c("line").str.extract(r"status=(\d+)", 1).cast(pl.Int64).fill_null(0),
                  r"coalesce(try_cast(regexp_extract(line, 'status=(\d+)', 1) as bigint), 0)"),
    "day_text": (day_text, ["at"], False, c("at").dt.strftime("%Y-%m-%d").str.len_bytes().cast(pl.Int64) + c("at").dt.hour().cast(pl.Int64),
                 "strlen(strftime(\"at\"::timestamp, '%Y-%m-%d')) + hour(\"at\"::timestamp)"),
    "price_of": (price_of, ["json"], False, c("json").str.json_path_match("$.order.price").cast(pl.Float64),
                 "cast(json_extract(json, '$.order.price') as double)"),
    "net": (net, ["amount", "volume"], False, None,
            "amount::decimal(18,2) * volume - amount::decimal(18,2) * volume * 0.19"),
    "nested_option": (nested_option, ["tax", "discount", "spot"], False, pl.min_horizontal(NET, pl.lit(1000.0)),
                      "least(1000.0, case when tax is not null and discount is not null then spot*(1+tax)*(1-discount) "
                      "when tax is not null then spot*(1+tax) when discount > 0.5 then spot/2 when discount is not null "
                      "then spot*(1-discount) else spot end)"),
    "luhn": (luhn, ["card"], False, None, None),
    "vowels": (vowels, ["url"], False, c("url").str.count_matches("[aeiou]"),
               "strlen(regexp_replace(url, '[^aeiou]', '', 'g'))"),
    "sum_of_list": (sum_of_list, ["list"], False,
                    c("list").str.split(", ").list.eval(pl.element().cast(pl.Int64)).list.sum(),
                    "list_sum(list_transform(split(list, ', '), lambda x: x::bigint))"),
    "label_len": (label_len, ["symbol", "id"], False,
                  pl.concat_str([c("symbol").str.to_lowercase(), pl.lit("-"), (c("id") % 1_000_000).cast(pl.String).str.zfill(6)]).str.len_bytes(),
                  "strlen(lower(symbol) || '-' || lpad((id % 1000000)::varchar, 6, '0'))"),
}


def numba_loop(function, arity):
    compiled = numba.njit(function)
    if arity == 1:
        @numba.njit
        def loop(a):
            total = compiled(a[0]) * 0
            for i in range(len(a)):
                total += compiled(a[i])
            return total
    elif arity == 2:
        @numba.njit
        def loop(a, b):
            total = compiled(a[0], b[0]) * 0
            for i in range(len(a)):
                total += compiled(a[i], b[i])
            return total
    else:
        @numba.njit
        def loop(a, b, c):
            total = compiled(a[0], b[0], c[0]) * 0
            for i in range(len(a)):
                total += compiled(a[i], b[i], c[i])
            return total
    return loop


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=pathlib.Path, default=pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", action="append")
    arguments = parser.parse_args()
    work = arguments.target / "peers"
    work.mkdir(parents=True, exist_ok=True)
    file = work / f"udfs-{arguments.rows}.arrow"
    program = arguments.target / "release" / "udfs"
    if not file.exists():
        subprocess.run([program, "--rows", str(arguments.rows), "--write", file], check=True)
    table = pyarrow.ipc.open_file(pyarrow.memory_map(str(file))).read_all()
    frame = pl.from_arrow(table)
    con = duckdb.connect()
    con.execute("set threads = 1")
    con.register("arrow_rows", table)
    con.execute("create table input as select * from arrow_rows")
    process = subprocess.Popen([program, "--rows", str(arguments.rows)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    print("| function | Sabot ns | rustc | Numba | Polars | DuckDB | Python | rustc / Sabot | fastest other / Sabot | Python / Sabot | compile ms |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name, (python, columns, has_numba, polars, duck) in CASES.items():
        if arguments.only and name not in arguments.only:
            continue
        times = {engine: [] for engine in ("sabot", "rustc", "numba", "polars", "duckdb")}
        answers = {}
        arrays = [table[column].combine_chunks().to_numpy(zero_copy_only=False) for column in columns] if has_numba else []
        loop = numba_loop(python, len(columns)) if has_numba else None
        selection = f"select sum({duck})::double from input" if duck else None
        for run in range(arguments.runs + 1):
            process.stdin.write(name + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{name}: the process has ended")
            result = json.loads(line)
            measured = {"sabot": result["sabot_ms"], "rustc": result["rustc_ms"]}
            answers["sabot"], answers["rustc"] = float(result["sabot"]["total"]), float(result["rustc"])
            if loop is not None:
                started = time.perf_counter()
                answers["numba"] = float(loop(*arrays))
                measured["numba"] = (time.perf_counter() - started) * 1e3
            if polars is not None:
                started = time.perf_counter()
                answers["polars"] = float(frame.select(polars.sum()).item())
                measured["polars"] = (time.perf_counter() - started) * 1e3
            if selection is not None:
                started = time.perf_counter()
                answers["duckdb"] = float(con.execute(selection).fetchone()[0])
                measured["duckdb"] = (time.perf_counter() - started) * 1e3
            if run > 0:
                for engine, value in measured.items():
                    times[engine].append(value)
        per_row = {engine: statistics.median(values) * 1e6 / arguments.rows for engine, values in times.items() if values}
        if python is not None:
            rows = list(zip(*(table[column].slice(0, PYTHON_ROWS).to_pylist() for column in columns)))
            plain = getattr(python, "py_func", python)
            started = time.perf_counter()
            total = 0
            for row in rows:
                total += plain(*row)
            per_row["python"] = (time.perf_counter() - started) * 1e9 / len(rows)
        for engine, answer in answers.items():
            if not math.isclose(answer, answers["rustc"], rel_tol=1e-6):
                print(f"{name}: {engine} says {answer}, rustc {answers['rustc']}")
        cell = lambda engine: f"{per_row[engine]:.1f}" if engine in per_row else ""
        others = [per_row[engine] for engine in ("numba", "polars", "duckdb") if engine in per_row]
        ratio = lambda value: f"{value / per_row['sabot']:.2f}"
        print(f"| {name} | {cell('sabot')} | {cell('rustc')} | {cell('numba')} | {cell('polars')} | {cell('duckdb')} | {cell('python')} | "
              f"{ratio(per_row['rustc'])} | {ratio(min(others)) if others else ''} | {ratio(per_row['python']) if 'python' in per_row else ''} | "
              f"{result['compile_ms']:.1f} |", flush=True)
    process.stdin.close()


if __name__ == "__main__":
    main()
