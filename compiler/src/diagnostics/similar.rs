//! "Did you mean": the known word that looks most like an unknown one.

use sabot_ir::diagnostic::{Diagnostic, Edit};
use sabot_ir::span::Span;

/// The candidate that is closest to `word`, if one is close enough to be meant.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Of one or two letters every other such name is one typing mistake away.
    let allowed = word.chars().count() / 3;
    candidates
        .into_iter()
        .map(|candidate| (distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            // `hash` for `hash_join`; a short word is cut off by a letter at most.
            let is_begun = candidate.starts_with(word) && (word.len() > 2 || (word.len() == 2 && *distance == 1));
            *distance <= allowed || is_begun
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "Did you mean" with the word put in place of the wrong one.
pub(crate) fn did_you_mean(diagnostic: Diagnostic, found: &str, at: Span) -> Diagnostic {
    diagnostic.suggest(format!("did you mean `{found}`?"), vec![Edit::replace(at, found)])
}

/// Edit distance: insertions, deletions, replacements, and swaps of neighbours.
fn distance(left: &str, right: &str) -> usize {
    // A name is short; a longer word is nobody's typing mistake.
    const LONGEST: usize = 64;
    let left: Vec<char> = left.chars().take(LONGEST).collect();
    let right: Vec<char> = right.chars().take(LONGEST).collect();
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=right.len()).collect();
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typing_mistakes_and_nothing_else() {
        let methods = ["filter", "filter_map", "map", "hash_join"];
        assert_eq!(closest("fliter", methods), Some("filter"));
        assert_eq!(closest("hashjoin", methods), Some("hash_join"));
        assert_eq!(closest("hash", methods), Some("hash_join"));
        assert_eq!(closest("union", methods), None);
        assert_eq!(closest("a", ["s", "b"]), None);
        assert_eq!(closest("S", ["s", "b"]), Some("s"));
        assert_eq!(closest("f6", ["f64", "i64"]), Some("f64"));
        assert_eq!(closest("f", ["ff", "fg"]), None);
        assert_eq!(closest("id", ["at", "Id"]), Some("Id"));
    }
}
