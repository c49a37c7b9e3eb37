"""The events of `benches/nexmark` as the lines that this benchmark reads, in the order of their time.

    export.py DATA EVENTS

DATA holds persons.parquet, auctions.parquet and bids.parquet.
"""

import pathlib
import sys

import duckdb

data, events = pathlib.Path(sys.argv[1]), sys.argv[2]
files = {name: f"read_parquet('{data / (name + '.parquet')}')" for name in ("persons", "auctions", "bids")}
duckdb.sql(f"""
    COPY (SELECT line FROM (
        SELECT date_time, concat_ws(chr(9), 'P', id, name, city, state, epoch_us(date_time)) AS line FROM {files['persons']}
        UNION ALL
        SELECT date_time, concat_ws(chr(9), 'A', id, seller, category, reserve, epoch_us(expires), epoch_us(date_time))
        FROM {files['auctions']}
        UNION ALL
        SELECT date_time, concat_ws(chr(9), 'B', auction, bidder, price, epoch_us(date_time)) FROM {files['bids']}
    ) ORDER BY date_time) TO '{events}' (HEADER false, QUOTE '', ESCAPE '', DELIMITER '\\0')""")
