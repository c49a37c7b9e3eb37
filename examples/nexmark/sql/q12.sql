-- Which window a bid falls into depends on the clock: what all windows of a bidder come to does not.
SELECT bidder, count(*) AS bids FROM bids GROUP BY bidder
