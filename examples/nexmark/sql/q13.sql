SELECT b.auction, b.bidder, b.price, b.date_time, s.value
FROM bids b JOIN side s ON b.auction % 1000 = s.key
