WITH closed AS (
    SELECT a.id, a.category, max(b.price) AS price
    FROM auctions a JOIN bids b ON a.id = b.auction
    WHERE b.date_time BETWEEN a.date_time AND a.expires
    GROUP BY a.id, a.category
)
SELECT category, avg(price) AS price FROM closed GROUP BY category
