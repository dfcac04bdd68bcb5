//! `explain`: why a letter went where it went, in bokmål, from what was recorded when it was decided.

use std::fmt::Write;

use serde::Serialize;

use super::{Answer, Call};
use crate::core::calendar::{in_words, parse_time};
use crate::core::status::{RecordedFacts, Status};
use crate::shell::ledger::LedgerEvent;
use crate::shell::outbox::find::{KnownLetter, find};
use crate::shell::pass::PassError;
use crate::shell::root::Root;

#[derive(clap::Args)]
#[command(after_long_help = "Examples:
  postgang explain 2026/417-3                        by reference, or the beginning of one
  postgang explain 98e2dfbb                          by the first eight digits of an id
  postgang explain outbox/altinn/brev.98e2dfbb       by folder")]
pub struct Args {
    /// forsendelsesId, eksternReferanse, the beginning of one, or a folder
    letter: String,
}

pub fn explain(call: &Call, args: &Args) -> Result<Answer, PassError> {
    call.root.check_mounted()?;
    let letters = about(&call.root, &args.letter)?;
    Ok(Answer::of_letters(&letters, Explanation::text)?.with_exit_code(u8::from(letters.is_empty())))
}

/// One letter, as `explain --json` prints it.
#[derive(Debug, Serialize)]
pub struct Explanation {
    #[serde(rename = "forsendelsesId")]
    pub id: String,
    /// Below the root; `None` when the folder is gone.
    pub place: Option<String>,
    pub status: Option<Status>,
    pub history: Vec<LedgerEvent>,
}

/// What is known of the letters that answer to `query`.
pub(super) fn about(root: &Root, query: &str) -> anyhow::Result<Vec<Explanation>> {
    Ok(find(root, query)?.into_iter().map(|found| Explanation::of(root, found)).collect())
}

impl Explanation {
    fn of(root: &Root, found: KnownLetter) -> Self {
        let (place, status) = match found.placed {
            Some((path, status)) => {
                let inside = path.strip_prefix(root.dir()).unwrap_or(&path);
                (Some(inside.display().to_string()), Some(status))
            }
            None => (None, None),
        };
        Self { id: found.id, place, status, history: found.history }
    }

    pub fn text(&self) -> String {
        match (&self.place, &self.status) {
            (Some(place), Some(status)) => self.of_letter(place, status),
            _ => self.of_memory(),
        }
    }

    fn of_letter(&self, place: &str, s: &Status) -> String {
        let mut text = String::new();
        let mut line = |label: &str, value: &str| {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{label:<17} {value}");
        };
        line("Brev", &self.id);
        line("Ligger i", &format!("{place}/"));
        line("Referanse", s.eksternReferanse.as_deref().unwrap_or("(ingen)"));
        line("Avsender", s.avsender.as_deref().unwrap_or("(ukjent)"));
        line("Status", &format!("{}, mottatt {}", s.status.as_str(), in_words(s.mottatt.0)));
        line("Begrunnelse", &s.begrunnelse);
        line("Kode", &s.kode);
        line("Hjemmel", s.hjemmel.as_deref().unwrap_or("(ingen)"));
        if let Some(facts) = &s.fakta {
            line("Fakta", &facts_text(facts));
        }
        for register in &s.registre {
            let start = register.sha256.get(..12).unwrap_or(&register.sha256);
            let time = in_words(register.tidspunkt);
            line("Register", &format!("{}, {}, fra {time}, SHA-256 {start}…", register.navn, register.rows_text()));
        }
        if let Some(rule) = &s.regel {
            let then = s.deretter.map(|then| format!(", deretter {then}")).unwrap_or_default();
            let reminder = rule.purring.as_deref().map(|days| format!(", purring etter {days}")).unwrap_or_default();
            line("Regel", &format!("{} fra {}: lesefrist {}{then}{reminder}", rule.gruppe, rule.fra, rule.lesefrist));
        }
        if let Some(deadline) = s.lesefrist {
            line("Lesefrist", &in_words(deadline.0));
        }
        for document in &s.dokumenter {
            let pages = document.sider.map(|n| format!(", {n} {}", if n == 1 { "side" } else { "sider" }));
            let pages = pages.unwrap_or_default();
            let bytes = document.bytes.map(|bytes| format!(", {bytes} byte")).unwrap_or_default();
            line("Dokument", &format!("{}{pages}{bytes}", document.filnavn));
        }
        for warning in &s.advarsler {
            line("Advarsel", warning);
        }
        for event in &s.hendelser {
            line("Hendelse", &format!("{}: {}", in_words(event.tidspunkt.0), event.tekst));
        }
        text
    }

    fn of_memory(&self) -> String {
        let mut text = format!("Brev {} er kjent, men mappen er ikke lenger i outbox/.\n", self.id);
        for event in &self.history {
            let _ = writeln!(text, "  {}", event_text(event));
        }
        text
    }
}

fn event_text(event: &LedgerEvent) -> String {
    let what = match event.kind.as_str() {
        "decided" => "besluttet",
        "placed" => "lagt i",
        "status" => event.state.as_deref().unwrap_or_default(),
        "reminded" => "purret",
        "released" => "avsluttet uten å nå fram",
        "purged" => "slettet etter oppbevaringstiden",
        other => other,
    };
    let place = event.place.as_deref().map(|place| format!(" outbox/{place}/")).unwrap_or_default();
    let at = parse_time(&event.at).map_or_else(|| event.at.clone(), in_words);
    // The code stands in a column of its own.
    let line = format!("{at:<31} {:<44} {}", format!("{what}{place}"), event.code.as_deref().unwrap_or_default());
    line.trim_end().to_owned()
}

fn facts_text(facts: &RecordedFacts) -> String {
    let yes = |flag: bool| if flag { "ja" } else { "nei" };
    match facts {
        RecordedFacts::UtenDigitalId => "brevet har ingen digitalId".to_owned(),
        RecordedFacts::Person { i_krr, reservert, kan_varsles, postkasse } => format!(
            "person; i KRR: {}; reservert: {}; kan varsles: {}; digital postkasse: {}",
            yes(*i_krr),
            yes(*reservert),
            yes(*kan_varsles),
            postkasse.as_deref().unwrap_or("nei")
        ),
        RecordedFacts::Organisasjon { i_enhetsregisteret, nedlagt, konkurs, eget_mottakssystem } => format!(
            "organisasjon; i Enhetsregisteret: {}; nedlagt: {}; konkurs: {}; eget mottakssystem: {}",
            yes(*i_enhetsregisteret),
            nedlagt.map_or("nei".to_owned(), |day| day.to_string()),
            yes(*konkurs),
            yes(*eget_mottakssystem)
        ),
    }
}
