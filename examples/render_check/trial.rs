//! PDFs through intake and batch of the real program, each as a letter of its own, and what became of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::renderer::{Picture, Renderer};

const SENDERS: &str = "avsendere:
  - organisasjonsnummer: \"310000027\"
    navn: Storevik kommune
    returadresse: {navn: Storevik kommune, adresselinje1: Postboks 1, postnummer: \"4604\", poststed: KRISTIANSAND S}
    regler: [{fra: 2016-09-20, personer: {lesefrist: 2 virkedager, deretter: print}}]
    utskrift: {krav: {mindre_enn_a4_mm: 1000, storre_enn_a4_mm: 1000, strekkodefelt: {bredde_mm: 0}}}
";

/// What became of a letter.
pub enum Fate {
    /// The code, and the first print rule where there is one.
    Refused(String),
    Printed(Place),
    /// Neither: a mistake of the program.
    Lost,
}

/// Where a letter stands in the batch.
pub struct Place {
    pub file: PathBuf,
    /// Of its first document page.
    pub page: u32,
    pub pages: u32,
}

/// What drawing a letter twice told.
#[derive(Default)]
pub struct Seen {
    /// Renderer and page, and whether the page of the batch is blank.
    pub differing: Vec<(Renderer, u32, bool)>,
    /// Those that could not draw the source.
    pub unable: Vec<Renderer>,
}

/// Takes the sources in and prints them, in the folder `work`; tells of each what became of it.
pub fn run(program: &Path, work: &Path, sources: &[PathBuf]) -> Result<Vec<Fate>> {
    build(work, sources)?;
    for command in [&["run", "--settle", "0"][..], &["nightly"]] {
        Command::new(program).arg("--root").arg(work).args(command).output()?;
    }
    fates(work, sources.len())
}

/// A root in which each source is a letter of one document, all on paper.
fn build(work: &Path, sources: &[PathBuf]) -> Result<()> {
    for folder in ["inbox", "outbox", "registry/kvitteringer"] {
        fs::create_dir_all(work.join(folder))?;
    }
    let registry = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry");
    for name in ["krr.csv", "enheter.csv", "underenheter.csv", "reservasjoner.csv", "svarinn.csv"] {
        // Written anew, for a register must not be old.
        fs::write(work.join("registry").join(name), fs::read(registry.join(name))?)?;
    }
    fs::write(work.join("registry/avsendere.yaml"), SENDERS)?;
    for (source, number) in sources.iter().zip(0..) {
        let folder = work.join(format!("inbox/{number}"));
        fs::create_dir(&folder)?;
        let metadata = format!(
            "tittel: Brev\neksternReferanse: '{number}'\nmottaker: {{navn: Prøve, adresselinje1: Gata {number}, postnummer: '0150', poststed: OSLO}}\nutskriftsKonfigurasjon: {{tosidig: false}}\n"
        );
        fs::write(folder.join("forsendelse.yaml"), metadata)?;
        fs::copy(source, folder.join("brev.pdf"))?;
        fs::write(folder.join("KLAR"), "")?;
    }
    Ok(())
}

/// What became of each source, by its number.
fn fates(work: &Path, count: usize) -> Result<Vec<Fate>> {
    let mut fates: Vec<Fate> = (0..count).map(|_| Fate::Lost).collect();
    for entry in fs::read_dir(work.join("outbox/avvist"))? {
        let status = fs::read_to_string(entry?.path().join("status.yaml"))?;
        let status: BTreeMap<String, serde_yaml::Value> = serde_yaml::from_str(&status)?;
        let field = |key: &str| status.get(key).and_then(serde_yaml::Value::as_str).unwrap_or_default().to_owned();
        let rule = if field("kode") == "print-rules" { field("begrunnelse") } else { String::new() };
        let code = format!("{} {}", field("kode"), rule.split_once("brev.pdf").map_or("", |(_, rule)| rule));
        if let Some(fate) = field("eksternReferanse").parse().ok().and_then(|number: usize| fates.get_mut(number)) {
            *fate = Fate::Refused(code.trim_end_matches(|c: char| !c.is_alphanumeric()).to_owned());
        }
    }
    for batch in fs::read_dir(work.join("outbox/print"))? {
        let batch = batch?.path();
        if !batch.join("manifest.csv").is_file() {
            continue;
        }
        let mut manifest = csv::ReaderBuilder::new().delimiter(b';').from_path(batch.join("manifest.csv"))?;
        for row in manifest.deserialize() {
            let row: BTreeMap<String, String> = row?;
            let field = |key: &str| row.get(key).cloned().unwrap_or_default();
            let (first, pages): (u32, u32) = (field("forste_side").parse()?, field("sider").parse()?);
            if let Some(fate) = field("eksternReferanse").parse().ok().and_then(|number: usize| fates.get_mut(number)) {
                *fate = Fate::Printed(Place { file: batch.join(field("fil")), page: first + 1, pages: pages - 1 });
            }
        }
    }
    Ok(fates)
}

/// Draws the letter's first pages from its source and from the batch.
#[allow(dead_code, reason = "the tests draw a batch once for all letters")]
pub fn look(source: &Path, place: &Place, count: u32, renderers: &[Renderer]) -> Seen {
    let mut seen = Seen::default();
    for renderer in renderers {
        let printed = renderer.draw(&place.file, place.page, place.page + count - 1).unwrap_or_default();
        seen.compare(*renderer, source, &printed, count);
    }
    seen
}

impl Seen {
    /// Compares the source's first pages with those of the batch.
    pub fn compare(&mut self, renderer: Renderer, source: &Path, printed: &[Picture], count: u32) {
        let drawn = renderer.draw(source, 1, count);
        let Some(drawn) = drawn.ok().filter(|pages| pages.len() == count as usize) else {
            self.unable.push(renderer);
            return;
        };
        for (page, number) in drawn.iter().zip(1..) {
            let printed = printed.get(number as usize - 1);
            if !printed.is_some_and(|printed| printed.shows_the_same(page)) {
                self.differing.push((renderer, number, printed.is_none_or(Picture::is_blank)));
            }
        }
    }
}
