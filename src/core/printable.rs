//! Printability: which letters may end on paper, what a document must be for it, and what becomes of a letter that
//! cannot be printed.

use chrono::NaiveDate;

use super::code::{Code, Refusal};
use super::judge::{Drop, PdfFault, Read};
use super::letter::Letter;
use super::names::shown;
use super::print::PrintLimits;
use super::route::{Channel, Decision, Facts, route};
use super::senders::{Rule, Senders, Then};

/// What paper means for a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    Never,
    /// Only if the mailbox fails.
    Perhaps,
    /// Now, or once a deadline has passed.
    MayEnd,
}

pub fn paper(decision: &Decision, letter: &Letter, rule: &Rule) -> Paper {
    match decision.channel {
        _ if letter.digital_only => Paper::Never,
        Channel::Print => Paper::MayEnd,
        Channel::Altinn | Channel::Svarinn if rule.then == Then::Print => Paper::MayEnd,
        Channel::Digipost | Channel::Eboks => Paper::Perhaps,
        Channel::Altinn | Channel::Svarinn | Channel::Avvist => Paper::Never,
    }
}

impl Decision {
    /// What only matters on paper refuses a letter that may end on it. One that comes there only if its mailbox fails
    /// gets a warning, so that somebody knows now.
    pub fn not_printable(&mut self, paper: Paper, refusal: &Refusal) {
        match paper {
            Paper::Never => {}
            Paper::Perhaps => {
                self.warnings.push(format!("Kan ikke skrives ut hvis leveringen feiler: {}", refusal.sentence()));
            }
            Paper::MayEnd => *self = Self::refused(refusal),
        }
    }
}

/// The sender's demands on paper, where they may come to matter for this letter.
pub fn print_limits<'a>(drop: &Drop, senders: &'a Senders, facts: &Facts, today: NaiveDate) -> Option<&'a PrintLimits> {
    let letter = drop.letter.as_ref().ok()?;
    let addressed = drop.address(senders, today).ok()?;
    let decision = route(facts, addressed.sender.uses_mailboxes(today), letter.digital_only, today);
    let matters = paper(&decision, letter, &addressed.rule) != Paper::Never;
    matters.then_some(&addressed.sender.print.limits)
}

/// The first PDF that cannot be sent at all, on paper or otherwise.
pub fn check_pdfs(reads: &[Read]) -> Result<(), Refusal> {
    for fault in [PdfFault::Unreadable, PdfFault::Encrypted, PdfFault::NoPages] {
        let has_it = |read: &&Read| read.content.as_ref().is_some_and(|content| content.pdf == Some(Err(fault)));
        if let Some(read) = reads.iter().find(has_it) {
            return Err(Refusal::new(fault.code(), shown(&read.document.name)));
        }
    }
    Ok(())
}

/// What only matters on paper, in the order of the codes.
pub fn check_print(reads: &[Read]) -> Result<(), Refusal> {
    let printed = || reads.iter().filter(|read| read.document.printed);
    for read in printed().filter(|read| read.document.pdf) {
        let pages = read.content.as_ref().and_then(|content| content.pdf).and_then(Result::ok).unwrap_or(0);
        if let Some(page) = read.document.giro_pages.iter().find(|page| **page > pages) {
            let detail = format!("{}: side {page} av {pages}", shown(&read.document.name));
            return Err(Refusal::new(Code::GiroPageOutOfRange, detail));
        }
    }
    if let Some(read) = printed().find(|read| !read.document.pdf) {
        return Err(Refusal::new(Code::DocumentNotPrintable, shown(&read.document.name)));
    }
    if printed().next().is_none() {
        return Err(Refusal::new(Code::DocumentNotPrintable, "alle dokumenter er unntatt fra utskrift"));
    }
    let placeholder = |read: &&Read| {
        let violations = read.content.as_ref().map_or([].as_slice(), |content| &content.violations);
        violations.iter().any(|violation| violation.rule.is_placeholder())
    };
    if let Some(text) = printed().find(placeholder).and_then(violations_text) {
        return Err(Refusal::new(Code::DocumentNotPrintable, text));
    }
    let broken: Vec<String> = printed().filter_map(violations_text).collect();
    if broken.is_empty() { Ok(()) } else { Err(Refusal::new(Code::PrintRules, broken.join("; "))) }
}

/// Every rule that one document breaks, each with its code and its pages.
fn violations_text(read: &Read) -> Option<String> {
    let violations = &read.content.as_ref()?.violations;
    let texts: Vec<String> = violations.iter().map(|v| format!("{}: {}", v.rule.code(), v.sentence())).collect();
    (!texts.is_empty()).then(|| format!("{}: {}", shown(&read.document.name), texts.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::judge::Content;
    use crate::core::letter::Document;
    use crate::core::print::{PrintRule, Violation};
    use crate::core::route::State;
    use crate::core::senders::{Group, Limit};

    fn decision(channel: Channel) -> Decision {
        let sentence = String::new();
        Decision { channel, state: State::Akseptert, code: Code::DigitalMailbox, sentence, warnings: Vec::new() }
    }

    #[test]
    #[rustfmt::skip]
    fn which_letters_may_end_on_paper() {
        use Paper::{MayEnd, Never, Perhaps};
        for (channel,           then_print, then_digital, digital_only) in [
            (Channel::Digipost, Perhaps,    Perhaps,      Never),
            (Channel::Eboks,    Perhaps,    Perhaps,      Never),
            (Channel::Altinn,   MayEnd,     Never,        Never),
            (Channel::Svarinn,  MayEnd,     Never,        Never),
            (Channel::Print,    MayEnd,     MayEnd,       Never),
            (Channel::Avvist,   Never,      Never,        Never),
        ] {
            let of = |then, digital_only| {
                let limit = Limit { text: String::new(), limit: "2 virkedager".parse().unwrap() };
                let from = "2020-01-01".parse().unwrap();
                let rule = Rule { group: Group::Persons, from, limit, then, reminder_days: None };
                paper(&decision(channel), &Letter { digital_only, ..Letter::default() }, &rule)
            };
            let answers = (of(Then::Print, false), of(Then::DigitalOnly, false), of(Then::Print, true));
            assert_eq!(answers, (then_print, then_digital, digital_only), "{channel:?}");
        }
    }

    #[test]
    fn what_cannot_be_printed_refuses_or_warns() {
        let refusal = Refusal::new(Code::PrintRules, "a.pdf");
        for (paper, channel, warnings) in [
            (Paper::Never, Channel::Altinn, 0),
            (Paper::Perhaps, Channel::Altinn, 1),
            (Paper::MayEnd, Channel::Avvist, 0),
        ] {
            let mut decision = decision(Channel::Altinn);
            decision.not_printable(paper, &refusal);
            assert_eq!((decision.channel, decision.warnings.len()), (channel, warnings), "{paper:?}");
        }
    }

    #[test]
    fn what_a_document_must_be_for_paper() {
        let read = |name: &str, printed, giro: &[u32], pages: u32, broken: bool| {
            let violations =
                Vec::from_iter(broken.then(|| Violation { rule: PrintRule::Encrypted, pages: Vec::new() }));
            let pdf = name.ends_with(".pdf").then_some(Ok(pages));
            let content = Some(Content { digest: [0; 32], bytes: 1, pdf, violations });
            let document = Document { name: name.to_owned(), pdf: pdf.is_some(), printed, giro_pages: giro.to_vec() };
            Read { document, content }
        };
        let whole = || read("a.pdf", true, &[2], 2, false);
        for (reads, code) in [
            (vec![whole()], None),
            (
                vec![read("a.pdf", true, &[3], 2, true), read("b.docx", true, &[], 0, false)],
                Some(Code::GiroPageOutOfRange),
            ),
            (vec![whole(), read("b.docx", true, &[], 0, false)], Some(Code::DocumentNotPrintable)),
            (vec![whole(), read("b.docx", false, &[], 0, false)], None),
            (vec![read("a.pdf", false, &[], 2, false)], Some(Code::DocumentNotPrintable)),
            (vec![read("a.pdf", true, &[], 2, true)], Some(Code::PrintRules)),
            (vec![whole(), read("b.pdf", false, &[9], 2, true)], None),
        ] {
            assert_eq!(check_print(&reads).err().map(|refusal| refusal.code), code);
        }
        let broken = |fault| Read {
            content: Some(Content { digest: [0; 32], bytes: 1, pdf: Some(Err(fault)), violations: Vec::new() }),
            ..whole()
        };
        let reads = [broken(PdfFault::NoPages), broken(PdfFault::Unreadable)];
        assert_eq!(check_pdfs(&reads).unwrap_err().code, Code::PdfUnreadable, "the first in the order of codes");
        assert!(check_pdfs(&[whole()]).is_ok());
    }
}
