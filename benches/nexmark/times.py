"""What of an answer of Nexmark says when that happened of which it tells, so that its latency can be measured.

By query: the flag of the benchmark (`--column`: a time of the events' clock, `--clock`: one of the machine's), the column, and how the job
is changed to give it where its answer has no time: for rows the event's, for joins the later of the two events', for groups that of their last event,
for windows their end.
"""


def last(record, of, head=None):
    """A group's record with the time of the last event in it."""
    head = head or f"aggregate(|g| {record} {{"
    return [(f"struct {record} {{", f"struct {record} {{ last: Timestamp,"), (head, f"{head} last: g.max({of}),")]


def with_time(record, head, value):
    """A row's record with a time."""
    return [(f"struct {record} {{", f"struct {record} {{ at: Timestamp,"), (head, f"{head} at: {value},")]


MADE, LAST, OF_BID = "|o| o.made", "|c| c.last", "|b| b.date_time"
TIMES = {
    "q00": ("--column", "date_time", []),
    "q01": ("--column", "date_time", []),
    "q02": ("--column", "at", with_time("Chosen", "map(|b| Chosen {", "b.date_time")),
    "q03": ("--column", "at", with_time("Seller", "map(|a, p| Seller {",
                                        "if a.date_time > p.date_time { a.date_time } else { p.date_time }")),
    "q04": ("--column", "last", last("Closed", MADE) + last("Average", LAST)),
    "q05": ("--column", "window_end", []),
    "q06": ("--column", "last", last("Closed", MADE) + last("Average", LAST)),
    "q07": ("--column", "at", with_time("Winner", "map(|b, _h| Winner {", "_h.window_end")),
    "q08": ("--column", "window_start", [("floor_to(seconds(10))", "floor_to(seconds(10)) + seconds(10)")]),
    "q09": ("--column", "bid_date_time", []),
    "q10": ("--column", "date_time", []),
    "q11": ("--column", "end", []),
    "q12": ("--clock", "end", []),
    "q13": ("--column", "date_time", []),
    "q14": ("--column", "date_time", []),
    "q15": ("--column", "last", last("Day", OF_BID)),
    "q16": ("--column", "last", last("Channel", OF_BID)),
    "q17": ("--column", "last", last("OfDay", OF_BID)),
    "q18": ("--column", "date_time", []),
    "q19": ("--column", "date_time", []),
    "q20": ("--column", "bid_date_time", []),
    "q21": ("--column", "at", with_time("Channelled", "Some(Channelled {", "b.date_time")),
    "q22": ("--column", "at", with_time("Folders", "map(|b| Folders {", "b.date_time")),
}
