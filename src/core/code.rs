//! The catalogue: every stable code with the bokmål sentence an operator reads, the paragraph it rests on and what
//! to try. Refusals stand in the order in which they are judged: the first that applies wins.

use std::fmt;

/// Why a letter went where it went. The order of the refusals is the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    // Refusals, in their order.
    MetadataMissing,
    MetadataAmbiguous,
    MetadataUnreadable,
    UnknownField,
    MetadataInvalid,
    SenderUnknown,
    SenderMismatch,
    NotSupported,
    EncryptedDocuments,
    RecipientIdInvalid,
    OrganisationUnknown,
    OrganisationClosed,
    AddressIncomplete,
    CountryUnknown,
    RecipientDetailsPersonal,
    NoDocuments,
    DocumentNameInvalid,
    DocumentDuplicateName,
    DocumentMissing,
    DocumentUndeclared,
    DocumentNotRegular,
    DocumentTooLarge,
    Duplicate,
    DigitalOnlyUndeliverable,
    PdfUnreadable,
    PdfEncrypted,
    PdfNoPages,
    GiroPageOutOfRange,
    DocumentNotPrintable,
    PrintRules,
    AddressNotPrintable,
    // Channels.
    NoDigitalId,
    Reserved,
    NotInKrr,
    NotNotifiable,
    DigitalMailbox,
    NoDigitalMailbox,
    OrganisationBankrupt,
    OwnReceivingSystem,
    Organisation,
    // What happens to a letter afterwards.
    SvarinnNotCollected,
    UnreadPastDeadline,
    NeverNotified,
    DeliveryFailed,
    Stopped,
}

/// What stands beside a code.
pub struct Wording {
    pub code: &'static str,
    /// The reason, as a whole sentence.
    pub sentence: &'static str,
    /// The paragraph of law, `hjemmel` in `status.yaml`.
    pub paragraph: Option<&'static str>,
    /// What to try; empty where nothing is wrong.
    pub remedy: &'static str,
}

const DIGITAL_FIRST: &str = "eForvaltningsforskriften § 8";
const NOTICE_IMPOSSIBLE: &str = "eForvaltningsforskriften § 8 tredje ledd";

impl Code {
    pub const ALL: [Self; 45] = {
        use Code::*;
        [
            MetadataMissing,
            MetadataAmbiguous,
            MetadataUnreadable,
            UnknownField,
            MetadataInvalid,
            SenderUnknown,
            SenderMismatch,
            NotSupported,
            EncryptedDocuments,
            RecipientIdInvalid,
            OrganisationUnknown,
            OrganisationClosed,
            AddressIncomplete,
            CountryUnknown,
            RecipientDetailsPersonal,
            NoDocuments,
            DocumentNameInvalid,
            DocumentDuplicateName,
            DocumentMissing,
            DocumentUndeclared,
            DocumentNotRegular,
            DocumentTooLarge,
            Duplicate,
            DigitalOnlyUndeliverable,
            PdfUnreadable,
            PdfEncrypted,
            PdfNoPages,
            GiroPageOutOfRange,
            DocumentNotPrintable,
            PrintRules,
            AddressNotPrintable,
            NoDigitalId,
            Reserved,
            NotInKrr,
            NotNotifiable,
            DigitalMailbox,
            NoDigitalMailbox,
            OrganisationBankrupt,
            OwnReceivingSystem,
            Organisation,
            SvarinnNotCollected,
            UnreadPastDeadline,
            NeverNotified,
            DeliveryFailed,
            Stopped,
        ]
    };

    pub fn as_str(self) -> &'static str {
        self.entry().code
    }

    pub fn is_refusal(self) -> bool {
        self <= Self::AddressNotPrintable
    }

    pub fn entry(self) -> Wording {
        let refusal = |code, sentence, remedy| Wording { code, sentence, paragraph: None, remedy };
        let routed = |code, sentence, paragraph| Wording { code, sentence, paragraph, remedy: "" };
        match self {
            Self::MetadataMissing => refusal(
                "metadata-missing",
                "Mappen mangler metadatafil.",
                "Legg forsendelse.yaml eller forsendelse.json i mappen.",
            ),
            Self::MetadataAmbiguous => refusal(
                "metadata-ambiguous",
                "Mappen har flere metadatafiler, og det er uklart hvilken som gjelder.",
                "La bare én av forsendelse.yaml, forsendelse.yml og forsendelse.json ligge igjen.",
            ),
            Self::MetadataUnreadable => {
                refusal("metadata-unreadable", "Metadatafilen kan ikke leses.", "Rett filen på det oppgitte stedet.")
            }
            Self::UnknownField => refusal(
                "unknown-field",
                "Metadatafilen har et felt som ikke finnes i forsendelse-formatet.",
                "Rett skrivemåten eller fjern feltet.",
            ),
            Self::MetadataInvalid => refusal(
                "metadata-invalid",
                "Et felt i metadatafilen mangler eller har en verdi som ikke er gyldig.",
                "Rett feltet.",
            ),
            Self::SenderUnknown => refusal(
                "sender-unknown",
                "Avsenderen er ikke kjent, eller har ingen regel for denne typen mottaker.",
                "Kontroller feltet avsender, og at avsenderen har en regel i registry/avsendere.yaml.",
            ),
            Self::SenderMismatch => refusal(
                "sender-mismatch",
                "Mappen ligger hos én avsender, mens metadatafilen oppgir en annen.",
                "Legg mappen hos riktig avsender, eller rett feltet avsender.",
            ),
            Self::NotSupported => refusal(
                "not-supported",
                "Forsendelsen ber om noe som ikke støttes her, og uten det ville den fått en annen betydning.",
                "Send forsendelsen gjennom et system som støtter dette, eller fjern feltet.",
            ),
            Self::EncryptedDocuments => refusal(
                "encrypted-documents",
                "Dokumentene er merket som kryptert, og kan ikke åpnes her.",
                "Send dokumentene ukryptert i den beskyttede mappen.",
            ),
            Self::RecipientIdInvalid => refusal(
                "recipient-id-invalid",
                "Mottakerens digitalId er verken et gyldig fødselsnummer, D-nummer eller organisasjonsnummer.",
                "Rett digitalId, eller fjern feltet for å sende på papir.",
            ),
            Self::OrganisationUnknown => refusal(
                "organisation-unknown",
                "Organisasjonsnummeret finnes verken blant enheter eller underenheter i Enhetsregisteret.",
                "Slå opp organisasjonen i Enhetsregisteret; den kan være slettet.",
            ),
            Self::OrganisationClosed => refusal(
                "organisation-closed",
                "Underenheten er nedlagt.",
                "Send til hovedenheten eller til den som har tatt over virksomheten.",
            ),
            Self::AddressIncomplete => refusal(
                "address-incomplete",
                "Postadressen er ikke fullstendig.",
                "Fyll ut navn, postnummer med fire sifre og poststed; til utlandet navn, adresselinje1, poststed og land.",
            ),
            Self::CountryUnknown => refusal(
                "country-unknown",
                "Landet i adressen er ikke kjent, og verken porto eller konvolutt kan gjettes.",
                "Skriv landet på norsk eller engelsk, eller som landkode etter ISO 3166; til Norge kan feltet utelates.",
            ),
            Self::RecipientDetailsPersonal => refusal(
                "recipient-details-personal",
                "Et fødselsnummer eller D-nummer står i en tekst som vises utenpå brevet eller i et varsel.",
                "Ta nummeret ut av feltet; mottakerens nummer hører bare hjemme i digitalId.",
            ),
            Self::NoDocuments => {
                refusal("no-documents", "Forsendelsen har ingen dokumenter.", "Legg minst ett dokument i mappen.")
            }
            Self::DocumentNameInvalid => refusal(
                "document-name-invalid",
                "Et dokument har et navn som ikke er tillatt.",
                "Bruk høyst 226 tegn, ingen av * : \" \\ / < > | ? og ikke et navn som postgang selv bruker.",
            ),
            Self::DocumentDuplicateName => refusal(
                "document-duplicate-name",
                "To dokumenter har samme navn når store og små bokstaver regnes likt.",
                "Gi dokumentene ulike navn.",
            ),
            Self::DocumentMissing => refusal(
                "document-missing",
                "Et dokument som er oppgitt i metadatafilen, finnes ikke i mappen.",
                "Legg dokumentet i mappen, eller ta det ut av metadatafilen.",
            ),
            Self::DocumentUndeclared => refusal(
                "document-undeclared",
                "Mappen har en fil som metadatafilen ikke oppgir. Et vedlegg skal ikke kunne falle ut i stillhet.",
                "Ta filen inn i dokumenter, eller ut av mappen.",
            ),
            Self::DocumentNotRegular => refusal(
                "document-not-regular",
                "Noe i mappen er ikke en vanlig fil, men en lenke, en mappe eller en spesialfil, eller har et navn som ikke er UTF-8.",
                "Legg dokumentene som vanlige filer direkte i mappen.",
            ),
            Self::DocumentTooLarge => refusal(
                "document-too-large",
                "Forsendelsen er større enn 350 MB eller 1000 filer.",
                "Del forsendelsen, eller gjør dokumentene mindre.",
            ),
            Self::Duplicate => refusal(
                "duplicate",
                "Den samme forsendelsen er mottatt før, og sendes ikke en gang til.",
                "Skal brevet virkelig sendes på nytt, gi det en ny eksternReferanse.",
            ),
            Self::DigitalOnlyUndeliverable => refusal(
                "digital-only-undeliverable",
                "Forsendelsen skal bare leveres digitalt, og mottakeren kan ikke nås digitalt.",
                "Send brevet på en annen måte, eller fjern kunDigitalLevering.",
            ),
            Self::PdfUnreadable => refusal(
                "pdf-unreadable",
                "Et PDF-dokument er ødelagt eller ufullstendig.",
                "Lag PDF-en på nytt, og kontroller at den lar seg åpne.",
            ),
            Self::PdfEncrypted => refusal(
                "pdf-encrypted",
                "Et PDF-dokument er kryptert eller passordbeskyttet.",
                "Lagre PDF-en uten passord og beskyttelse.",
            ),
            Self::PdfNoPages => refusal("pdf-no-pages", "Et PDF-dokument har ingen sider.", "Lag PDF-en på nytt."),
            Self::GiroPageOutOfRange => refusal(
                "giro-page-out-of-range",
                "giroarkSider peker på en side som ikke finnes i dokumentet.",
                "Rett giroarkSider; første side er 1.",
            ),
            Self::DocumentNotPrintable => refusal(
                "document-not-printable",
                "Brevet kan ende på papir, men har et dokument som ikke kan skrives ut, eller ingenting å skrive ut.",
                "Gjør dokumentet om til PDF, eller merk det med skalEkskluderesFraUtskrift.",
            ),
            Self::PrintRules => refusal(
                "print-rules",
                "Brevet kan ende på papir, men et dokument oppfyller ikke kravene til utskrift.",
                "Rett dokumentet etter kravene som er nevnt.",
            ),
            Self::AddressNotPrintable => refusal(
                "address-not-printable",
                "Brevet skal på papir, men adressen kan ikke skrives på konvolutten.",
                "Rett navn og adresse.",
            ),
            Self::NoDigitalId => routed("no-digital-id", "Brevet har ingen digitalId og sendes på papir.", None),
            Self::Reserved => routed(
                "reserved",
                "Mottakeren har reservert seg mot digital kommunikasjon.",
                Some("eForvaltningsforskriften § 9"),
            ),
            Self::NotInKrr => routed(
                "not-in-krr",
                "Mottakeren er ikke registrert i kontakt- og reservasjonsregisteret.",
                Some(NOTICE_IMPOSSIBLE),
            ),
            Self::NotNotifiable => routed(
                "not-notifiable",
                "Mottakeren har ingen kontaktinformasjon som kan brukes til varsling.",
                Some("eForvaltningsforskriften § 8 tredje ledd og § 32"),
            ),
            Self::DigitalMailbox => {
                routed("digital-mailbox", "Mottakeren kan varsles og har valgt digital postkasse.", Some(DIGITAL_FIRST))
            }
            Self::NoDigitalMailbox => routed(
                "no-digital-mailbox",
                "Mottakeren kan varsles, men har ikke digital postkasse.",
                Some(DIGITAL_FIRST),
            ),
            Self::OrganisationBankrupt => routed(
                "organisation-bankrupt",
                "Organisasjonen er konkurs, og Altinn tar ikke imot meldinger til den.",
                None,
            ),
            Self::OwnReceivingSystem => {
                routed("own-receiving-system", "Organisasjonen henter post med sitt eget mottakssystem.", None)
            }
            Self::Organisation => routed(
                "organisation",
                "Brev til organisasjoner sendes i Altinn.",
                Some("eForvaltningsforskriften § 8 og forvaltningsloven § 15 a"),
            ),
            Self::SvarinnNotCollected => routed(
                "svarinn-not-collected",
                "Organisasjonens mottakssystem hentet ikke brevet innen fristen, og det sendes i Altinn.",
                Some(DIGITAL_FIRST),
            ),
            Self::UnreadPastDeadline => routed(
                "unread-past-deadline",
                "Brevet var ikke åpnet i Altinn da lesefristen gikk ut, og sendes på papir.",
                Some(DIGITAL_FIRST),
            ),
            Self::NeverNotified => routed(
                "never-notified",
                "Det kom verken kvittering for varsel eller for at brevet var overlevert til Altinn, og det sendes på papir.",
                Some(NOTICE_IMPOSSIBLE),
            ),
            Self::DeliveryFailed => {
                routed("delivery-failed", "Den digitale leveringen feilet.", Some(NOTICE_IMPOSSIBLE))
            }
            Self::Stopped => routed("stopped", "Brevet ble stoppet før det var åpnet eller sendt på papir.", None),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|code| code.as_str() == text).ok_or(())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A refusal with what only this letter can tell: the field, the file, the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    /// A bokmål clause such as `felt tittel`; no personal data. Empty where the code says it all.
    pub detail: String,
}

impl Refusal {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        debug_assert!(code.is_refusal());
        Self { code, detail: detail.into() }
    }

    /// The sentence an operator reads.
    pub fn sentence(&self) -> String {
        let sentence = self.code.entry().sentence;
        if self.detail.is_empty() { sentence.to_owned() } else { format!("{sentence} ({})", self.detail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sentences_whole() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            let entry = code.entry();
            assert!(seen.insert(entry.code), "{}", entry.code);
            assert!(entry.sentence.ends_with('.'), "{}", entry.sentence);
            assert_eq!(code.is_refusal(), !entry.remedy.is_empty(), "{}", entry.code);
            assert_eq!(entry.code.parse(), Ok(code));
        }
    }
}
