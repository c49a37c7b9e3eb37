WITH counts AS (
    SELECT auction, window_start + INTERVAL 10 SECOND AS window_end, count(*) AS bids
    FROM (
        SELECT auction,
            time_bucket(INTERVAL 2 SECOND, date_time, TIMESTAMP '1970-01-01') - back AS window_start
        FROM bids CROSS JOIN (
            VALUES (INTERVAL 0 SECOND), (INTERVAL 2 SECOND), (INTERVAL 4 SECOND), (INTERVAL 6 SECOND), (INTERVAL 8 SECOND)
        ) AS slides(back)
    )
    GROUP BY auction, window_start
)
SELECT auction, bids, window_end FROM counts
QUALIFY bids = max(bids) OVER (PARTITION BY window_end)
