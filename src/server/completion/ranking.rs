//! Which candidates match what was typed, and how well (2026-07-28, Completion, Implementation
//! Considerations: "Return suggestions sorted by relevance", "Implement fuzzy matching where
//! appropriate").

/// How a candidate matches, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    Begins,
    WordBegins,
    Contains,
    /// Its characters are there in their order.
    Scattered,
}

/// The candidates that match, the best first and else in their order.
pub(super) fn matching(value: &str, candidates: impl Iterator<Item = String>) -> Vec<String> {
    let value = value.to_lowercase();
    let mut found: Vec<(Match, String)> = candidates
        .filter_map(|candidate| Some((rank(&value, &candidate.to_lowercase())?, candidate)))
        .collect();
    found.sort_by_key(|&(rank, _)| rank);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

fn rank(value: &str, candidate: &str) -> Option<Match> {
    let mut places = candidate.match_indices(value).map(|(at, _)| at).peekable();
    match places.peek() {
        Some(0) => Some(Match::Begins),
        Some(_) => {
            let begins_word =
                |at: usize| !candidate[..at].chars().next_back().is_some_and(char::is_alphanumeric);
            Some(if places.any(begins_word) { Match::WordBegins } else { Match::Contains })
        }
        None => is_scattered(value, candidate).then_some(Match::Scattered),
    }
}

fn is_scattered(value: &str, candidate: &str) -> bool {
    let mut rest = candidate.chars();
    value.chars().all(|wanted| rest.any(|char| char == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(value: &str, candidates: &[&str]) -> Vec<String> {
        matching(value, candidates.iter().map(|&candidate| candidate.to_owned()))
    }

    #[test]
    fn the_better_match_comes_first_and_equals_keep_their_order() {
        let candidates = ["japery", "p-o-y", "numpy", "a py", "PyTorch", "python", "rust"];
        let best_first = ["PyTorch", "python", "a py", "numpy", "japery", "p-o-y"];
        assert_eq!(ranked("py", &candidates), best_first);
        assert_eq!(ranked("jpy", &candidates), ["japery"]);
    }

    #[test]
    fn nothing_typed_matches_all_and_case_matters_nowhere() {
        assert_eq!(ranked("", &["b", "", "a"]), ["b", "", "a"]);
        assert_eq!(ranked("ÉCOLE", &["l'école", "école"]), ["école", "l'école"]);
        assert_eq!(ranked("x", &["a", ""]), [""; 0]);
    }
}
