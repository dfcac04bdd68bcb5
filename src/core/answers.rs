//! What the channels' own systems answer, and which receipt each answer is: eFormidling's integrasjonspunkt, Altinn 3
//! Correspondence, and SvarUt. One table for each; the first row that fits.
//!
//! Sources: Digdir's integrasjonspunkt (`MessageStatusMapper`, `FiksRestStatusMapper`), Altinn's correspondence API (status
//! history, notifications, CloudEvents), KS' forsendelse-status API v1 to v3.

use super::receipts::Word;

/// Whose answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    Eformidling,
    Altinn,
    Svarut,
}

/// What an answer amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Receipt(Word),
    /// A receipt that speaks of paper, whatever channel the letter is in here.
    OnPaper(Word),
    /// Known, and of no consequence here.
    Nothing,
}

use Meaning::{Nothing, OnPaper, Receipt};

/// eFormidling: status, a part of its description (empty: any), what it means. Where the channel makes a difference (a
/// delivery in Altinn is no delivery), the word is one that the letter's channel settles.
const EFORMIDLING: [(&str, &str, Meaning); 14] = [
    ("OPPRETTET", "", Nothing),
    ("ANNET", "", Nothing),
    ("INNKOMMENDE_MOTTATT", "", Nothing),
    ("INNKOMMENDE_LEVERT", "", Nothing),
    ("SENDT", "", Receipt(Word::Sent)),
    ("MOTTATT", "", Receipt(Word::Sent)),
    ("LEVERT", "lagt til print", Receipt(Word::SentToPrint)),
    ("LEVERT", "", Receipt(Word::DeliveredByBroker)),
    ("LEST", "", Receipt(Word::Read)),
    // The letter is delivered all the same: «Kvittering for at en spesifisert varsling ikke har blitt sendt».
    ("FEIL", "varsling", Receipt(Word::NoticeFailed)),
    ("FEIL", "posten ikke har blitt levert", Receipt(Word::Returned)),
    ("FEIL", "", Receipt(Word::Failed)),
    ("LEVETID_UTLOPT", "", Receipt(Word::GaveUp)),
    ("LEVETID_UTLØPT", "", Receipt(Word::GaveUp)),
];

/// Altinn: a status in `statusHistory`.
const ALTINN: [(&str, Meaning); 16] = [
    ("Initialized", Nothing),
    ("ReadyForPublish", Nothing),
    ("Published", Receipt(Word::Available)),
    // A list was shown; nobody has read the letter.
    ("Fetched", Receipt(Word::Sent)),
    ("Read", Receipt(Word::Opened)),
    ("Replied", Receipt(Word::Opened)),
    ("Confirmed", Receipt(Word::Opened)),
    ("Archived", Receipt(Word::Opened)),
    ("AttachmentsDownloaded", Receipt(Word::Opened)),
    ("Reserved", Receipt(Word::Failed)),
    ("Failed", Receipt(Word::Failed)),
    ("PurgedByRecipient", Receipt(Word::Removed)),
    ("PurgedByAltinn", Receipt(Word::Removed)),
    ("AttachmentsPurged", Nothing),
    ("Migrated", Nothing),
    ("AttachmentsAvailable", Nothing),
];

/// Altinn: the end of a CloudEvent's `type`, in lower case.
const ALTINN_EVENTS: [(&str, Meaning); 14] = [
    ("notificationreminderdelivered", Nothing),
    ("notificationdelivered", Receipt(Word::Notified)),
    ("notificationallfailed", Receipt(Word::NoticeFailed)),
    ("published", Receipt(Word::Available)),
    ("receiverread", Receipt(Word::Opened)),
    ("receiverconfirmed", Receipt(Word::Opened)),
    ("receiverreplied", Receipt(Word::Opened)),
    ("archived", Receipt(Word::Opened)),
    ("attachmentsdownloaded", Receipt(Word::Opened)),
    ("receiverreserved", Receipt(Word::Failed)),
    ("publishfailed", Receipt(Word::Failed)),
    ("purged", Receipt(Word::Removed)),
    ("receiverneverread", Nothing),
    ("receiverneverconfirmed", Nothing),
];

/// SvarUt: `status`.
const SVARUT: [(&str, Meaning); 15] = [
    ("MOTTATT", Receipt(Word::Sent)),
    ("AKSEPTERT", Receipt(Word::Sent)),
    ("KLAR_FOR_MOTTAK", Receipt(Word::Sent)),
    ("SENDT_SDP", Receipt(Word::SentToMailbox)),
    ("SENDT_DIGITALT", Receipt(Word::Sent)),
    ("VARSLET", Receipt(Word::Notified)),
    // What an organisation's own system has fetched is «LEST» here too.
    ("LEST", Receipt(Word::Read)),
    ("LEVERT_SDP", Receipt(Word::DeliveredToMailbox)),
    ("SENDT_PRINT", OnPaper(Word::SentToPrint)),
    ("PRINTET", OnPaper(Word::Printed)),
    ("AVVIST", Receipt(Word::Failed)),
    ("FEILET_UNDER_MOTTAK", Receipt(Word::Failed)),
    ("IKKE_LEVERT", Receipt(Word::Failed)),
    ("MANUELT_HANDTERT", Receipt(Word::Removed)),
    ("SLETTET", Receipt(Word::Removed)),
];

/// What eFormidling says of a message. `None`: a status that is not known.
pub fn eformidling(status: &str, description: &str) -> Option<Meaning> {
    let description = description.to_lowercase();
    let fits =
        |(word, part, _): &&(&str, &str, Meaning)| word.eq_ignore_ascii_case(status) && description.contains(part);
    let row = EFORMIDLING.iter().find(fits);
    // Of what comes in to us there is nothing to say of letters.
    row.map(|row| row.2).or_else(|| status.starts_with("INNKOMMENDE_").then_some(Nothing))
}

/// What a status in Altinn's history says of a letter.
pub fn altinn(status: &str) -> Option<Meaning> {
    ALTINN.iter().find(|(word, _)| word.eq_ignore_ascii_case(status)).map(|row| row.1)
}

/// What an event that Altinn has pushed says; of those that are not known, nothing.
pub fn altinn_event(kind: &str) -> Meaning {
    let kind = kind.to_ascii_lowercase();
    ALTINN_EVENTS.iter().find(|(end, _)| kind.ends_with(end)).map_or(Nothing, |row| row.1)
}

/// What SvarUt says of a forsendelse.
pub fn svarut(status: &str) -> Option<Meaning> {
    SVARUT.iter().find(|(word, _)| word.eq_ignore_ascii_case(status)).map(|row| row.1)
}

impl System {
    /// By the word in a file's name (`x.efm.json`) or in `system` of an `*.id.csv`.
    pub fn named(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "efm" | "eformidling" => Some(Self::Eformidling),
            "altinn" => Some(Self::Altinn),
            "svarut" => Some(Self::Svarut),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts are those that the integrasjonspunkt writes.
    #[test]
    #[rustfmt::skip]
    fn what_eformidling_says() {
        for (status, description, meaning) in [
            ("LEVERT", "Kvittering på at digital post er tilgjengeliggjort eller at fysisk post er klargjort for utskrift", Some(Receipt(Word::DeliveredByBroker))),
            ("LEVERT", "Kvittering fra utskrift og forsendelsestjenesten om at melding er mottatt og lagt til print", Some(Receipt(Word::SentToPrint))),
            ("LEST", "Kvittering fra Innbygger for at digital post er åpnet", Some(Receipt(Word::Read))),
            ("FEIL", "Kvittering for at en spesifisert varsling ikke har blitt sendt", Some(Receipt(Word::NoticeFailed))),
            ("FEIL", "Kvittering fra utskrift og forsendelsestjenesten om at posten ikke har blitt levert til Mottaker.", Some(Receipt(Word::Returned))),
            ("FEIL", "Generell melding om at det har skjedd en feil", Some(Receipt(Word::Failed))),
            ("feil", "", Some(Receipt(Word::Failed))),
            ("SENDT", "Hjørne 2 har mottatt meldingen", Some(Receipt(Word::Sent))),
            ("MOTTATT", "Hjørne 3 har mottatt meldingen", Some(Receipt(Word::Sent))),
            ("LEVETID_UTLOPT", "Levetiden for meldingen er utgått", Some(Receipt(Word::GaveUp))),
            ("ANNET", "Ukjent kvittering", Some(Nothing)),
            ("INNKOMMENDE_NOE", "", Some(Nothing)),
            ("LEVERT_KANSKJE", "", None),
            ("", "", None),
        ] {
            assert_eq!(eformidling(status, description), meaning, "{status} {description}");
        }
    }

    #[test]
    fn what_altinn_and_svarut_say() {
        assert_eq!(altinn("Fetched"), Some(Receipt(Word::Sent)));
        assert_eq!(altinn("read"), Some(Receipt(Word::Opened)));
        assert_eq!(altinn("Lest"), None);
        let event = |end: &str| altinn_event(&format!("no.altinn.correspondence.correspondence{end}"));
        assert_eq!(event("notificationdelivered"), Receipt(Word::Notified));
        assert_eq!(event("notificationreminderdelivered"), Nothing);
        assert_eq!(event("notificationallfailed"), Receipt(Word::NoticeFailed));
        assert_eq!(event("receiverread"), Receipt(Word::Opened));
        assert_eq!(event("receiverneverread"), Nothing);
        assert_eq!(event("initialized"), Nothing);
        assert_eq!(svarut("SENDT_PRINT"), Some(OnPaper(Word::SentToPrint)));
        assert_eq!(svarut("Noe"), None);
    }
}
