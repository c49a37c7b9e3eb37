WITH newcomers AS (
    SELECT id, name, time_bucket(INTERVAL 10 SECOND, date_time, TIMESTAMP '1970-01-01') AS window_start FROM persons
), sellers AS (
    SELECT DISTINCT seller, time_bucket(INTERVAL 10 SECOND, date_time, TIMESTAMP '1970-01-01') AS window_start FROM auctions
)
SELECT n.id, n.name, n.window_start
FROM newcomers n JOIN sellers s ON n.id = s.seller AND n.window_start = s.window_start
