//! Runs the scenarios, each against a server of its own.
//!
//! ```text
//! drive [--full] [--results FILE] [--list] [names…]
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use mcp_http_load::scenarios::{ALL, Scenario};
use mcp_http_load::{Run, Scale, limits};
use tokio::time::timeout;

#[derive(Default)]
struct Options {
    scale: Scale,
    results: Option<PathBuf>,
    list: bool,
    names: Vec<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--full" => options.scale = Scale::Full,
                "--list" => options.list = true,
                "--results" => options.results = arguments.next().map(PathBuf::from),
                flag if flag.starts_with('-') => bail!("unknown option {flag}"),
                name => options.names.push(name.to_owned()),
            }
        }
        if let Some(name) = options.names.iter().find(|name| !ALL.iter().any(|s| s.name == **name))
        {
            bail!("no scenario {name}; --list names them");
        }
        Ok(options)
    }

    fn wants(&self, scenario: &Scenario) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == scenario.name)
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let options = Options::parse(std::env::args().skip(1))?;
    if options.list {
        for scenario in ALL {
            println!("{:12} {}", scenario.name, scenario.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let files = limits::raise_open_files();
    println!("{files} files may be open");
    let mut run = Run::new(options.scale, options.results.as_deref())?;
    for scenario in ALL.iter().filter(|scenario| options.wants(scenario)) {
        println!("\n-- {}: {}", scenario.name, scenario.about);
        run.begin(scenario.name);
        let [tenth, full] = scenario.limits;
        let limit = options.scale.of(tenth, full);
        match timeout(limit, (scenario.run)(&mut run)).await {
            Ok(Ok(())) => run.say("done"),
            Ok(Err(error)) => run.check("runs to its end", false, format!("{error:#}")),
            Err(_) => run.check("runs to its end", false, format!("not within {limit:?}")),
        }
    }
    let (passed, failed) = run.counts();
    println!("\n{passed} checks held, {failed} did not");
    Ok(if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
