//! Pages of lists: what is listed, opaque cursors, and lists that are written beforehand.
//!
//! Tools, resources, their templates and prompts are listed in the same way: each is [`Listed`], a
//! [`WrittenList`] has those that were registered, and a [`ListPage`] is what a reply holds of any.

use std::collections::BTreeMap;
use std::ops::Bound;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Serialize;

use super::reply::CacheHint;
use crate::protocol::jsonrpc::{ObjectWriter, RpcError};
use crate::protocol::version::ProtocolVersion;

/// What stands in a list.
pub(crate) trait Listed {
    /// The member of a result that holds such a list.
    const MEMBER: &'static str;

    /// It as a revision writes it.
    type Wire<'a>: Serialize
    where
        Self: 'a;

    /// What tells it from all others in its list: a name, or a URI.
    fn key(&self) -> &str;

    fn wire(&self, version: ProtocolVersion) -> Self::Wire<'_>;
}

/// How many entries a page has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PageSize {
    /// All: there is one page.
    #[default]
    All,
    /// At most so many, and at least 1.
    AtMost(usize),
}

/// A page of a list, written for the revision of its request.
#[derive(Debug, PartialEq)]
pub(crate) struct ListPage {
    member: &'static str,
    /// The entries, each as JSON, with commas between them.
    entries: Bytes,
    next_cursor: Option<String>,
    hint: CacheHint,
}

/// A list that does not change, written for each revision.
pub(crate) struct WrittenList {
    member: &'static str,
    keys: Vec<String>,
    page_size: PageSize,
    /// In the order of [`ProtocolVersion::ALL`].
    written: Box<[Written; ProtocolVersion::ALL.len()]>,
}

/// Entries as JSON, with commas between them, and where each ends.
struct Written {
    entries: Bytes,
    ends: Vec<usize>,
}

/// A place in a list, between two entries.
///
/// It is known by the keys of its neighbours and not by its number, so that it means the same in
/// another process, and where other entries have come or gone (2026-07-28, Pagination,
/// Implementation Guidelines: "Provide stable cursors").
struct Cursor {
    /// The last entry before it.
    last: String,
    /// The first entry after it, when it was made.
    next: String,
}

impl Cursor {
    fn encode(member: &str, last: &str, next: &str) -> String {
        let json = serde_json::to_vec(&[member, last, next]).expect("strings are JSON");
        URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads a cursor of a list of this member.
    ///
    /// # Errors
    ///
    /// If it is none (2026-07-28, Pagination, Error Handling: "Invalid cursors SHOULD result in an
    /// error with code -32602").
    fn decode(member: &str, cursor: &str) -> Result<Self, RpcError> {
        let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid_cursor())?;
        // A tuple, so that serde reads the array that was written.
        let (of, last, next): (String, String, String) =
            serde_json::from_slice(&json).map_err(|_| invalid_cursor())?;
        if of == member { Ok(Self { last, next }) } else { Err(invalid_cursor()) }
    }
}

/// The page that a cursor asks for, or the first one, of entries that are kept by their keys and
/// may change between two pages; and the cursor of the next one.
///
/// Since they are ordered by their keys, no entry is missed or given twice that is there all the
/// while, whatever else comes or goes.
///
/// # Errors
///
/// If the cursor is none of this list.
pub(crate) fn sorted_page<'a, T: Listed, V>(
    entries: &'a BTreeMap<String, V>,
    page_size: PageSize,
    cursor: Option<&str>,
) -> Result<(Vec<&'a V>, Option<String>), RpcError> {
    let last = cursor.map(|cursor| Cursor::decode(T::MEMBER, cursor)).transpose()?;
    let behind = match &last {
        Some(Cursor { last, .. }) => Bound::Excluded(last.as_str()),
        None => Bound::Unbounded,
    };
    let mut rest = entries.range::<str, _>((behind, Bound::Unbounded));
    let page: Vec<_> = rest.by_ref().take(page_size.end(0, usize::MAX)).collect();
    let next_cursor = match (page.last(), rest.next()) {
        (Some((last, _)), Some((next, _))) => Some(Cursor::encode(T::MEMBER, last, next)),
        _ => None,
    };
    Ok((page.into_iter().map(|(_, entry)| entry).collect(), next_cursor))
}

/// The error for a cursor that this server never gave, or whose place is gone.
fn invalid_cursor() -> RpcError {
    RpcError::invalid_params("Invalid cursor")
}

impl PageSize {
    fn end(self, start: usize, len: usize) -> usize {
        match self {
            Self::All => len,
            Self::AtMost(size) => start.saturating_add(size).min(len),
        }
    }
}

impl ListPage {
    /// A page of entries that are not written yet.
    pub(crate) fn new<'a, T: Listed + 'a>(
        entries: impl IntoIterator<Item = &'a T>,
        next_cursor: Option<String>,
        version: ProtocolVersion,
        hint: CacheHint,
    ) -> Self {
        let entries = Written::new(entries, version).entries;
        Self { member: T::MEMBER, entries, next_cursor, hint }
    }

    /// Writes the members of the result.
    pub(crate) fn write(&self, object: &mut ObjectWriter<'_>) -> Result<(), serde_json::Error> {
        object.raw_array(self.member, &self.entries);
        match &self.next_cursor {
            Some(cursor) => object.member("nextCursor", cursor),
            None => Ok(()),
        }
    }

    /// About how much [`write`](Self::write) adds.
    pub(crate) fn likely_len(&self) -> usize {
        let cursor = self.next_cursor.as_deref();
        let cursor = cursor.map_or(0, |cursor| 1 + ObjectWriter::string_len("nextCursor", cursor));
        self.member.len() + b"\"\":[]".len() + self.entries.len() + cursor
    }

    pub(crate) fn cache_hint(&self) -> CacheHint {
        self.hint
    }
}

impl WrittenList {
    /// Writes a list, in the order in which its entries come.
    pub(crate) fn new<'a, T: Listed + 'a>(
        entries: impl Iterator<Item = &'a T> + Clone,
        page_size: PageSize,
    ) -> Self {
        let keys = entries.clone().map(|entry| entry.key().to_owned()).collect();
        let written = ProtocolVersion::ALL.map(|version| Written::new(entries.clone(), version));
        Self { member: T::MEMBER, keys, page_size, written: Box::new(written) }
    }

    /// The page that a cursor asks for, or the first one. Nothing is written for it but the cursor
    /// of the next one.
    ///
    /// # Errors
    ///
    /// If the cursor is none of this list, or neither neighbour of its place is left. Then the
    /// client begins anew (2026-07-28, Caching, Interaction with Pagination); it neither misses an
    /// entry nor gets one twice.
    pub(crate) fn page(
        &self,
        cursor: Option<&str>,
        version: ProtocolVersion,
        hint: CacheHint,
    ) -> Result<ListPage, RpcError> {
        let start = match cursor {
            None => 0,
            Some(cursor) => {
                self.find(&Cursor::decode(self.member, cursor)?).ok_or_else(invalid_cursor)?
            }
        };
        let end = self.page_size.end(start, self.keys.len());
        let next_cursor = (end < self.keys.len())
            .then(|| Cursor::encode(self.member, &self.keys[end - 1], &self.keys[end]));
        let index = ProtocolVersion::ALL.iter().position(|&known| known == version);
        let written = &self.written[index.expect("ALL has every version")];
        let entries = written.slice(start, end);
        Ok(ListPage { member: self.member, entries, next_cursor, hint })
    }

    fn find(&self, cursor: &Cursor) -> Option<usize> {
        let place = |key: &str| self.keys.iter().position(|known| known == key);
        place(&cursor.last).map(|last| last + 1).or_else(|| place(&cursor.next))
    }
}

impl Written {
    fn new<'a, T: Listed + 'a>(
        entries: impl IntoIterator<Item = &'a T>,
        version: ProtocolVersion,
    ) -> Self {
        let (mut json, mut ends) = (Vec::new(), Vec::new());
        for entry in entries {
            if !json.is_empty() {
                json.push(b',');
            }
            serde_json::to_writer(&mut json, &entry.wire(version))
                .expect("a definition holds strings, numbers and JSON values");
            ends.push(json.len());
        }
        Self { entries: json.into(), ends }
    }

    /// The entries from `start` up to `end`, shared.
    fn slice(&self, start: usize, end: usize) -> Bytes {
        if start == end {
            return Bytes::new();
        }
        let begin = if start == 0 { 0 } else { self.ends[start - 1] + ",".len() };
        self.entries.slice(begin..self.ends[end - 1])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    struct Entry(&'static str);

    impl Listed for Entry {
        const MEMBER: &'static str = "entries";
        type Wire<'a> = Value;

        fn key(&self) -> &str {
            self.0
        }

        fn wire(&self, version: ProtocolVersion) -> Value {
            json!({"name": self.0, "for": version.as_str()})
        }
    }

    fn list(names: &[&'static str], size: usize) -> WrittenList {
        let entries: Vec<Entry> = names.iter().copied().map(Entry).collect();
        WrittenList::new(entries.iter(), PageSize::AtMost(size))
    }

    /// The names of a page, and the cursor of the next one.
    fn page(
        list: &WrittenList,
        cursor: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), RpcError> {
        let page = list.page(cursor, ProtocolVersion::LATEST, CacheHint::default())?;
        let value = members(&page);
        let entries = value["entries"].as_array().unwrap();
        let names = entries.iter().map(|entry| entry["name"].as_str().unwrap().to_owned());
        Ok((names.collect(), value["nextCursor"].as_str().map(str::to_owned)))
    }

    fn members(page: &ListPage) -> Value {
        let mut buffer = Vec::new();
        let mut object = ObjectWriter::begin(&mut buffer);
        page.write(&mut object).unwrap();
        object.end();
        serde_json::from_slice(&buffer).unwrap()
    }

    fn all(list: &WrittenList) -> Vec<Vec<String>> {
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let (names, next) = page(list, cursor.as_deref()).unwrap();
            pages.push(names);
            cursor = next;
            if cursor.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn a_list_is_cut_into_pages_at_the_size_and_not_before() {
        let names = ["a", "b", "c", "d"];
        assert_eq!(all(&list(&names, 5)), [names.to_vec()]);
        assert_eq!(all(&list(&names, 4)), [names.to_vec()]);
        assert_eq!(all(&list(&names, 3)), [vec!["a", "b", "c"], vec!["d"]]);
        assert_eq!(all(&list(&names, 1)), [["a"], ["b"], ["c"], ["d"]]);
        assert_eq!(all(&list(&[], 1)), [vec![""; 0]]);
        let one = WrittenList::new(names.map(Entry).iter(), PageSize::All);
        assert_eq!(all(&one), [names.to_vec()]);
    }

    #[test]
    fn a_page_is_written_for_its_revision_and_shares_the_list() {
        let list = list(&["a", "b"], 1);
        for version in ProtocolVersion::ALL {
            let page = list.page(None, version, CacheHint::default()).unwrap();
            assert_eq!(members(&page)["entries"][0]["for"], version.as_str());
        }
        let pages = [(); 2].map(|()| {
            let page = list.page(None, ProtocolVersion::LATEST, CacheHint::default());
            page.unwrap().entries.as_ptr()
        });
        assert_eq!(pages[0], pages[1]);
    }

    /// 2026-07-28, Pagination, Implementation Guidelines: "Provide stable cursors".
    #[test]
    fn a_cursor_means_the_same_place_in_another_process() {
        let (_, cursor) = page(&list(&["a", "b", "c"], 2), None).unwrap();
        let cursor = cursor.unwrap();
        assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
        let rest = |names: &[&'static str]| page(&list(names, 2), Some(&cursor)).map(|it| it.0);
        assert_eq!(rest(&["a", "b", "c"]).unwrap(), ["c"]);
    }

    #[test]
    fn what_comes_or_goes_in_between_skips_and_repeats_nothing_else() {
        let (_, cursor) = page(&list(&["a", "b", "c", "d"], 2), None).unwrap();
        let rest = |names: &[&'static str]| page(&list(names, 2), cursor.as_deref()).map(|it| it.0);
        assert_eq!(rest(&["b", "c", "d"]).unwrap(), ["c", "d"], "before the place");
        assert_eq!(rest(&["a", "c", "d"]).unwrap(), ["c", "d"], "the last that was given");
        assert_eq!(rest(&["a", "b", "d"]).unwrap(), ["d"], "the next");
        assert_eq!(rest(&["z", "a", "b", "x", "c"]).unwrap(), ["x", "c"], "others came");
        assert_eq!(rest(&["a", "b"]).unwrap(), [""; 0], "all that was left");
        assert_eq!(rest(&["a", "d"]), Err(invalid_cursor()), "the place is gone");
    }

    fn sorted(
        names: &[&'static str],
        cursor: Option<&str>,
    ) -> Result<(Vec<&'static str>, Option<String>), RpcError> {
        let entries: BTreeMap<_, _> = names.iter().map(|name| (name.to_string(), *name)).collect();
        sorted_page::<Entry, _>(&entries, PageSize::AtMost(2), cursor)
            .map(|(page, next)| (page.into_iter().copied().collect(), next))
    }

    #[test]
    fn of_a_list_that_changes_nothing_is_missed_or_given_twice_that_was_there_all_the_while() {
        let (first, cursor) = sorted(&["d", "b", "c", "a"], None).unwrap();
        assert_eq!(first, ["a", "b"]);
        let cursor = cursor.unwrap();
        let rest = |names: &[&'static str]| sorted(names, Some(&cursor)).unwrap();
        assert_eq!(rest(&["a", "b", "c", "d"]), (vec!["c", "d"], None));
        assert_eq!(rest(&["d"]), (vec!["d"], None), "both neighbours are gone");
        assert_eq!(rest(&["a", "aa", "bb", "c", "d"]).0, ["bb", "c"]);
        assert_eq!(rest(&[]), (vec![], None));
        assert_eq!(sorted(&["a"], Some("!")), Err(invalid_cursor()));
        let foreign = Cursor::encode("tools", "a", "b");
        assert_eq!(sorted(&["a"], Some(&foreign)), Err(invalid_cursor()));
    }

    /// 2026-07-28, Pagination, Error Handling: "Invalid cursors SHOULD result in an error with code
    /// -32602 (Invalid params)."
    #[test]
    fn a_cursor_that_was_never_given_is_invalid() {
        let list = list(&["a", "b"], 1);
        let given = page(&list, None).unwrap().1.unwrap();
        let foreign = Cursor::encode("tools", "a", "b");
        let no_tuple = URL_SAFE_NO_PAD.encode(r#"{"last":"a"}"#);
        let longer = URL_SAFE_NO_PAD.encode(r#"["entries","a","b","c"]"#);
        let padded = format!("{given}=");
        for cursor in ["", "!", "a", &given[1..], &padded, &foreign, &no_tuple, &longer] {
            assert_eq!(page(&list, Some(cursor)), Err(invalid_cursor()), "{cursor}");
        }
        assert!(page(&list, Some(&given)).is_ok());
    }

    /// 2026-07-28, Pagination, Implementation Guidelines: "an empty string is a valid cursor".
    #[test]
    fn a_page_has_a_next_cursor_only_if_there_is_a_next_page() {
        let page = |cursor: Option<&str>| {
            let (cursor, hint) = (cursor.map(str::to_owned), CacheHint::default());
            members(&ListPage::new([&Entry("a")], cursor, ProtocolVersion::LATEST, hint))
        };
        let entries = json!([{"name": "a", "for": "2026-07-28"}]);
        assert_eq!(page(None), json!({ "entries": &entries }));
        assert_eq!(page(Some("")), json!({ "entries": &entries, "nextCursor": "" }));
    }
}
