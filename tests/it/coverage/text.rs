//! Pages as plain text, and which of their words quotes cover.

use std::ops::Range;

/// What makes a sentence a rule (RFC 2119). `MUST NOT` and `SHOULD NOT` begin like their opposites.
const KEYWORDS: [&str; 5] = ["MUST", "SHALL", "SHOULD", "REQUIRED", "RECOMMENDED"];

/// The text of a page without these sections, their subsections, and blocks of code.
pub fn without_sections(page: &str, sections: &[&str]) -> String {
    let mut kept = String::new();
    let mut left_out = None;
    let mut in_code = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if let Some((level, title)) = heading(line).filter(|_| !in_code) {
            left_out = left_out.filter(|left_out| *left_out < level);
            if left_out.is_none() && sections.contains(&title) {
                left_out = Some(level);
            }
        }
        if !in_code && left_out.is_none() {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The lines of a section, named by how its heading begins, that begin so.
pub fn lines_of_section<'a>(page: &'a str, section: &str, beginning: &str) -> Vec<&'a str> {
    let is_heading = |line: &&str| heading(line).is_some();
    page.lines()
        .skip_while(|line| !heading(line).is_some_and(|(_, title)| title.starts_with(section)))
        .skip(1)
        .take_while(|line| !is_heading(line))
        .filter(|line| line.starts_with(beginning))
        .collect()
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    title.strip_prefix(' ').filter(|_| level > 0).map(|title| (level, title))
}

/// Text without Markdown's markers, in one line.
pub fn normalised(text: &str) -> String {
    let is_definition = |line: &&str| line.starts_with('[') && line.contains("]: ");
    let lines = text.lines().filter(|line| !is_definition(line)).map(without_marker);
    let text = without_targets(&lines.collect::<Vec<_>>().join(" "));
    let text: String = text.chars().filter(|c| !matches!(c, '*' | '`' | '_' | '|')).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line without what makes it a heading, an item of a list, or a callout's first or last line.
fn without_marker(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with(":::") {
        return "";
    }
    let unnumbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if unnumbered.len() < line.len() {
        return unnumbered.strip_prefix(". ").unwrap_or(line);
    }
    line.strip_prefix("- ").or(heading(line).map(|(_, title)| title)).unwrap_or(line)
}

/// `[text](target)` and `[text][label]` as the text alone, and no tags of HTML.
fn without_targets(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find([']', '<']) {
        let (before, marker) = rest.split_at(at);
        let closing = match marker.as_bytes() {
            [b']', b'(', ..] => Some(')'),
            [b']', b'[', ..] => Some(']'),
            [b'<', b'/' | b'a'..=b'z' | b'A'..=b'Z', ..] => Some('>'),
            _ => None,
        };
        let end = closing.and_then(|closing| marker[1..].find(closing));
        match end {
            Some(end) => {
                // The bracket that opened the text of a link.
                let opening = before.rfind('[').filter(|_| marker.starts_with(']'));
                let from = opening.map_or(0, |opening| opening + 1);
                plain.push_str(&before[..from.saturating_sub(1)]);
                plain.push_str(&before[from..]);
                rest = &marker[1 + end + 1..];
            }
            None => {
                plain.push_str(before);
                plain.push_str(&marker[..1]);
                rest = &marker[1..];
            }
        }
    }
    plain + rest
}

/// The quotes that do not stand in a text.
pub fn stale(text: &str, quotes: &[&str]) -> Vec<String> {
    let quotes = quotes.iter().map(|quote| normalised(quote));
    quotes.filter(|quote| !text.contains(quote)).map(|quote| format!("stale: {quote}")).collect()
}

/// The sentences with a keyword that no quote covers.
pub fn unmapped_rules(text: &str, quotes: &[&str]) -> Vec<String> {
    let covered = covered(text, quotes);
    let mut rules = Vec::new();
    for (at, _) in words(text).filter(|(_, word)| KEYWORDS.contains(word)) {
        if !covered.iter().any(|range| range.contains(&at)) {
            let begin = text[..at].rfind(". ").map_or(0, |dot| dot + 2);
            let end = text[at..].find(". ").map_or(text.len(), |dot| at + dot + 1);
            rules.push(format!("not mapped: {}", &text[begin..end]));
        }
    }
    rules.dedup();
    rules
}

/// The runs of words that no quote covers.
pub fn unmapped_words(text: &str, quotes: &[&str]) -> Vec<String> {
    let covered = covered(text, quotes);
    let mut runs: Vec<Vec<&str>> = Vec::new();
    let mut follows = false;
    for (at, word) in words(text) {
        let missing = !covered.iter().any(|range| range.contains(&at));
        match runs.last_mut().filter(|_| follows) {
            Some(run) if missing => run.push(word),
            _ if missing => runs.push(vec![word]),
            _ => {}
        }
        follows = missing;
    }
    runs.iter().map(|run| format!("not mapped: {}", run.join(" "))).collect()
}

/// Where the quotes stand, each wherever it does.
fn covered(text: &str, quotes: &[&str]) -> Vec<Range<usize>> {
    let places = |quote: &&str| {
        let quote = normalised(quote);
        let length = quote.len();
        text.match_indices(&quote).map(|(at, _)| at..at + length).collect::<Vec<_>>()
    };
    quotes.iter().flat_map(places).collect()
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let pieces = text.split(|c: char| !c.is_alphanumeric());
    let place = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    pieces.filter(|word| !word.is_empty()).map(move |word| (place(word), word))
}
