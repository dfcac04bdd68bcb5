//! A mistake in `avsendere.yaml`: where it stands, and what is wrong, in bokmål.

use crate::core::identity::OrgNumber;
use crate::core::position;

/// A mistake in `avsendere.yaml`, in bokmål.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("linje {line}, kolonne {column}: {problem}")]
pub struct SendersError {
    pub line: usize,
    pub column: usize,
    pub problem: String,
}

impl SendersError {
    pub(super) fn from_yaml(text: &str, error: &serde_yaml::Error) -> Self {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let message = error.to_string();
        // Its messages end in ` at line N column M`, which stands in front of ours.
        let message = message.split(" at line ").next().unwrap_or_default();
        let problem = translate(message);
        // The parser often knows no more than where the mapping begins; the word that it quotes stands further on.
        let quoted = problem.split('«').nth(1).and_then(|rest| rest.split('»').next());
        let exact = match quoted {
            Some(key) if message.contains("duplicate field") => position::of_key(text, key, 1),
            Some(_) if message.contains("missing field") => None,
            Some(word) => position::of_text(text, word, line),
            None => None,
        };
        let (line, column) = exact.unwrap_or((line, column));
        Self { line, column, problem }
    }

    /// What a sender's own part cannot be; the place is where `near` stands in it.
    pub fn of_sender(text: &str, sender: OrgNumber, near: &str, problem: &str) -> Self {
        let (line, _) = position::of_text(text, &sender.to_string(), 1).unwrap_or((1, 1));
        Self::at(text, near, line, problem)
    }

    /// Where `near` stands, at or after line `from`.
    pub(super) fn at(text: &str, near: &str, from: usize, problem: &str) -> Self {
        let (line, column) = position::of_text(text, near, from).unwrap_or((from, 1));
        Self { line, column, problem: problem.to_owned() }
    }
}

/// The parser's words in bokmål.
fn translate(message: &str) -> String {
    // What our own types say comes after the path of the field.
    if let Some(at) = message.find('«') {
        return message[at..].to_owned();
    }
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    match quoted.as_slice() {
        [field, known @ ..] if says(&["unknown field"]) => {
            format!("feltet «{field}» er ukjent her; kjente felter er {}", known.join(", "))
        }
        [value, known @ ..] if says(&["unknown variant"]) => {
            format!("«{value}» er ikke en gyldig verdi; gyldige verdier er {}", known.join(", "))
        }
        [field, ..] if says(&["missing field"]) => format!("feltet «{field}» mangler"),
        [field, ..] if says(&["duplicate field"]) => format!("feltet «{field}» er oppgitt to ganger"),
        _ if says(&["out of range", "invalid characters", "end of input", "trailing input"]) => {
            "dette er ikke en dato; skriv den som 2026-12-24".to_owned()
        }
        _ if says(&["invalid type", "invalid value", "invalid length", "expected"]) && !says(&["did not find"]) => {
            "verdien er av feil slag, eller utenfor det som er tillatt".to_owned()
        }
        _ if says(&["more than one document"]) => "filen har mer enn ett YAML-dokument".to_owned(),
        _ => "filen er ikke gyldig YAML her; se etter innrykk, anførselstegn, kolon og klammer".to_owned(),
    }
}
