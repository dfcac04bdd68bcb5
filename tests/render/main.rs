//! What paper shows of a document: what Poppler, MuPDF, Ghostscript and PDFium show of it. Fixtures of all kinds go
//! through the real program into one batch, and each page is drawn twice; what is refused must be refused for its reason.

mod fixtures;
#[path = "../../examples/render_check/renderer.rs"]
mod renderer;
#[path = "../../examples/render_check/trial.rs"]
mod trial;

use std::path::{Path, PathBuf};

use fixtures::Expected;
use rayon::prelude::*;
use renderer::{Picture, Renderer};
use trial::{Fate, Seen};

#[test]
fn paper_shows_what_documents_show_or_they_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = fixtures::all();
    let sources: Vec<PathBuf> =
        fixtures.iter().map(|fixture| folder.path().join(format!("{}.pdf", fixture.name))).collect();
    for (fixture, source) in fixtures.iter().zip(&sources) {
        std::fs::write(source, &fixture.bytes).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_postgang"));
    let fates = trial::run(program, &folder.path().join("root"), &sources).unwrap();
    // All are in one file of the batch, drawn once: what one letter does to another is seen there.
    let file = fates.iter().find_map(|fate| if let Fate::Printed(place) = fate { Some(&place.file) } else { None });
    let draw = |renderer: Renderer| (renderer, renderer.draw(file.unwrap(), 1, 9_999).unwrap());
    let batch: Vec<(Renderer, Vec<Picture>)> = Renderer::installed().into_par_iter().map(draw).collect();
    let told = fixtures.par_iter().zip(&sources).zip(&fates).filter_map(|((fixture, source), fate)| {
        let told = match (fate, fixture.expected) {
            (Fate::Refused(code), Expected::Refused(expected)) if code.contains(expected) => return None,
            (Fate::Refused(code), _) => format!("refused: {code}"),
            (Fate::Lost, _) => "neither printed nor refused".to_owned(),
            (Fate::Printed(_), Expected::Refused(_)) => "printed".to_owned(),
            (Fate::Printed(place), Expected::Printed) => {
                let mut seen = Seen::default();
                for (renderer, pages) in &batch {
                    let printed = pages.get(place.page as usize - 1..).unwrap_or_default();
                    seen.compare(*renderer, source, printed, place.pages);
                }
                if seen.differing.is_empty() && seen.unable.is_empty() {
                    return None;
                }
                format!("differs: {:?}, cannot be drawn: {:?}", seen.differing, seen.unable)
            }
        };
        Some(format!("{}: {told}", fixture.name))
    });
    let wrong: Vec<String> = told.collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The comparison itself must be able to fail.
#[test]
fn a_missing_word_and_another_colour_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let draw = |renderer: Renderer, content: &str| {
        let file = folder.path().join("page.pdf");
        std::fs::write(&file, fixtures::page(content)).unwrap();
        renderer.draw(&file, 1, 1).unwrap().remove(0)
    };
    for renderer in Renderer::installed() {
        let text = draw(renderer, "BT /F1 12 Tf 100 700 Td (Vedtaket) Tj ET");
        assert!(text.shows_the_same(&draw(renderer, "BT /F1 12 Tf 100.2 700 Td (Vedtaket) Tj ET")), "{renderer:?}");
        for other in ["", "BT /F1 12 Tf 100 700 Td (Vedtak) Tj ET", "BT 1 0 0 rg /F1 12 Tf 100 700 Td (Vedtaket) Tj ET"]
        {
            assert!(!text.shows_the_same(&draw(renderer, other)), "{renderer:?}: {other}");
        }
    }
}
