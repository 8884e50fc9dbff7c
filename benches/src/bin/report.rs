//! Makes the page of results, with its plots, of what `drive` has measured.
//!
//! `report RESULTS FOLDER [README [AGAIN…]]`. What was measured again takes the place of what it
//! measured. In the README, what stands between the lines
//! `<!-- benchmarks -->` and `<!-- end of benchmarks -->` becomes the sentence of this run.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use mcp_http_bench::records::Results;
use mcp_http_bench::report;

const BEGIN: &str = "<!-- benchmarks -->\n";
const END: &str = "<!-- end of benchmarks -->";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (results, folder, rest) = match &arguments[..] {
        [results, folder, rest @ ..] => (results, folder, rest),
        _ => bail!("report RESULTS FOLDER [README [AGAIN…]]"),
    };
    let readme = rest.first().map(Path::new);
    let mut results = Results::read(Path::new(results))?;
    for again in rest.iter().skip(1) {
        results.replace(Results::read(Path::new(again))?);
    }
    report::write(&results, Path::new(folder))?;
    if let (Some(readme), Some(sentence)) = (readme, report::headline(&results)) {
        let text = std::fs::read_to_string(readme)?;
        let (before, rest) = text.split_once(BEGIN).context("a README without its place")?;
        let (_, after) = rest.split_once(END).context("a place without an end")?;
        std::fs::write(readme, format!("{before}{BEGIN}{sentence}\n{END}{after}"))?;
    }
    Ok(())
}
