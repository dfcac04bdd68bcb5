//! Names of folders and files: what we pass over, what we refuse, and how a drop's name becomes a letter's.

use unicode_normalization::UnicodeNormalization;

use super::identity::redact;
use super::stop;
use super::whole::says_complete;

/// Metadata files, exactly one of which a drop must hold.
pub const METADATA: [&str; 3] = ["forsendelse.yaml", "forsendelse.yml", "forsendelse.json"];
pub const STATUS: &str = "status.yaml";
pub const READY: &str = "FERDIG";
/// What a sealed print batch says of itself.
pub const BATCH: &str = "batch.yaml";
/// In a sealed batch: the form that the print house fills in.
pub const RETURN_FORM: &str = "retur.csv";
pub const DECISION: &str = "BESLUTNING.txt";

/// Under these names the two are written before they take their own.
pub const STAGED_STATUS: &str = ".status.yaml.tmp";
pub const STAGED_DECISION: &str = ".BESLUTNING.txt.tmp";

/// The answer to a stop that came too late, and its name before it takes this one.
pub const STOP_ANSWER: &str = "STOPP-SVAR.txt";
pub const STAGED_STOP_ANSWER: &str = ".STOPP-SVAR.txt.tmp";

/// Written by us into a letter; found in a drop they are left from an earlier round, or from a full disk, and are
/// removed at the claim.
pub const OURS: [&str; 7] = [READY, STATUS, DECISION, STAGED_STATUS, STAGED_DECISION, STOP_ANSWER, STAGED_STOP_ANSWER];

/// Names that mean something to us in other places than a drop: no document may bear one, or its letter would be taken
/// for what it is not.
const ELSEWHERE: [&str; 2] = [BATCH, SEND];
/// What a channel's sender hands over.
const SEND: &str = "send";

pub fn is_ours(name: &str) -> bool {
    OURS.contains(&name)
}

const LITTER: [&str; 3] = ["Thumbs.db", "desktop.ini", ".DS_Store"];
const NOT_IN_NAMES: [char; 9] = ['*', ':', '"', '\\', '/', '<', '>', '|', '?'];
const DOCUMENT_NAME_CHARS_MAX: usize = 226;
const LETTER_NAME_CHARS_MAX: usize = 100;
const LETTER_NAME_BYTES_MAX: usize = 200;

/// What operating systems leave behind, and the completeness marker: never part of a letter.
pub fn is_ignored(name: &str) -> bool {
    says_complete(name) || is_litter(name)
}

fn is_litter(name: &str) -> bool {
    LITTER.iter().any(|litter| litter.eq_ignore_ascii_case(name)) || name.starts_with("._")
}

/// A loose file in `inbox/` that nobody needs to hear about.
pub fn is_furniture(name: &str) -> bool {
    is_litter(name) || name.starts_with('.') || ["LESMEG", "LESMEG.md", "LESMEG.txt"].contains(&name)
}

/// `batch-YYYY-MM-DD-NN`; more digits where a day has more than 99.
pub fn is_batch_name(name: &str) -> bool {
    let Some((day, number)) = name.strip_prefix("batch-").and_then(|rest| rest.split_at_checked(10)) else {
        return false;
    };
    let digits = number.strip_prefix('-').unwrap_or_default();
    day.parse::<chrono::NaiveDate>().is_ok() && digits.len() >= 2 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

pub fn is_metadata(name: &str) -> bool {
    METADATA.contains(&name)
}

/// Of a file that is no metadata but was most likely meant to be, in other case or with an ending too many: the name
/// that it should have.
pub fn nearly_metadata(name: &str) -> Option<&'static str> {
    METADATA.into_iter().find(|metadata| !is_metadata(name) && is_nearly(name, metadata))
}

/// Whether two names differ in nothing but case, the form of their letters, blanks around them, or one ending too many
/// on either.
pub fn is_nearly(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|name| name.nfkc().collect::<String>().to_lowercase().trim().to_owned());
    let is_longer = |long: &str, short: &str| {
        let ending = long.strip_prefix(short).and_then(|rest| rest.trim_start().strip_prefix('.'));
        !short.is_empty() && ending.is_some_and(|ending| !ending.contains('.'))
    };
    one == other || is_longer(&one, &other) || is_longer(&other, &one)
}

pub fn looks_like_pdf(name: &str) -> bool {
    ends_with_ignoring_case(name, ".pdf")
}

/// SvarUt's rule for `filnavn`, and no name that means something to us.
pub fn is_valid_document_name(name: &str) -> bool {
    let ours = OURS.iter().chain(&METADATA).chain(&stop::NAMES).chain(&ELSEWHERE);
    !name.trim().is_empty()
        && ![".", ".."].contains(&name)
        && name.chars().count() <= DOCUMENT_NAME_CHARS_MAX
        && !name.contains(NOT_IN_NAMES)
        && !name.contains(char::is_control)
        // What the file system has there is not text.
        && !name.contains('\u{fffd}')
        && !says_complete(name)
        && !ours.into_iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// A drop's name as a letter's: safe on Windows, without identity numbers, bounded. `id_start` are the first eight
/// hex digits of the `forsendelsesId`. A folder that comes back to us loses the id that it got the last time.
pub fn letter_name(drop: &str, id_start: &str) -> String {
    let drop = without_id(drop);
    // What is not allowed goes first: its stand-in may be what parts the halves of an identity number.
    let hidden = redact(drop);
    let allowed = hidden.nfc().map(|c| if NOT_IN_NAMES.contains(&c) || is_unshowable(c) { '_' } else { c });
    let safe = redact(&allowed.collect::<String>());
    let mut name = if is_windows_device(&safe) { format!("_{safe}") } else { safe };
    while name.chars().count() > LETTER_NAME_CHARS_MAX || name.len() > LETTER_NAME_BYTES_MAX {
        name.pop();
    }
    let kept = name.trim_end_matches(['.', ' ']);
    let trailing = name.len() - kept.len();
    let mut name = format!("{kept}{}", "_".repeat(trailing));
    if name.is_empty() {
        name.push('_');
    }
    format!("{name}.{id_start}")
}

/// Without what [`letter_name`] and a taken name (`-2`) add, however often.
fn without_id(name: &str) -> &str {
    let is_hex = |id: &str| id.len() == 8 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let numbered = name.rsplit_once('-').filter(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let candidates = [Some(name), numbered.map(|(rest, _)| rest)];
    let bare = candidates.into_iter().flatten().find_map(|name| {
        let (rest, id) = name.rsplit_once('.')?;
        (is_hex(id) && !rest.is_empty()).then_some(rest)
    });
    bare.map_or(name, without_id)
}

/// A name of a sender's making as it may stand in a message or a log: no identity number, nothing that moves the
/// cursor or turns the text around.
pub fn shown(name: &str) -> String {
    let hidden = redact(name);
    let showable = hidden.chars().map(|c| if is_unshowable(c) { '_' } else { c });
    redact(&showable.collect::<String>())
}

/// Control characters, line and paragraph separators, marks that change the direction of text or are invisible,
/// and the mark for what was not UTF-8.
pub fn is_unshowable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}')
}

/// Windows reads the part before the first dot: `CON.txt` is the console too.
fn is_windows_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            matches!(rest, "¹" | "²" | "³") || (rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
        })
    };
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) || numbered("COM") || numbered("LPT")
}

pub(super) fn ends_with_ignoring_case(name: &str, end: &str) -> bool {
    name.len() >= end.len() && name.as_bytes()[name.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_names() {
        let long = "å".repeat(150);
        for (drop, expected) in [
            ("2026-417 vedtak", "2026-417 vedtak.6e1d0f4c"),
            ("a<b>c:d|e?f*g\\h\"i", "a_b_c_d_e_f_g_h_i.6e1d0f4c"),
            ("linje\nskift", "linje_skift.6e1d0f4c"),
            ("slutt. .", "slutt___.6e1d0f4c"),
            ("CON", "_CON.6e1d0f4c"),
            ("com1.brev", "_com1.brev.6e1d0f4c"),
            ("Comté", "Comté.6e1d0f4c"),
            ("sak 20914695016", "sak XXXXXXXXXXX.6e1d0f4c"),
            ("209146 95016", "XXXXXXXXXXX.6e1d0f4c"),
            ("209146:95016", "XXXXXXXXXXX.6e1d0f4c"),
            ("209146\u{200b}95016", "XXXXXXXXXXX.6e1d0f4c"),
            ("a\u{30a}", "å.6e1d0f4c"),
            ("fdp.\u{202e}evil", "fdp._evil.6e1d0f4c"),
            ("\u{fffd}", "_.6e1d0f4c"),
            ("brev.0123abcd", "brev.6e1d0f4c"),
            ("brev.0123abcd-2.4567cdef-13", "brev.6e1d0f4c"),
            (".0123abcd", ".0123abcd.6e1d0f4c"),
            ("sak-2", "sak-2.6e1d0f4c"),
            (&long, &format!("{}.6e1d0f4c", "å".repeat(100))),
        ] {
            assert_eq!(letter_name(drop, "6e1d0f4c"), expected);
        }
        assert!(letter_name(&"€".repeat(100), "6e1d0f4c").len() <= 209);
    }

    #[test]
    fn shown_names_hide_identity_numbers_however_they_are_split() {
        for name in ["20914695016.pdf", "209146 95016.pdf", "209146\n95016.pdf", "209146\u{202e}95016.pdf"] {
            assert_eq!(shown(name), "XXXXXXXXXXX.pdf", "{name:?}");
        }
    }

    #[test]
    fn document_names() {
        for good in [
            "vedtak.pdf",
            "stopp.pdf",
            "STOPP - vedtak.docx",
            "Søknad om plass (2).docx",
            &format!("{}.pdf", "x".repeat(222)),
        ] {
            assert!(is_valid_document_name(good), "{good}");
        }
        let long = "x".repeat(227);
        for bad in [
            "",
            " ",
            "..",
            "a/b.pdf",
            "a\\b",
            "a:b",
            "a?b",
            "STATUS.yaml",
            "ferdig",
            "Stopp.TXT",
            "stop",
            "stopp-svar.txt",
            "klar",
            "Klar.txt.TXT",
            "batch.yaml",
            "SEND",
            "forsendelse.json",
            "a\nb",
            &long,
        ] {
            assert!(!is_valid_document_name(bad), "{bad}");
        }
    }

    #[test]
    fn near_misses() {
        for name in
            ["Forsendelse.yaml", "forsendelse.YAML", "forsendelse.yaml.txt", "FORSENDELSE.json.TXT", "forsendelse"]
        {
            assert!(nearly_metadata(name).is_some(), "{name}");
        }
        for name in ["forsendelse.yaml", "forsendelse.xml", "forsendelse.pdf", "vedtak.yaml", ""] {
            assert_eq!(nearly_metadata(name), None, "{name}");
        }
        for name in ["Vedtak.pdf", "vedtak.PDF", "vedtak.pdf.pdf", "vedtak", "vedtak.pdf ", "ｖedtak.pdf"] {
            assert!(is_nearly(name, "vedtak.pdf") && is_nearly("vedtak.pdf", name), "{name}");
        }
        assert_eq!(nearly_metadata("Forsendelse.json.txt"), Some("forsendelse.json"));
        for name in ["vedtak.docx", "vedtak2.pdf", "vedtak.pdf.pdf.pdf", ""] {
            assert!(!is_nearly(name, "vedtak.pdf"), "{name}");
        }
    }

    #[test]
    fn what_is_passed_over() {
        assert!(is_ignored("Thumbs.db") && is_ignored("._vedtak.pdf") && is_ignored("KLAR.txt"));
        assert!(!is_ignored("FERDIG") && !is_ignored("vedtak.pdf"));
    }
}
