//! The map itself: the files of `tests/coverage/`, each of some pages.

use std::fs;

use serde::Deserialize;

use super::crate_folder;
use super::inventory::Inventory;

/// All files together, or one of them.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Map {
    pub requirement: Vec<Entry>,
    pub defect: Vec<Entry>,
    pub advisory: Vec<Advisory>,
}

impl Map {
    pub fn read() -> Self {
        let folder = crate_folder().join("tests/coverage");
        let entries = fs::read_dir(&folder).expect("tests/coverage/");
        let files = entries.map(|entry| entry.expect("an entry of tests/coverage/").path());
        let mut map = Self::default();
        for file in files.filter(|file| file.extension().is_some_and(|of| of == "toml")) {
            let text = fs::read_to_string(&file).expect("a file of tests/coverage/");
            let part: Self =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            map.requirement.extend(part.requirement);
            map.defect.extend(part.defect);
            map.advisory.extend(part.advisory);
        }
        map
    }
}

/// A rule or a fact, and what shows that it is held.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Of a requirement: the pages on which the quote stands.
    #[serde(default)]
    pub pages: Vec<String>,
    /// The words of the page, or of FACTS.md.
    pub quote: String,
    /// Names as `cargo test` has them, or a kind and a scenario: `client:`, `network:`, `load:`.
    #[serde(default)]
    pub tests: Vec<String>,
    /// Why others must hold it.
    pub not_ours: Option<String>,
    /// What is not built yet; with tests for what is.
    pub later: Option<String>,
}

impl Entry {
    pub fn quote(&self) -> &str {
        &self.quote
    }

    pub fn faults(&self, inventory: &Inventory) -> Vec<String> {
        let mut faults = missing(&self.tests, &self.quote, inventory);
        for reason in [&self.not_ours, &self.later].into_iter().flatten() {
            if reason.trim().is_empty() {
                faults.push(format!("an empty reason: {}", self.quote));
            }
            let named = tests_named(reason).filter(|name| !inventory.has_any(name));
            faults.extend(named.map(|name| format!("no such test: {name}: {}", self.quote)));
        }
        if self.tests.is_empty() && self.not_ours.is_none() && self.later.is_none() {
            faults.push(format!("without tests and without a reason: {}", self.quote));
        }
        faults
    }
}

/// A security advisory, and the tests that bear its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    pub id: String,
    pub tests: Vec<String>,
}

impl Advisory {
    pub fn faults(&self, inventory: &Inventory) -> Vec<String> {
        let mut faults = missing(&self.tests, &self.id, inventory);
        let name = self.id.to_lowercase().replace('-', "_");
        if !self.tests.iter().any(|test| test.contains(&name)) {
            faults.push(format!("{}: no test has {name} in its name", self.id));
        }
        faults
    }
}

fn missing(tests: &[String], of: &str, inventory: &Inventory) -> Vec<String> {
    let missing = tests.iter().filter(|test| !inventory.has(test));
    missing.map(|test| format!("no such test: {test}: {of}")).collect()
}

/// The tests, or modules of tests, that a reason names in passing: paths in which no type stands.
fn tests_named(reason: &str) -> impl Iterator<Item = &str> {
    let words = reason.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let words = words.map(|word| word.trim_matches(':'));
    words.filter(|word| word.contains("::") && !word.contains(|c: char| c.is_uppercase()))
}

/// The advisories that a line names, `CVE-2025-1 and -2` being two.
pub fn advisories_named(line: &str) -> Vec<String> {
    let mut named = Vec::new();
    let mut year = None;
    for word in line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        if let Some((of_year, number)) = word.strip_prefix("CVE-").and_then(|id| id.split_once('-'))
        {
            year = Some(of_year);
            named.push(format!("CVE-{of_year}-{number}"));
        } else if let (Some(year), Some(number)) = (year, word.strip_prefix('-')) {
            named.push(format!("CVE-{year}-{number}"));
        }
    }
    named
}
