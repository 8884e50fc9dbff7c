//! Counts the instructions of each operation under callgrind, and compares them with what is
//! kept in `instructions.toml`.
//!
//! ```text
//! instructions              the counts, and how they compare; fails where one has grown
//! instructions --update     writes the counts down
//! instructions do NAME N    does an operation N times: what callgrind looks at
//! ```
//!
//! The count of an operation is what is collected inside [`repeat`], divided by N: what it takes
//! to get ready is not looked at. Counts depend on the compiler and the libraries, not on the
//! clock, on what else the machine does or on the folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};
use mcp_http_bench_core::operations::{Operation, all};

/// How much more than what is kept passes, in percent: allocators and hash seeds move it a little.
const TOLERANCE: f64 = 3.0;

/// How much more an operation may cost at the second of two sizes than at the first, in percent.
const GROWTH: f64 = 10.0;

/// How the C library copies is not left to the processor: `rep movsb` counts once for each byte.
const COPIES: &str = "glibc.cpu.x86_rep_movsb_threshold=0x10000000:\
    glibc.cpu.x86_rep_stosb_threshold=0x10000000:glibc.cpu.x86_non_temporal_threshold=0x10000000";

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => check(&count_all()?),
        ["--update"] => update(&count_all()?),
        ["do", name, times] => perform(name, times.parse()?),
        _ => bail!("usage: instructions [--update]"),
    }
}

fn perform(name: &str, times: u32) -> anyhow::Result<ExitCode> {
    let operation = all().into_iter().find(|it| it.name == name).context("no such operation")?;
    let mut once = (operation.prepare)();
    // What is made once, at the first time, is not what is asked for.
    once();
    repeat(&mut once, times);
    // What was prepared is not taken apart: that is not the operation either.
    std::process::exit(0);
}

/// What callgrind collects, which is told this name.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn repeat(once: &mut Box<dyn FnMut()>, times: u32) {
    for _ in 0..times {
        once();
    }
}

type Counts = BTreeMap<String, f64>;

fn count_all() -> anyhow::Result<Counts> {
    let mut counts = Counts::new();
    for operation in all() {
        let count = count(&operation).with_context(|| operation.name)?;
        counts.insert(operation.name.to_owned(), count);
    }
    Ok(counts)
}

fn count(operation: &Operation) -> anyhow::Result<f64> {
    let each = run(operation)? as f64 / f64::from(operation.times);
    // A change is told on so many streams at once.
    match size(operation.name) {
        Some((what, streams)) if what.ends_with("a stream") => Ok(each / f64::from(streams)),
        _ => Ok(each),
    }
}

/// The operation and the size that a name ends in.
fn size(name: &str) -> Option<(&str, u32)> {
    let (what, size) = name.split_once(" @")?;
    Some((what, size.parse().ok()?))
}

fn run(operation: &Operation) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .env("GLIBC_TUNABLES", COPIES)
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=repeat"])
        .arg(std::env::current_exe()?)
        .args(["do", operation.name, &operation.times.to_string()])
        .output()
        .context("valgrind does not run")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "it failed: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    Ok(collected.context("valgrind tells no count")?.1.trim().parse()?)
}

fn kept_in() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.toml")
}

fn update(counts: &Counts) -> anyhow::Result<ExitCode> {
    let mut text = String::from(
        "# Instructions of each operation under callgrind. Written by `scripts/instructions --update`.\n",
    );
    for (name, count) in counts {
        writeln!(text, "{name:?} = {}", count.round())?;
        println!("{count:>12.0}  {name}");
    }
    std::fs::write(kept_in(), text)?;
    Ok(ExitCode::SUCCESS)
}

fn check(counts: &Counts) -> anyhow::Result<ExitCode> {
    let kept: Counts = toml::from_str(&std::fs::read_to_string(kept_in())?)?;
    let mut faults = Vec::new();
    println!("{:>12} {:>12} {:>8}", "now", "kept", "");
    for (name, &count) in counts {
        let Some(&before) = kept.get(name) else {
            faults.push(format!("`{name}` is not in instructions.toml"));
            continue;
        };
        let more = (count / before - 1.0) * 100.0;
        println!("{count:>12.0} {before:>12.0} {more:>+7.1}%  {name}");
        if more > TOLERANCE {
            faults.push(format!("`{name}` takes {more:.1} % more than what is kept"));
        } else if more < -TOLERANCE {
            println!("{:>35}  it takes less: keep it with --update", "");
        }
    }
    for name in kept.keys().filter(|name| !counts.contains_key(*name)) {
        faults.push(format!("`{name}` is kept, and there is no such operation"));
    }
    faults.extend(grown(counts));
    for fault in &faults {
        eprintln!("{fault}");
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What costs more where there is more that it has nothing to do with.
fn grown(counts: &Counts) -> Vec<String> {
    let mut sizes = BTreeMap::<&str, BTreeMap<u32, f64>>::new();
    for (name, &count) in counts {
        if let Some((what, size)) = size(name) {
            sizes.entry(what).or_default().insert(size, count);
        }
    }
    let mut faults = Vec::new();
    for (what, counts) in sizes {
        let (Some((few, least)), Some((many, most))) =
            (counts.first_key_value(), counts.last_key_value())
        else {
            continue;
        };
        let more = (most / least - 1.0) * 100.0;
        println!("{what}: {more:+.1} % from {few} to {many}");
        if more > GROWTH {
            faults.push(format!("{what}: at {many} it takes {more:.1} % more than at {few}"));
        }
    }
    faults
}
