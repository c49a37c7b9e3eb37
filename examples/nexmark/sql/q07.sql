WITH highest AS (
    SELECT time_bucket(INTERVAL 10 SECOND, date_time, TIMESTAMP '1970-01-01') AS window_start, max(price) AS price
    FROM bids GROUP BY window_start
)
SELECT b.auction, b.price, b.bidder, b.date_time, b.extra
FROM bids b JOIN highest h
    ON b.price = h.price AND time_bucket(INTERVAL 10 SECOND, b.date_time, TIMESTAMP '1970-01-01') = h.window_start
