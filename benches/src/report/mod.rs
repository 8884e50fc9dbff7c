//! The page of results: what must hold, tables and plots.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::records::Results;

mod charts;
mod page;
mod plots;
mod svg;
mod tables;
mod targets;

pub use page::headline;

/// Writes `benchmarks.md` and its plots into a folder.
pub fn write(results: &Results, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (name, plot) in plots::all(results) {
        save(folder, &name, &plot)?;
    }
    save(folder, "benchmarks.md", &page::page(results))
}

fn save(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}
