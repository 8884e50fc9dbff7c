//! The tests that there are, under the names that `cargo test` gives them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{crate_folder, outside};

/// The tests, and under `client:`, `network:` and `load:` the scenarios of those packages.
#[derive(Default)]
pub struct Inventory {
    tests: BTreeSet<String>,
    scenarios: BTreeSet<String>,
}

impl Inventory {
    /// Follows the modules of the library and of the integration tests from their roots, so that a
    /// file which is not compiled has no tests.
    pub fn read() -> Self {
        let mut inventory = Self::default();
        for root in ["src/lib.rs", "tests/it/main.rs"] {
            let root = crate_folder().join(root);
            let folder = root.parent().expect("a root stands in a folder").to_owned();
            inventory.add_module(&[], &root, &folder);
        }
        for driver in
            ["python/drive.py", "python/surface.py", "python/asking.py", "ts/scenarios.mjs"]
        {
            let driver = crate_folder().join("tests/clients").join(driver);
            let text = outside(&driver).unwrap_or_default();
            inventory.scenarios.extend(scenarios(&text).map(|name| format!("client:{name}")));
        }
        for (kind, folder) in [("network", "network"), ("load", "load/src/scenarios")] {
            let names = stems(&crate_folder().join("tests").join(folder));
            inventory.scenarios.extend(names.iter().map(|name| format!("{kind}:{name}")));
        }
        inventory
    }

    /// The tests of one module whose text this is, and these scenarios.
    pub fn of_text(module: &str, text: &str, scenarios: &[&str]) -> Self {
        let scenarios = scenarios.iter().map(|name| format!("client:{name}")).collect();
        let mut inventory = Self { scenarios, ..Self::default() };
        inventory.add_text(&[module.to_owned()], text, None);
        inventory
    }

    /// Whether there is a test of this name, or, of a kind and a name, such a scenario. Where none
    /// is there, as in a packaged crate, every scenario is taken to be.
    pub fn has(&self, name: &str) -> bool {
        match ["client:", "network:", "load:"].iter().any(|kind| name.starts_with(kind)) {
            true => self.scenarios.is_empty() || self.scenarios.contains(name),
            false => self.tests.contains(name),
        }
    }

    /// Whether there is a test of this name, or any in a module of this name.
    pub fn has_any(&self, name: &str) -> bool {
        let below =
            |test: &String| test.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"));
        self.has(name) || self.tests.iter().any(below)
    }

    fn add_module(&mut self, path: &[String], file: &Path, children: &Path) {
        let text =
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add_text(path, &text, Some(children));
    }

    /// Reads a file as rustfmt leaves it: an attribute, `fn` and `mod` begin a line, and a module
    /// ends with a brace below the line that begins it.
    fn add_text(&mut self, path: &[String], text: &str, children: Option<&Path>) {
        let mut inner: Vec<(usize, String)> = Vec::new();
        let (mut is_test, mut is_ignored) = (false, false);
        for line in text.lines() {
            let code = line.trim_start();
            let indent = line.len() - code.len();
            is_test |= code.starts_with("#[test]") || code.starts_with("#[tokio::test");
            is_ignored |= code.starts_with("#[ignore");
            if code == "}" && inner.last().is_some_and(|(of, _)| *of == indent) {
                inner.pop();
            } else if let Some(name) = declared(code, "fn ") {
                if is_test && !is_ignored {
                    let module = path.iter().chain(inner.iter().map(|(_, name)| name));
                    let names: Vec<_> = module.map(String::as_str).chain([name]).collect();
                    self.tests.insert(names.join("::"));
                }
                (is_test, is_ignored) = (false, false);
            } else if let Some(name) = declared(code, "mod ") {
                if code.ends_with('{') {
                    inner.push((indent, name.to_owned()));
                } else if let Some(folder) = children {
                    let module = [path, &[name.to_owned()]].concat();
                    let below = folder.join(name);
                    let file = [below.with_extension("rs"), below.join("mod.rs")];
                    let file = file.iter().find(|file| file.is_file()).expect("a module's file");
                    self.add_module(&module, file, &below);
                }
            }
        }
    }
}

/// The name that a line declares with this keyword, whatever its visibility.
fn declared<'a>(code: &'a str, keyword: &str) -> Option<&'a str> {
    let visible = ["pub(crate) ", "pub(super) ", "pub "];
    let code = visible.iter().find_map(|visible| code.strip_prefix(visible)).unwrap_or(code);
    let code = code.strip_prefix("async ").unwrap_or(code).strip_prefix(keyword)?;
    code.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()
}

/// What the files and folders of a folder are called; none if it is not there.
fn stems(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let stem = |entry: fs::DirEntry| entry.path().file_stem()?.to_str().map(str::to_owned);
    entries.filter_map(|entry| stem(entry.ok()?)).collect()
}

/// The items of a driver's list `SCENARIOS`, or of one of its parts.
fn scenarios(driver: &str) -> impl Iterator<Item = &str> {
    let begins = |line: &&str| line.contains("SCENARIOS = [") || line.contains("SCENARIOS = (");
    let lines = driver.lines().skip_while(move |line| !begins(line)).skip(1);
    let items = lines.map(str::trim).take_while(|line| !line.starts_with([']', ')']));
    items.map(|line| line.trim_matches([',', '"', '\'']))
}
