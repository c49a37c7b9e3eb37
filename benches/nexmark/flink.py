"""A query of Nexmark in Flink's local cluster: its SQL over the events as CSV, rows out into a black hole.

    flink.py QUERY DATA SIDE

DATA has csv/persons, csv/auctions and csv/bids; prints seconds from submission to the end of the job, and peak memory of the
virtual machine. Runs in the environment that `pip install apache-flink` makes, with Java 17.
"""

import json
import os
import pathlib
import re
import sys
import time

COLUMNS = {
    "persons": "id BIGINT, name STRING, email_address STRING, credit_card STRING, city STRING, state STRING",
    "auctions": "id BIGINT, item_name STRING, description STRING, initial_bid BIGINT, reserve BIGINT",
    "bids": "auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING",
}
REST = {
    "persons": "date_time TIMESTAMP(3), extra STRING",
    "auctions": "date_time TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING",
    "bids": "date_time TIMESTAMP(3), extra STRING",
}
DAY = "DATE_FORMAT(date_time, 'yyyy-MM-dd')"
IN_TIME = "auctions A JOIN bids B ON A.id = B.auction WHERE B.date_time BETWEEN A.date_time AND A.expires"
CHANNEL = "REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2)"


def ranks(what, name):
    """The counts of a column in all bids and by rank of price."""
    filters = {"total": "", "rank1": " FILTER (WHERE price < 10000)",
               "rank2": " FILTER (WHERE price >= 10000 AND price < 1000000)", "rank3": " FILTER (WHERE price >= 1000000)"}
    return ", ".join(f"count({what}){condition} AS {rank}_{name}" for rank, condition in filters.items())


STATISTICS = ", ".join([ranks("*", "bids"), ranks("DISTINCT bidder", "bidders"), ranks("DISTINCT auction", "auctions")])


def windowed(table, size, slide=None):
    kind = f"HOP(TABLE {table}, DESCRIPTOR(date_time), {slide}, {size})" if slide else \
        f"TUMBLE(TABLE {table}, DESCRIPTOR(date_time), {size})"
    return f"TABLE({kind})"


TEN, TWO = "INTERVAL '10' SECOND", "INTERVAL '2' SECOND"
QUERIES = {
    "q00": "SELECT auction, bidder, price, date_time, extra FROM bids",
    "q01": "SELECT auction, bidder, CAST(0.908 AS DOUBLE) * price AS price, date_time, extra FROM bids",
    "q02": "SELECT auction, price FROM bids WHERE MOD(auction, 123) = 0",
    "q03": "SELECT P.name, P.city, P.state, A.id FROM auctions A JOIN persons P ON A.seller = P.id "
           "WHERE A.category = 10 AND P.state IN ('OR', 'ID', 'CA')",
    "q04": f"SELECT category, AVG(price) AS price FROM (SELECT A.category, MAX(B.price) AS price FROM {IN_TIME} "
           "GROUP BY A.id, A.category) GROUP BY category",
    "q05": f"""
        SELECT C.auction, C.num, C.window_end FROM
            (SELECT auction, count(*) AS num, window_start, window_end FROM {windowed('bids', TEN, TWO)}
             GROUP BY auction, window_start, window_end) C
        JOIN (SELECT max(num) AS num, window_start, window_end FROM
                (SELECT count(*) AS num, window_start, window_end FROM {windowed('bids', TEN, TWO)}
                 GROUP BY auction, window_start, window_end)
             GROUP BY window_start, window_end) M
        ON C.window_start = M.window_start AND C.window_end = M.window_end AND C.num >= M.num""",
    "q06": f"""
        SELECT seller, AVG(price) AS price FROM
            (SELECT seller, price, ROW_NUMBER() OVER (PARTITION BY seller ORDER BY expires DESC, id DESC) AS place FROM
                (SELECT A.id, A.seller, A.expires, MAX(B.price) AS price FROM {IN_TIME} GROUP BY A.id, A.seller, A.expires))
        WHERE place <= 10 GROUP BY seller""",
    "q07": f"""
        SELECT B.auction, B.price, B.bidder, B.date_time, B.extra FROM bids B
        JOIN (SELECT MAX(price) AS price, window_end FROM {windowed('bids', TEN)} GROUP BY window_start, window_end) M
        ON B.price = M.price AND B.date_time BETWEEN M.window_end - {TEN} AND M.window_end""",
    "q08": f"""
        SELECT P.id, P.name, P.window_start FROM
            (SELECT id, name, window_start, window_end FROM {windowed('persons', TEN)}
             GROUP BY id, name, window_start, window_end) P
        JOIN (SELECT seller, window_start, window_end FROM {windowed('auctions', TEN)}
              GROUP BY seller, window_start, window_end) A
        ON P.id = A.seller AND P.window_start = A.window_start AND P.window_end = A.window_end""",
    "q09": f"""
        SELECT * FROM (SELECT A.*, B.auction, B.bidder, B.price, B.date_time AS bid_date_time, B.extra AS bid_extra,
            ROW_NUMBER() OVER (PARTITION BY A.id ORDER BY B.price DESC, B.date_time ASC) AS place FROM {IN_TIME})
        WHERE place <= 1""",
    "q10": f"SELECT auction, bidder, price, date_time, extra, {DAY}, DATE_FORMAT(date_time, 'HH:mm') FROM bids",
    "q11": f"SELECT bidder, count(*) AS bids, window_start, window_end FROM "
           f"TABLE(SESSION(TABLE bids PARTITION BY bidder, DESCRIPTOR(date_time), {TEN})) GROUP BY bidder, window_start, window_end",
    "q12": f"SELECT bidder, count(*) AS bids, window_start, window_end FROM "
           f"TABLE(TUMBLE(TABLE bids, DESCRIPTOR(now_time), {TEN})) GROUP BY bidder, window_start, window_end",
    "q13": "SELECT B.auction, B.bidder, B.price, B.date_time, S.v FROM bids B JOIN side S ON MOD(B.auction, 1000) = S.k",
    "q14": """
        SELECT auction, bidder, CAST(0.908 AS DOUBLE) * price AS price,
            CASE WHEN HOUR(date_time) BETWEEN 8 AND 18 THEN 'dayTime'
                 WHEN HOUR(date_time) <= 6 OR HOUR(date_time) >= 20 THEN 'nightTime' ELSE 'otherTime' END AS bid_time,
            date_time, extra, CHAR_LENGTH(extra) - CHAR_LENGTH(REPLACE(extra, 'c', '')) AS c_counts
        FROM bids WHERE CAST(0.908 AS DOUBLE) * price > 1000000 AND CAST(0.908 AS DOUBLE) * price < 50000000""",
    "q15": f"SELECT {DAY} AS d, {STATISTICS} FROM bids GROUP BY {DAY}",
    "q16": f"SELECT channel, {DAY} AS d, max(DATE_FORMAT(date_time, 'HH:mm')) AS m, {STATISTICS} FROM bids GROUP BY channel, {DAY}",
    "q17": f"SELECT auction, {DAY} AS d, {ranks('*', 'bids')}, min(price) AS a, max(price) AS b, avg(price) AS c, sum(price) AS e "
           f"FROM bids GROUP BY auction, {DAY}",
    "q18": "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC) AS place FROM bids) "
           "WHERE place <= 1",
    "q19": "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS place FROM bids) "
           "WHERE place <= 10",
    "q20": "SELECT B.auction, B.bidder, B.price, B.channel, B.url, B.date_time AS bid_date_time, B.extra AS bid_extra, A.* "
           "FROM bids B JOIN auctions A ON B.auction = A.id WHERE A.category = 10",
    "q21": f"""
        SELECT auction, bidder, price, channel, CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1'
            WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' ELSE {CHANNEL} END AS channel_id
        FROM bids WHERE {CHANNEL} IS NOT NULL OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu')""",
    "q22": "SELECT auction, bidder, price, channel, SPLIT_INDEX(url, '/', 3), SPLIT_INDEX(url, '/', 4), SPLIT_INDEX(url, '/', 5) "
           "FROM bids",
}


def peak_of_children():
    """The most memory that the virtual machine has had."""
    peaks = [0]
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if re.search(rf"^PPid:\t{os.getpid()}$", text, re.M) and (peak := re.search(r"^VmHWM:\s+(\d+) kB", text, re.M)):
            peaks.append(int(peak[1]) * 1024)
    return max(peaks)


def main():
    from pyflink.table import EnvironmentSettings, TableDescriptor, TableEnvironment
    query, data, side = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
    env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    settings = {"parallelism.default": str(os.cpu_count()), "table.exec.mini-batch.enabled": "true",
                "table.exec.mini-batch.allow-latency": "2s", "table.exec.mini-batch.size": "50000",
                "taskmanager.memory.process.size": "4g", "table.local-time-zone": "UTC"}
    for name, value in settings.items():
        env.get_config().set(name, value)
    for name, columns in COLUMNS.items():
        # One reader: events come in their order, and none is late.
        now_time = "now_time AS PROCTIME(), " if name == "bids" else ""
        env.execute_sql(f"CREATE TABLE {name} ({columns}, {REST[name]}, {now_time}WATERMARK FOR date_time AS date_time) WITH ("
                        f"'connector' = 'filesystem', 'path' = '{data / 'csv' / name}', 'format' = 'csv')")
    env.execute_sql(f"CREATE TABLE side (k BIGINT, v STRING) WITH ('connector' = 'filesystem', 'path' = '{side}', "
                    "'format' = 'csv', 'csv.ignore-parse-errors' = 'true')")
    table = env.sql_query(QUERIES[query])
    started = time.perf_counter()
    table.execute_insert(TableDescriptor.for_connector("blackhole").build()).wait()
    print(json.dumps({"seconds": time.perf_counter() - started, "peak_rss_bytes": peak_of_children()}), flush=True)


if __name__ == "__main__":
    main()
