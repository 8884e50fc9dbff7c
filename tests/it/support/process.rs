//! Examples as processes: how they are found, started, read and ended.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::wire::PATIENCE;

/// Starts a process that is killed when the test ends without having ended it.
pub fn start(mut command: Command) -> (Child, Lines<BufReader<ChildStdout>>) {
    let command = command.stdout(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().expect("a process that starts");
    let output = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    (process, output)
}

/// The next line of a process's output.
pub async fn next_line<R: AsyncRead + Unpin>(output: &mut Lines<BufReader<R>>) -> String {
    let line = tokio::time::timeout(PATIENCE, output.next_line()).await.expect("a line in time");
    line.expect("a pipe").expect("a line")
}

/// Sends SIGTERM and expects the process to end with 0.
pub async fn ends_well_on_sigterm(process: Child) {
    let id = process.id().expect("it runs").to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(told.expect("a kill command").success());
    assert_eq!(ended(process).await, Some(0));
}

/// Waits for the end of a process: its exit code.
pub async fn ended(mut process: Child) -> Option<i32> {
    let ended = tokio::time::timeout(PATIENCE, process.wait()).await.expect("it ends");
    ended.expect("a child").code()
}

/// The binary of an example, which `cargo test` has built; with a filter for a test alone it has
/// not, and it is built here.
pub async fn example(example: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps/it");
    let binary = profile.join("examples").join(example);
    if !binary.exists() {
        let name = profile.file_name().and_then(|name| name.to_str()).expect("a profile");
        let name = if name == "debug" { "dev" } else { name };
        let mut command = Command::new(env!("CARGO"));
        command.args(["build", "--example", example, "--profile", name]);
        for (feature, enabled) in [
            ("cloud-logging", cfg!(feature = "cloud-logging")),
            ("validation", cfg!(feature = "validation")),
        ] {
            if enabled {
                command.args(["--features", feature]);
            }
        }
        let built = command
            .arg("--target-dir")
            .arg(profile.parent().expect("a target directory"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .await;
        assert!(built.expect("cargo").success() && binary.exists(), "no {}", binary.display());
    }
    binary
}

/// Whether lines of curl can be run.
pub async fn has_curl() -> bool {
    let found = Command::new("curl").arg("--version").stdout(Stdio::null()).status().await;
    let found = found.is_ok_and(|status| status.success());
    if !found {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI nothing may be skipped");
        // Past the harness, which keeps what a test that passes prints.
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no curl to run an example's lines");
    }
    found
}

/// Runs a line in bash: what it prints.
pub async fn shell(line: &str) -> String {
    let ran = Command::new("bash").args(["-c", line]).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, ran).await.expect("curl ends").expect("bash");
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
