//! `tests/coverage/`, held to what it maps: each MUST and SHOULD of the specification's pages, each
//! defect and trap of FACTS.md and each advisory has its tests, and they exist.
//!
//! The pages and FACTS.md are not part of the crate: `MCP_SPEC_DIR` says where the former are, and
//! the latter stands beside that folder.

mod inventory;
mod map;
mod text;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use inventory::Inventory;
use map::{Advisory, Entry, Map};

/// The pages, and the sections of each that say nothing of this transport.
const PAGES: &[(&str, &[&str])] = &[
    ("2025-03-26/basic/index", &[]),
    ("2025-03-26/basic/lifecycle", &[]),
    ("2025-03-26/basic/transports", &["stdio"]),
    ("2025-03-26/basic/utilities/cancellation", &[]),
    ("2025-03-26/basic/utilities/ping", &[]),
    ("2025-03-26/basic/utilities/progress", &[]),
    ("2025-03-26/client/roots", &[]),
    ("2025-03-26/client/sampling", &[]),
    ("2025-03-26/index", &[]),
    ("2025-03-26/server/index", &[]),
    ("2025-03-26/server/prompts", &[]),
    ("2025-03-26/server/resources", &[]),
    ("2025-03-26/server/tools", &[]),
    ("2025-03-26/server/utilities/completion", &[]),
    ("2025-03-26/server/utilities/logging", &[]),
    ("2025-03-26/server/utilities/pagination", &[]),
    ("2025-06-18/basic/index", &[]),
    ("2025-06-18/basic/lifecycle", &[]),
    ("2025-06-18/basic/transports", &["stdio"]),
    ("2025-06-18/basic/utilities/cancellation", &[]),
    ("2025-06-18/basic/utilities/ping", &[]),
    ("2025-06-18/basic/utilities/progress", &[]),
    ("2025-06-18/client/elicitation", &[]),
    ("2025-06-18/client/roots", &[]),
    ("2025-06-18/client/sampling", &[]),
    ("2025-06-18/index", &[]),
    ("2025-06-18/server/index", &[]),
    ("2025-06-18/server/prompts", &[]),
    ("2025-06-18/server/resources", &[]),
    ("2025-06-18/server/tools", &[]),
    ("2025-06-18/server/utilities/completion", &[]),
    ("2025-06-18/server/utilities/logging", &[]),
    ("2025-06-18/server/utilities/pagination", &[]),
    ("2025-11-25/basic/index", &[]),
    ("2025-11-25/basic/lifecycle", &[]),
    ("2025-11-25/basic/transports", &["stdio"]),
    ("2025-11-25/basic/utilities/cancellation", &[]),
    ("2025-11-25/basic/utilities/ping", &[]),
    ("2025-11-25/basic/utilities/progress", &[]),
    ("2025-11-25/client/elicitation", &[]),
    ("2025-11-25/client/roots", &[]),
    ("2025-11-25/client/sampling", &[]),
    ("2025-11-25/index", &[]),
    ("2025-11-25/server/index", &[]),
    ("2025-11-25/server/prompts", &[]),
    ("2025-11-25/server/resources", &[]),
    ("2025-11-25/server/tools", &[]),
    ("2025-11-25/server/utilities/completion", &[]),
    ("2025-11-25/server/utilities/logging", &[]),
    ("2025-11-25/server/utilities/pagination", &[]),
    ("2025-11-25/security_best_practices", NOT_OF_SESSIONS),
    ("2026-07-28/basic/index", &[]),
    ("2026-07-28/basic/patterns/cancellation", &[]),
    ("2026-07-28/basic/patterns/index", &[]),
    ("2026-07-28/basic/patterns/mrtr", &[]),
    ("2026-07-28/basic/patterns/progress", &[]),
    ("2026-07-28/basic/patterns/subscriptions", &[]),
    ("2026-07-28/basic/transports/index", &[]),
    ("2026-07-28/basic/transports/streamable-http", &[]),
    ("2026-07-28/basic/versioning", &[]),
    ("2026-07-28/client/elicitation", &[]),
    ("2026-07-28/client/roots", &[]),
    ("2026-07-28/client/sampling", &[]),
    ("2026-07-28/deprecated", &[]),
    ("2026-07-28/index", &[]),
    ("2026-07-28/server/discover", &[]),
    ("2026-07-28/server/index", &[]),
    ("2026-07-28/server/prompts", &[]),
    ("2026-07-28/server/resources", &[]),
    ("2026-07-28/server/tools", &[]),
    ("2026-07-28/server/utilities/caching", &[]),
    ("2026-07-28/server/utilities/completion", &[]),
    ("2026-07-28/server/utilities/logging", &[]),
    ("2026-07-28/server/utilities/pagination", &[]),
    ("2026-07-28/security_best_practices", NOT_OF_SESSIONS),
    ("ext-tasks/tasks", &[]),
];

/// The best practices that are about authorization, clients and stdio.
const NOT_OF_SESSIONS: &[&str] = &[
    "Confused Deputy Problem",
    "Token Passthrough",
    "Server-Side Request Forgery (SSRF)",
    "Local MCP Server Compromise",
    "OAuth Authorization URL Validation",
    "stdio Transport Security in Proxy Scenarios",
    "Scope Minimization",
];

/// The pages without a place in the map, each with its reason. A folder stands for all below it.
const LEFT_OUT: &[(&str, &str)] = &[
    ("2024-11-05", "the transport of HTTP+SSE, which this crate does not serve"),
    ("2025-03-26/basic/authorization", "authorization is not part of the crate yet"),
    ("2025-06-18/basic/authorization", "authorization is not part of the crate yet"),
    ("2025-11-25/basic/authorization", "authorization is not part of the crate yet"),
    ("2026-07-28/basic/authorization", "authorization is not part of the crate yet"),
    (
        "2025-11-25/basic/utilities/tasks",
        "experimental, gone from the next revision, and neither declared nor served: tasks are the \
         extension's, which clients of 2026-07-28 name",
    ),
    ("2026-07-28/basic/transports/stdio", "another transport"),
    ("2025-03-26/changelog", "tells what changed; the rules stand on the other pages"),
    ("2025-06-18/changelog", "tells what changed; the rules stand on the other pages"),
    ("2025-11-25/changelog", "tells what changed; the rules stand on the other pages"),
    ("2026-07-28/changelog", "tells what changed; the rules stand on the other pages"),
];

/// What FACTS.md lists of defects and traps: a section, and how its lines begin.
const DEFECTS: &[(&str, &str)] = &[
    ("Real clients", "- "),
    ("Platforms", "- "),
    ("What others get wrong", "Official Rust SDK"),
    ("What others get wrong", "Others:"),
    ("What others get wrong", "Traps of the parts:"),
    ("The official conformance suite", "- The suite does not notice"),
];

#[test]
fn every_must_and_should_of_the_pages_is_mapped() {
    let map = Map::read();
    let mut faults = Vec::new();
    let known: BTreeSet<_> = PAGES.iter().map(|(page, _)| name(page)).collect();
    assert_eq!(known.len(), PAGES.len(), "two pages have one name");
    for entry in &map.requirement {
        let strangers = entry.pages.iter().filter(|page| !known.contains(*page));
        faults.extend(strangers.map(|page| format!("no such page: {page}: {}", entry.quote)));
        if entry.pages.is_empty() {
            faults.push(format!("of no page: {}", entry.quote));
        }
    }
    for (page, other_sections) in PAGES {
        let Some(source) = source_of(page) else { return };
        let text = text::normalised(&text::without_sections(&source, other_sections));
        let of_page = |entry: &&Entry| entry.pages.contains(&name(page));
        let quotes: Vec<_> = map.requirement.iter().filter(of_page).map(Entry::quote).collect();
        let found =
            text::stale(&text, &quotes).into_iter().chain(text::unmapped_rules(&text, &quotes));
        faults.extend(found.map(|fault| format!("{page}: {fault}")));
    }
    assert_none(&faults);
}

/// A page that is new is not overlooked.
#[test]
fn every_page_is_mapped_or_left_out_for_a_reason() {
    if outside(&specification().join("README.md")).is_none() {
        return;
    }
    let mut faults = Vec::new();
    for page in pages_below(&specification(), "") {
        let is_below = |left_out: &&str| {
            page.strip_prefix(left_out).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mapped = PAGES.iter().filter(|(known, _)| *known == page).count();
        let left_out = LEFT_OUT.iter().filter(|(left_out, _)| is_below(left_out)).count();
        if mapped + left_out != 1 {
            faults.push(format!("{page}: mapped {mapped} times and left out {left_out} times"));
        }
    }
    assert_none(&faults);
}

#[test]
fn every_defect_and_trap_of_the_facts_is_mapped() {
    let Some(facts) = facts() else { return };
    let mut listed = String::new();
    for (section, beginning) in DEFECTS {
        let lines = text::lines_of_section(&facts, section, beginning);
        assert!(!lines.is_empty(), "FACTS.md, {section}: no line begins with {beginning:?}");
        listed.extend(lines.iter().flat_map(|line| [line, "\n"]));
    }
    let listed = text::normalised(&listed);
    let map = Map::read();
    let quotes: Vec<_> = map.defect.iter().map(Entry::quote).collect();
    let mut faults = text::stale(&listed, &quotes);
    faults.extend(text::unmapped_words(&listed, &quotes));
    assert_none(&faults);
}

#[test]
fn every_advisory_of_the_facts_is_mapped() {
    let Some(facts) = facts() else { return };
    let lines = text::lines_of_section(&facts, "What others get wrong", "Security advisories");
    let named: BTreeSet<_> = lines.iter().flat_map(|line| map::advisories_named(line)).collect();
    let mapped: BTreeSet<_> = Map::read().advisory.into_iter().map(|entry| entry.id).collect();
    assert_eq!(mapped, named);
}

#[test]
fn every_test_that_the_map_names_exists() {
    let (map, inventory) = (Map::read(), Inventory::read());
    let entries = map.requirement.iter().chain(&map.defect);
    let mut faults: Vec<_> = entries.flat_map(|entry| entry.faults(&inventory)).collect();
    faults.extend(map.advisory.iter().flat_map(|advisory| advisory.faults(&inventory)));
    assert_none(&faults);
}

/// A check that cannot fail is none.
#[test]
fn a_rule_that_no_entry_quotes_is_found() {
    let page =
        text::normalised("1. The server **MUST** answer.\n2. It [_SHOULD_](x) be\n   quick.");
    let both = ["The server MUST answer.", "It SHOULD be quick."];
    assert_eq!(page, both.join(" "));
    assert_eq!(text::unmapped_rules(&page, &both), [""; 0]);
    assert_eq!(text::unmapped_rules(&page, &both[..1]), ["not mapped: It SHOULD be quick."]);
    let twice = format!("{page} {}", both[1]);
    assert_eq!(text::unmapped_rules(&twice, &both), [""; 0], "a quote stands wherever it is found");
    assert_eq!(text::unmapped_words("a b · c", &["a b"]), ["not mapped: c"]);
}

#[test]
fn a_quote_that_the_page_does_not_have_is_found() {
    let page = "The server MUST answer.";
    assert_eq!(text::stale(page, &["The server **MUST** answer."]), [""; 0]);
    assert_eq!(text::stale(page, &["The server MUST wait."]), ["stale: The server MUST wait."]);
}

#[test]
fn a_page_is_called_by_its_revision_and_its_own_name() {
    let called = ["2026-07-28/server/utilities/logging", "ext-tasks/tasks"].map(name);
    assert_eq!(called, ["2026-07-28/logging", "ext-tasks/tasks"]);
    let indexes =
        ["2026-07-28/index", "2026-07-28/server/index", "2026-07-28/basic/patterns/index"];
    let called = indexes.map(name);
    assert_eq!(
        called,
        ["2026-07-28/index", "2026-07-28/server/index", "2026-07-28/patterns/index"]
    );
}

#[test]
fn the_markers_of_a_callout_are_no_words() {
    let page = "It is.\n\n:::: tip Note\n\nClients **MUST** ask.\n\n::::\n\n<Tip>\nThen.\n</Tip>";
    assert_eq!(text::normalised(page), "It is. Clients MUST ask. Then.");
}

#[test]
fn a_section_that_is_left_out_ends_with_the_next_of_its_level() {
    let page = "# A\na\n## B\nb\n### C\nc\n## D\nd\n```\nMUST\n```\n";
    assert_eq!(text::normalised(&text::without_sections(page, &["B"])), "A a D d");
}

#[test]
fn a_test_that_is_not_there_is_found() {
    let inventory = Inventory::of_text(
        "legacy",
        "#[test]\nfn one() {}\n\nfn helper() {}\n\nmod tests {\n    #[tokio::test]\n    async fn two() {}\n\n    \
         #[test]\n    #[ignore = \"slow\"]\n    fn three() {}\n}\n",
        &["resume"],
    );
    let entry = |tests: &[&str]| Entry {
        quote: "q".to_owned(),
        tests: tests.iter().map(|test| (*test).to_owned()).collect(),
        ..Entry::default()
    };
    assert_eq!(
        entry(&["legacy::one", "legacy::tests::two", "client:resume"]).faults(&inventory),
        [""; 0]
    );
    for missing in
        ["one", "legacy::two", "legacy::helper", "legacy::tests::three", "client:connections"]
    {
        let fault = format!("no such test: {missing}: q");
        assert_eq!(entry(&["legacy::one", missing]).faults(&inventory), [fault]);
    }
    assert_eq!(entry(&[]).faults(&inventory), ["without tests and without a reason: q"]);
    let because = |reason: &str| Entry { not_ours: Some(reason.to_owned()), ..entry(&[]) };
    let good = because("they show it (legacy::one, legacy::tests); `Context::log` is no test");
    assert_eq!(good.faults(&inventory), [""; 0]);
    let bad = because("shown by legacy::four: always").faults(&inventory);
    assert_eq!(bad, ["no such test: legacy::four: q"]);
    let advisory = |test: &str| Advisory { id: "CVE-2025-1".into(), tests: vec![test.into()] };
    let nameless = advisory("legacy::one").faults(&inventory);
    assert_eq!(nameless, ["CVE-2025-1: no test has cve_2025_1 in its name"]);
}

#[test]
fn advisories_are_found_in_their_short_forms_too() {
    let line =
        "of their name: CVE-2025-66414 and -66416, CVE-2026-34742, -35568 (rebinding, -32601?)";
    let expected = ["CVE-2025-66414", "CVE-2025-66416", "CVE-2026-34742", "CVE-2026-35568"];
    assert_eq!(map::advisories_named(line)[..4], expected);
}

/// A page as the map calls it: its revision and its own name, which for an index is its folder's too.
fn name(page: &str) -> String {
    let (revision, path) = page.split_once('/').expect("a revision's page");
    let own = match path.strip_suffix("/index") {
        Some(folder) => &path[folder.rfind('/').map_or(0, |slash| slash + 1)..],
        None => path.rsplit('/').next().unwrap_or(path),
    };
    format!("{revision}/{own}")
}

/// The text of a page, whatever Markdown it is written in.
fn source_of(page: &str) -> Option<String> {
    let file = |extension| specification().join(format!("{page}.{extension}"));
    let markdown = file("md");
    outside(&if markdown.is_file() { markdown } else { file("mdx") })
}

/// The pages in the folders of a folder, as `PAGES` names them.
fn pages_below(folder: &Path, prefix: &str) -> Vec<String> {
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of the specification") {
        let path = entry.expect("an entry of the folder").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_page = path.extension().is_some_and(|of| of == "md" || of == "mdx");
        if path.is_dir() {
            pages.extend(pages_below(&path, &format!("{prefix}{}/", folder_name(&path))));
        } else if is_page && !prefix.is_empty() {
            pages.push(format!("{prefix}{stem}"));
        }
    }
    pages
}

/// The whole name of a folder, whose dots begin no extension.
fn folder_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "tests/coverage/:\n{}", faults.join("\n"));
}

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn specification() -> PathBuf {
    let beside = crate_folder().join("../shared/spec");
    std::env::var_os("MCP_SPEC_DIR").map_or(beside, PathBuf::from)
}

fn facts() -> Option<String> {
    outside(&specification().join("../FACTS.md"))
}

/// Reads what is no part of the crate; `None`, loudly, where it is not there and need not be.
fn outside(path: &Path) -> Option<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
            panic!("{}: {error}", path.display())
        }
        Err(error) => {
            eprintln!("SKIPPED: coverage of {}: {error}", path.display());
            None
        }
    }
}
