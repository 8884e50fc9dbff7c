//! On what, of what and when was measured.

use std::process::Command;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Environment {
    pub processor: String,
    pub cores: usize,
    pub memory_mib: u64,
    pub kernel: String,
    pub rustc: String,
    pub commit: String,
    pub date: String,
    /// How much was measured: smoke, quick or full.
    pub scale: String,
    /// The peers, each with its version and its settings.
    pub peers: Vec<(String, String)>,
}

impl Environment {
    pub fn here(scale: &str, peers: Vec<(String, String)>) -> Self {
        Self {
            processor: field_of("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mib: memory(),
            kernel: said(&["uname", "-sr"]),
            rustc: said(&["rustc", "--version"]),
            commit: said(&["git", "describe", "--always", "--dirty", "--abbrev=10"]),
            date: said(&["date", "-u", "+%Y-%m-%d"]),
            scale: scale.to_owned(),
            peers,
        }
    }
}

fn memory() -> u64 {
    let total = field_of("/proc/meminfo", "MemTotal");
    let kib = total.split_whitespace().next().and_then(|number| number.parse::<u64>().ok());
    kib.map_or(0, |kib| kib / 1024)
}

fn field_of(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim());
    value.unwrap_or("unknown").to_owned()
}

fn said(command: &[&str]) -> String {
    let output = Command::new(command[0]).args(&command[1..]).output();
    let said = output.ok().filter(|output| output.status.success());
    said.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
