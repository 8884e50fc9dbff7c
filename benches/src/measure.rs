//! What a process has cost: processor time and resident memory.

use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::time::ClockId;
use nix::unistd::Pid;

/// The processor time of all threads of a process, in user and in kernel mode, to the nanosecond
/// (`clock_getcpuclockid`): `/proc/PID/stat` tells the same in ticks of 10 ms.
pub fn cpu(pid: i32) -> Result<Duration> {
    Ok(ClockId::pid_cpu_clock_id(Pid::from_raw(pid))?.now()?.into())
}

/// The resident memory of a process, in KiB.
pub fn resident(pid: i32) -> Result<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).context("smaps_rollup without Rss")
}
