WITH begun AS (
    SELECT bidder, date_time,
        coalesce(date_time - lag(date_time) OVER of_bidder >= INTERVAL 10 SECOND, true) AS is_first
    FROM bids WINDOW of_bidder AS (PARTITION BY bidder ORDER BY date_time)
), numbered AS (
    SELECT bidder, date_time, sum(CAST(is_first AS INTEGER)) OVER (PARTITION BY bidder ORDER BY date_time) AS session
    FROM begun
)
SELECT bidder, count(*) AS bids, min(date_time) AS start, max(date_time) + INTERVAL 10 SECOND AS "end"
FROM numbered GROUP BY bidder, session
