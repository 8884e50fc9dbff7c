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

/// How long the processors were taken away from this machine by the one that it is a guest of, all
/// together and since its start, to ten milliseconds.
pub fn stolen() -> Result<Duration> {
    stolen_in(&std::fs::read_to_string("/proc/stat")?)
}

fn stolen_in(stat: &str) -> Result<Duration> {
    let all = stat.lines().find_map(|line| line.strip_prefix("cpu ")).context("no line of all")?;
    // The eighth of proc(5)'s columns, in hundredths of a second.
    let ticks: u64 = all.split_whitespace().nth(7).context("too few columns")?.parse()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// The resident memory of a process, in KiB.
pub fn resident(pid: i32) -> Result<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).context("smaps_rollup without Rss")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stolen_is_the_eighth_column_of_all_processors() {
        let stat = "cpu  1 2 3 4 5 6 7 85 9 10\ncpu0 0 0 0 0 0 0 0 40 0 0\n";
        assert_eq!(stolen_in(stat).unwrap(), Duration::from_millis(850));
        assert!(stolen_in("cpu0 1 2 3 4 5 6 7 8").is_err());
    }
}
