//! Whether paper shows what documents show: every PDF in a folder through intake and batch, page by page.
//!
//! ```sh
//! cargo build --release && cargo run --release --example render_check -- FOLDER
//! ```
//!
//! Each PDF becomes a letter of its own; the real program takes them in and seals a batch, with the sender's demands on
//! size and margin turned off. Then every program that draws PDFs and is installed (Poppler, MuPDF, Ghostscript, PDFium
//! by Python's `pypdfium2`) draws each page twice, from its source and from the batch. The table counts letters by what
//! their documents hold; below it stands each letter of which a page differs.

mod feature;
mod renderer;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use rayon::prelude::*;

use renderer::Renderer;
use trial::{Fate, Seen};

#[derive(Parser)]
#[command(about = "Compare the pages of PDFs with the pages that a batch prints of them")]
struct Args {
    /// Where the PDFs are, folders in it included
    folder: PathBuf,
    /// Pages compared of each PDF
    #[arg(long, default_value_t = 10)]
    pages: u32,
    /// Where to work, and leave everything [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// The program [default: the one that cargo built beside this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let program = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.parent().and_then(Path::parent).context("no target folder")?.join("postgang"),
    };
    let temporary = tempfile::tempdir()?;
    let work = args.work.unwrap_or_else(|| temporary.path().to_owned());
    let renderers = Renderer::installed();
    ensure!(!renderers.is_empty(), "no program that draws PDFs is installed");
    let sources = sources(&args.folder)?;
    let fates = trial::run(&program, &work, &sources)?;
    let seen: Vec<Option<Seen>> = sources
        .par_iter()
        .zip(&fates)
        .map(|(source, fate)| match fate {
            Fate::Printed(place) => Some(trial::look(source, place, place.pages.min(args.pages), &renderers)),
            _ => None,
        })
        .collect();
    report(&sources, &fates, &seen);
    Ok(())
}

/// Every PDF in the folder, in order.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = BTreeSet::new();
    for entry in walkdir::WalkDir::new(folder) {
        let path = entry?.into_path();
        if path.is_file() && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pdf")) {
            found.insert(path);
        }
    }
    Ok(found.into_iter().collect())
}

/// Counts of one row of the table.
#[derive(Default)]
struct Row {
    same: usize,
    differs: usize,
    lost: usize,
    refused: BTreeMap<String, usize>,
}

fn report(sources: &[PathBuf], fates: &[Fate], seen: &[Option<Seen>]) {
    let features: Vec<BTreeSet<&str>> = sources.par_iter().map(|source| feature::of(source)).collect();
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut by_renderer: BTreeMap<Renderer, usize> = BTreeMap::new();
    for (index, fate) in fates.iter().enumerate() {
        for feature in features[index].iter().copied().chain(["(all)"]) {
            let row = rows.entry(feature).or_default();
            match (fate, &seen[index]) {
                (Fate::Refused(code), _) => *row.refused.entry(code.clone()).or_default() += 1,
                (Fate::Printed(_), Some(seen)) if seen.differing.is_empty() => row.same += 1,
                (Fate::Printed(_), _) => row.differs += 1,
                (Fate::Lost, _) => row.lost += 1,
            }
        }
        let Some(seen) = &seen[index] else { continue };
        let renderers: BTreeSet<Renderer> = seen.differing.iter().map(|(renderer, ..)| *renderer).collect();
        renderers.into_iter().for_each(|renderer| *by_renderer.entry(renderer).or_default() += 1);
        if !seen.differing.is_empty() {
            let pages: Vec<String> = seen
                .differing
                .iter()
                .map(|(renderer, page, blank)| {
                    format!("{} {page}{}", renderer.name(), if *blank { " blank" } else { "" })
                })
                .collect();
            let place = match fate {
                Fate::Printed(place) => {
                    format!("{}:{}", place.file.file_name().unwrap_or_default().display(), place.page)
                }
                _ => String::new(),
            };
            let held: Vec<&str> = features[index].iter().copied().collect();
            println!("differs: {} ({place}) [{}]: {}", sources[index].display(), held.join(", "), pages.join("; "));
        }
        if !seen.unable.is_empty() {
            let names: Vec<&str> = seen.unable.iter().map(|renderer| renderer.name()).collect();
            println!("cannot be drawn: {} by {}", sources[index].display(), names.join(", "));
        }
    }
    println!("\n{:<28} {:>6} {:>8} {:>8} {:>6}   refused by code", "", "same", "differs", "refused", "lost");
    for (feature, row) in &rows {
        let refused: usize = row.refused.values().sum();
        let codes: Vec<String> = row.refused.iter().map(|(code, count)| format!("{count} {code}")).collect();
        println!(
            "{feature:<28} {:>6} {:>8} {refused:>8} {:>6}   {}",
            row.same,
            row.differs,
            row.lost,
            codes.join("; ")
        );
    }
    let told: Vec<String> =
        by_renderer.iter().map(|(renderer, letters)| format!("{} {letters}", renderer.name())).collect();
    println!(
        "\nletters that differ, by renderer: {}",
        if told.is_empty() { "none".to_owned() } else { told.join(", ") }
    );
}
