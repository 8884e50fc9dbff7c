//! What is suggested.

use serde::{Deserialize, Serialize};

use super::ranking;

/// At most so many values are sent (2026-07-28, Completion, Completion Results: "Maximum 100 items
/// per response").
const MAX_VALUES: usize = 100;

/// Suggestions for a value, the best first.
///
/// It is made from a list of values, collected from an iterator, or ranked by what was typed. Only
/// the first 100 are sent; the client is told how many there are.
///
/// ```
/// use mcp_http::Completion;
///
/// let listed = Completion::from(["python", "pytorch"]);
/// let collected: Completion = (0..250).map(|n| format!("row-{n}")).collect();
/// assert_eq!((collected.values().len(), collected.total()), (100, Some(250)));
/// let ranked = Completion::matching("py", ["numpy", "python", "rust"]);
/// assert_eq!(ranked.values(), ["python", "numpy"]);
/// # let _ = listed;
/// ```
///
/// Source: 2026-07-28, Completion, Completion Results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The first of them, [`MAX_VALUES`] at most.
    values: Vec<String>,
    total: Total,
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Total {
    Known(u64),
    /// More than are here, but nobody has counted them.
    More,
}

/// A completion on the wire, where all revisions agree.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireCompletion<'a> {
    values: std::borrow::Cow<'a, [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(default)]
    has_more: bool,
}

impl Completion {
    /// No suggestion.
    pub fn none() -> Self {
        Self { values: Vec::new(), total: Total::Known(0) }
    }

    /// The candidates that match what was typed, whatever their case: first those that begin with
    /// it, then those in which a word does, then those that contain it, and at last those that
    /// have its characters in that order. Each of these in the order in which they are given.
    ///
    /// ```
    /// use mcp_http::Completion;
    ///
    /// let cities = ["Bern", "Basel", "St. Bernard", "Zürich"];
    /// assert_eq!(Completion::matching("be", cities).values(), ["Bern", "St. Bernard", "Basel"]);
    /// assert_eq!(Completion::matching("zr", cities).values(), ["Zürich"]);
    /// assert_eq!(Completion::matching("", cities).values(), cities);
    /// ```
    pub fn matching<T: Into<String>>(value: &str, candidates: impl IntoIterator<Item = T>) -> Self {
        ranking::matching(value, candidates.into_iter().map(Into::into)).into_iter().collect()
    }

    /// Says how many there are in all, where only some of them are given.
    #[must_use]
    pub fn with_total(mut self, total: u64) -> Self {
        self.total = Total::Known(total.max(self.counted()));
        self
    }

    /// Says that there are more than are given, but not how many.
    #[must_use]
    pub fn and_more(mut self) -> Self {
        self.total = Total::More;
        self
    }

    /// The values that are sent: the first 100.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// How many there are in all, if that is known.
    pub fn total(&self) -> Option<u64> {
        match self.total {
            Total::Known(total) => Some(total),
            Total::More => None,
        }
    }

    /// Whether there are more than are sent.
    pub fn has_more(&self) -> bool {
        self.total().is_none_or(|total| total > self.values.len() as u64)
    }

    /// How many there are at least.
    fn counted(&self) -> u64 {
        self.total().unwrap_or(self.values.len() as u64)
    }

    pub(crate) fn wire(&self) -> WireCompletion<'_> {
        WireCompletion {
            values: self.values.as_slice().into(),
            total: self.total(),
            has_more: self.has_more(),
        }
    }
}

impl<T: Into<String>> FromIterator<T> for Completion {
    /// Counts all, and keeps the first 100.
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut values = values.into_iter();
        let kept: Vec<String> = values.by_ref().take(MAX_VALUES).map(Into::into).collect();
        let total = kept.len() as u64 + values.count() as u64;
        Self { values: kept, total: Total::Known(total) }
    }
}

impl<T: Into<String>> From<Vec<T>> for Completion {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

impl<T: Into<String>, const N: usize> From<[T; N]> for Completion {
    fn from(values: [T; N]) -> Self {
        values.into_iter().collect()
    }
}

impl<T: Clone + Into<String>> From<&[T]> for Completion {
    fn from(values: &[T]) -> Self {
        values.iter().cloned().collect()
    }
}

impl<'de> Deserialize<'de> for Completion {
    /// Reads the `completion` of another server's answer.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = WireCompletion::deserialize(deserializer)?;
        let read = Self::from(wire.values.into_owned());
        Ok(match wire.total {
            Some(total) => read.with_total(total),
            None if wire.has_more => read.and_more(),
            None => read,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn wire(completion: impl Into<Completion>) -> Value {
        serde_json::to_value(completion.into().wire()).unwrap()
    }

    fn numbers(count: usize) -> Vec<String> {
        (0..count).map(|n| n.to_string()).collect()
    }

    /// 2026-07-28, Completion, Completion Results: "Maximum 100 items per response", "Optional
    /// total number of available matches", "Boolean indicating if additional results exist".
    #[test]
    fn at_most_100_values_are_sent_and_the_rest_is_counted() {
        let first = numbers(100);
        for (count, more) in [(0, false), (1, false), (100, false), (101, true), (1_000, true)] {
            let sent = &first[..count.min(100)];
            let expected = json!({"values": sent, "total": count, "hasMore": more});
            assert_eq!(wire(numbers(count)), expected);
            assert_eq!(wire(numbers(count).into_iter().collect::<Completion>()), expected);
            assert_eq!(wire(&numbers(count)[..]), expected);
        }
    }

    #[test]
    fn what_is_not_given_is_told_truthfully() {
        let some = || Completion::from(["a", "b"]);
        let wire = |completion: Completion| json!(completion.wire());
        assert_eq!(
            wire(some().with_total(10)),
            json!({"values": ["a", "b"], "total": 10, "hasMore": true})
        );
        // There are never fewer than are given.
        assert_eq!(
            wire(some().with_total(1)),
            json!({"values": ["a", "b"], "total": 2, "hasMore": false})
        );
        let many = Completion::from(numbers(150)).with_total(120);
        assert_eq!((many.total(), many.has_more()), (Some(150), true));
        assert_eq!(wire(some().and_more()), json!({"values": ["a", "b"], "hasMore": true}));
        assert_eq!(wire(Completion::none()), json!({"values": [], "total": 0, "hasMore": false}));
    }

    /// The published examples: 2026-07-28, `CompleteResult`.
    #[test]
    fn what_is_read_is_written_again() {
        for published in [
            json!({"values": ["python", "pytorch", "pyside"], "total": 10, "hasMore": true}),
            json!({"values": ["flask"], "total": 1, "hasMore": false}),
            json!({"values": ["a"], "hasMore": true}),
        ] {
            let read: Completion = serde_json::from_value(published.clone()).unwrap();
            assert_eq!(wire(read), published);
        }
        let bare: Completion = serde_json::from_value(json!({"values": ["a"]})).unwrap();
        assert_eq!(bare, Completion::from(["a"]));
    }
}
