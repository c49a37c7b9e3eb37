//! The body of a pipeline: chains of methods to operators and edges.
//!
//! Every operator and the parameters it leaves here with. A closure is `Value::Closure`; `?` marks what may be missing.
//! From JSON or the guide's API the same parameters come, with names of columns (as in files, or else as in code) where a
//! closure stands here.
//!
//! | method | type | parameters |
//! | --- | --- | --- |
//! | `source::<T>(name, c)`, `table` | SOURCE | `record`: "T", `table`?: true, connector; `.primary_key(f)` → `primary_key`?: `\|r\| key`; `.event_time(f, lateness(d))` → `event_time`?: `\|r\| time`, `lateness_ms`?; `.rows(n)` → `rows`? |
//! | `.filter(f)` | FILTER | `function`: `\|r\| bool`; the guide's form instead: `column`, `operator`? (default `>`), `value` |
//! | `.map(f)`, `.filter_map(f)`, `.flat_map(f)` | MAP, FILTER_MAP, FLAT_MAP | `function`: `\|r\| value` |
//! | `.select(fields![a, b])` | SELECT | `columns`: list of names |
//! | `.union(other)` | UNION | none; two inputs |
//! | `.hash_join(other).on(l, r)` | HASH_JOIN | `left_key`: `\|l\| key`, `right_key`: `\|r\| key`, `kind`?: "left", "right", "full", "semi", "anti" (missing: inner), `within_ms`?; the `.map(\|l, r\| ..)` behind it is the same operator's `function`?: never there for semi and anti, always there for the others if they come from job.rs |
//! | `[.key_by(k)].aggregate(f)` | AGGREGATE | `key_by`?: `\|r\| key`, `function`: `\|g\| value`; the guide's form instead: `aggregate`, `column`? |
//! | `[.key_by(k)].reduce(f)` | AGGREGATE | `key_by`?, `reduce`: `\|a, b\| row` |
//! | `.distinct()` | DISTINCT | none |
//! | `.dedup(k)` | DEDUP | `key_by`: `\|r\| key` |
//! | `[.key_by(k)].top_n(n, by)` | TOP_N | `key_by`?, `n`, `by`: `\|r\| value` |
//! | `.order_by(by)`, `.order_by_desc(by)` | ORDER_BY | `by`: `\|r\| value`, `descending`?: true |
//! | `.limit(n)` | LIMIT | `n` |
//! | `[.key_by(k)].window(w).aggregate(f)` | TUMBLING_WINDOW, … | `key_by`?, `function`: `\|w\| value`; `window_size_ms` (tumbling, sliding, cumulate's max), `slide_ms` (sliding), `gap_ms` (session), `step_ms` (cumulate), `count` (count); `.late(name, c)` → `late`?: name of a SINK without inputs |
//! | `.sink(name, c)` | SINK | connector |
//!
//! A connector is `kafka_topic` (`kafka(t)`), `path` and `format` (`parquet(p)`, `arrow`, `csv`, `ndjson`), `generator`
//! (`nexmark()`, `generate()`) or `standard`: true (`stdin()`, `stdout()`); `.format(Format::Csv)` sets `format`, every
//! other builder method goes to `options`?, a map from its name to its argument as text.
//!
//! Every operator also takes `errors`?: name of a SINK without inputs (`.errors(name, c)`), or `on_error`?: "skip"
//! (`.skip_errors()`). The first input of a join or union is what the method was called on, the second its argument.
//! Names (and ids) are the author's for sources and sinks and after `.named(..)`, else `filter_1`, `filter_2`, ….
//! A span of a parameter is its value's, a span of an operator its method's name. Closures are as written: a function's
//! name in place of a closure has become `|x| f(x)`.
