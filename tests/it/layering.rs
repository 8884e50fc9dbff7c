//! Who may import whom, and what the pure core may not name (DESIGN, "The house").

use std::fs;
use std::path::{Path, PathBuf};

/// A folder of `src/`, and what its code may not say.
const RULES: &[(&str, &[&str])] = &[
    (
        "protocol",
        &[
            "tokio",
            "hyper",
            "getrandom",
            "rand::",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "ToSocketAddrs",
            "std::io::Read",
            "stdin",
            "stdout",
            "std::fs",
            "std::thread",
            "Instant",
            "SystemTime",
            "crate::server",
            "crate::http",
        ],
    ),
    ("protocol/legacy", &["modern"]),
    ("protocol/modern", &["legacy", "Mutex", "RwLock"]),
    ("server", &["hyper", "crate::http", "::legacy", "::modern", "std::net", "getrandom"]),
];

#[test]
fn each_layer_names_only_those_below_it() {
    let mut offences = Vec::new();
    for (folder, banned) in RULES {
        let files = rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder));
        assert!(!files.is_empty(), "no files in {folder}");
        for file in files {
            let text = fs::read_to_string(&file).expect("a readable file");
            for (number, line) in code_lines(&text) {
                for word in banned.iter().filter(|word| line.contains(**word)) {
                    offences.push(format!("{}:{number}: {word}: {line}", file.display()));
                }
            }
        }
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

/// DESIGN, Not negotiable: "`src/` knows no fixture of any test suite".
#[test]
fn the_crate_knows_no_fixture_of_any_suite() {
    let fixtures =
        ["test_simple", "test_tool_with", "test_streaming", "test_missing", "conformance"];
    for file in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&file).expect("a readable file");
        for fixture in fixtures {
            assert!(!text.contains(fixture), "{} names {fixture}", file.display());
        }
    }
}

/// A check that cannot fail is none: the rules find an offence where there is one.
#[test]
fn the_rules_find_an_offence() {
    let source = "use crate::protocol::x;\n// tokio in a comment\nuse tokio::time;\n";
    let found: Vec<_> = code_lines(source).filter(|(_, line)| line.contains("tokio")).collect();
    assert_eq!(found, [(3, "use tokio::time;")]);
}

/// The lines of code, without comments, numbered from one.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default().trim_end()))
        .filter(|(_, line)| !line.trim().is_empty())
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
