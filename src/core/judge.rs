//! From what was found in a drop to a decision: the refusals in their order, then the channel table.
//!
//! A refusal is a decision like any other. The first that applies wins, so the checks below stand in the order of
//! [`Code`]; only `duplicate` is judged elsewhere, by whoever remembers earlier letters, and takes its place in the
//! order by comparison.

use std::collections::HashSet;

use chrono::NaiveDate;
use unicode_normalization::UnicodeNormalization;

use super::code::{Code, Refusal};
use super::facts::Address;

use super::identity::{OrgNumber, RecipientId, redact};
use super::letter::{Digest256, Document, Letter, Recipient, Text};
use super::names::{is_nearly, is_valid_document_name, looks_like_pdf, shown};
use super::print::{Country, Violation};
use super::printable::{self, check_pdfs, check_print};
use super::route::{Channel, Decision, Facts, route};
use super::senders::{Group, Rule, Sender, Senders};

/// Bytes the documents of one letter may have together; SvarUt's limit for what may be printed.
pub const DOCUMENTS_BYTES_MAX: u64 = 350_000_000;

/// A file in a drop, other than metadata and what is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// As the file system has it.
    pub name: String,
    /// `None`: not a regular file.
    pub bytes: Option<u64>,
}

/// What a drop holds, before its documents are read.
#[derive(Clone, Debug)]
pub struct Drop {
    /// The sender in whose own inbox it lay.
    pub folder_sender: Option<OrgNumber>,
    /// `avsender` as it was written; known even where the rest of the metadata is refused.
    pub named_sender: Text,
    /// `eksternReferanse`, likewise: the archive system must recognise what was refused.
    pub reference: Text,
    pub letter: Result<Letter, Refusal>,
    /// What the metadata says, accepted or not, where it could be read: the key is made of it.
    pub stated: Option<Letter>,
    /// In name order.
    pub files: Vec<Found>,
    /// SHA-256 of the metadata file, where it was read.
    pub metadata: Option<Digest256>,
}

/// What reading a document's bytes told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub digest: Digest256,
    pub bytes: u64,
    /// Only for PDFs: pages, or what is wrong.
    pub pdf: Option<Result<u32, PdfFault>>,
    /// The print rules that it breaks; only where it may matter.
    pub violations: Vec<Violation>,
}

/// Why a PDF cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PdfFault {
    /// Not a PDF, cut short, half-written, damaged where its pages need it, or built to exhaust its reader.
    #[error("the PDF cannot be read")]
    Unreadable,
    /// Encrypted, even where the empty password opens it: what may be done with it is not ours to decide.
    #[error("the PDF is encrypted")]
    Encrypted,
    /// Whole and open, but without a single page.
    #[error("the PDF has no pages")]
    NoPages,
}

impl PdfFault {
    pub fn code(self) -> Code {
        match self {
            Self::Unreadable => Code::PdfUnreadable,
            Self::Encrypted => Code::PdfEncrypted,
            Self::NoPages => Code::PdfNoPages,
        }
    }
}

/// A document with its content; `None` where it was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub document: Document,
    pub content: Option<Content>,
}

/// Who a letter is from and to, as far as it can be said without a register.
#[derive(Clone, Debug)]
pub struct Addressed<'a> {
    pub sender: &'a Sender,
    pub recipient: Option<RecipientId>,
    pub rule: Rule,
}

impl Drop {
    /// The sender: the folder's, else the field's, else the only one there is.
    pub fn sender<'a>(&self, senders: &'a Senders) -> Result<&'a Sender, Refusal> {
        let unknown = || Refusal::new(Code::SenderUnknown, "");
        let named = self.named_sender.as_deref().map(|text| OrgNumber::parse(text.as_bytes()));
        match (self.folder_sender, named) {
            (Some(folder), Some(field)) if field != Some(folder) => Err(Refusal::new(Code::SenderMismatch, "")),
            (Some(number), _) | (None, Some(Some(number))) => senders.get(number).ok_or_else(unknown),
            (None, Some(None)) => Err(unknown()),
            (None, None) => senders.only().ok_or_else(unknown),
        }
    }

    /// The key's first line: the sender that was found, else the one that was claimed to be it.
    pub fn key_sender(&self, senders: &Senders) -> String {
        let found = self.sender(senders).ok().map(|sender| sender.number).or(self.folder_sender);
        found.map(|number| number.to_string()).or_else(|| self.named_sender.clone()).unwrap_or_default()
    }

    /// The refusals that need no register. `Ok` names the recipient that is to be looked up, if any.
    pub fn address<'a>(&self, senders: &'a Senders, today: NaiveDate) -> Result<Addressed<'a>, Refusal> {
        let letter = self.letter.as_ref().map_err(Clone::clone)?;
        let sender = self.sender(senders)?;
        // A number of nine digits is looked up among organisations, whether or not it turns out to be valid.
        let digits = letter.recipient.digital_id.as_deref().unwrap_or_default().bytes().filter(|b| *b != b' ').count();
        let group = if digits == 9 { Group::Organisations } else { Group::Persons };
        let rule = sender.rule(group, today).ok_or_else(|| {
            Refusal::new(Code::SenderUnknown, format!("avsenderen har ingen regel for {group} den {today}"))
        })?;
        if let Some(field) = letter.unsupported {
            return Err(Refusal::new(Code::NotSupported, format!("felt {field}")));
        }
        if letter.encrypted {
            return Err(Refusal::new(Code::EncryptedDocuments, ""));
        }
        let recipient = match &letter.recipient.digital_id {
            None => None,
            Some(id) => Some(RecipientId::parse(id).ok_or_else(|| Refusal::new(Code::RecipientIdInvalid, ""))?),
        };
        Ok(Addressed { sender, recipient, rule })
    }

    /// The documents that the letter names, or every PDF in the folder.
    pub fn documents(&self) -> Vec<Document> {
        match self.letter.as_ref().ok().and_then(|letter| letter.documents.clone()) {
            Some(declared) => declared,
            None => {
                let pdfs = self.files.iter().filter(|file| looks_like_pdf(&file.name));
                pdfs.map(|file| Document::found(file.name.clone())).collect()
            }
        }
    }

    /// The file in the folder that a document names. Names are compared composed: a Mac decomposes å.
    pub fn file(&self, document: &Document) -> Option<&Found> {
        let exact = self.files.iter().find(|file| file.name == document.name);
        exact.or_else(|| self.files.iter().find(|file| file.name.nfc().eq(document.name.nfc())))
    }

    /// Whether the documents together are small enough to be read at all.
    pub fn is_readable_size(&self) -> bool {
        self.files.iter().filter_map(|file| file.bytes).fold(0, u64::saturating_add) <= DOCUMENTS_BYTES_MAX
    }

    /// Whether everything that the metadata names is there.
    pub fn is_complete(&self) -> bool {
        self.documents().iter().all(|document| self.file(document).is_some())
    }

    /// What an incomplete drop waits for, in bokmål; none where it lacks nothing.
    pub fn wants(&self) -> Option<String> {
        match &self.letter {
            Err(refusal) if refusal.code == Code::MetadataMissing => {
                let near = Some(&refusal.detail).filter(|near| !near.is_empty());
                return Some(format!(
                    "metadatafilen mangler{}",
                    near.map(|near| format!("; {near}")).unwrap_or_default()
                ));
            }
            _ => {}
        }
        let documents = self.documents();
        let missing = || documents.iter().filter(|document| self.file(document).is_none());
        let names: Vec<String> = missing().map(|document| shown(&document.name)).collect();
        // Ten are help enough, and of a long list each costs a look at every file.
        let near: String = missing().take(10).map(|document| self.near(document)).collect();
        (!names.is_empty()).then(|| format!("{} mangler{near}", names.join(", ")))
    }

    /// The file that a missing document most likely means: one that no other document names.
    fn near(&self, missing: &Document) -> String {
        let documents = self.documents();
        let is_named = |file: &Found| documents.iter().any(|document| self.file(document) == Some(file));
        let near = self.files.iter().find(|file| is_nearly(&file.name, &missing.name) && !is_named(file));
        near.map(|near| format!("; i mappen ligger {}", shown(&near.name))).unwrap_or_default()
    }

    /// The refusals of the document list, both ways: what is named must be there, what is there must be named.
    fn check_documents(&self, documents: &[Document]) -> Result<(), Refusal> {
        let refuse = |code, name: &str| Err(Refusal::new(code, shown(name)));
        if documents.is_empty() {
            return Err(Refusal::new(Code::NoDocuments, ""));
        }
        if let Some(document) = documents.iter().find(|document| !is_valid_document_name(&document.name)) {
            return refuse(Code::DocumentNameInvalid, &document.name);
        }
        let mut names = HashSet::new();
        let folded = |document: &&Document| document.name.nfc().collect::<String>().to_lowercase();
        if let Some(document) = documents.iter().find(|document| !names.insert(folded(document))) {
            return refuse(Code::DocumentDuplicateName, &document.name);
        }
        if let Some(document) = documents.iter().find(|document| self.file(document).is_none()) {
            return Err(Refusal::new(Code::DocumentMissing, shown(&document.name) + &self.near(document)));
        }
        let declared: HashSet<&str> =
            documents.iter().filter_map(|document| self.file(document)).map(|file| file.name.as_str()).collect();
        let undeclared = |file: &&Found| file.bytes.is_some() && !declared.contains(file.name.as_str());
        if let Some(file) = self.files.iter().find(undeclared) {
            return refuse(Code::DocumentUndeclared, &file.name);
        }
        if let Some(file) = self.files.iter().find(|file| file.bytes.is_none()) {
            return refuse(Code::DocumentNotRegular, &file.name);
        }
        if !self.is_readable_size() {
            return Err(Refusal::new(Code::DocumentTooLarge, ""));
        }
        Ok(())
    }
}

/// A decision with what it rests on.
#[derive(Clone, Debug)]
pub struct Judgement {
    pub decision: Decision,
    pub sender: Option<OrgNumber>,
    pub rule: Option<Rule>,
    /// An organisation's address from the register, where the letter brought none.
    pub address: Option<Address>,
}

impl Judgement {
    /// The same letter arrived before: that refusal, unless an earlier one in the order already holds.
    pub fn or_duplicate_of(&mut self, first: &str) {
        if self.decision.channel != Channel::Avvist || self.decision.code > Code::Duplicate {
            let refusal = Refusal::new(Code::Duplicate, format!("første gang med forsendelsesId {first}"));
            self.decision = Decision::refused(&refusal);
        }
    }
}

/// The whole decision on one drop, but for `duplicate`.
pub fn judge(drop: &Drop, reads: &[Read], senders: &Senders, facts: &Facts, today: NaiveDate) -> Judgement {
    let addressed = drop.address(senders, today);
    // Whoever owns the inbox is told, whatever the letter says of its sender.
    let sender = drop.sender(senders).ok().map(|sender| sender.number).or(drop.folder_sender);
    let rule = addressed.as_ref().ok().map(|addressed| addressed.rule.clone());
    let mut address = None;
    let outcome = addressed.and_then(|addressed| decide(drop, reads, &addressed, facts, today, &mut address));
    let decision = outcome.unwrap_or_else(|refusal| Decision::refused(&refusal));
    Judgement { decision, sender, rule, address }
}

fn decide(
    drop: &Drop,
    reads: &[Read],
    addressed: &Addressed,
    facts: &Facts,
    today: NaiveDate,
    address: &mut Option<Address>,
) -> Result<Decision, Refusal> {
    let letter = drop.letter.as_ref().map_err(Clone::clone)?;
    let mut decision = route(facts, addressed.sender.uses_mailboxes(today), letter.digital_only, today);
    if matches!(decision.code, Code::OrganisationUnknown | Code::OrganisationClosed) {
        return Ok(decision);
    }
    *address = check_address(letter, facts)?;
    check_in_the_open(letter)?;
    let documents: Vec<Document> = reads.iter().map(|read| read.document.clone()).collect();
    drop.check_documents(&documents)?;
    if decision.channel == Channel::Avvist {
        return Ok(decision);
    }
    check_pdfs(reads)?;
    if let Err(refusal) = check_print(reads) {
        decision.not_printable(printable::paper(&decision, letter, &addressed.rule), &refusal);
    }
    Ok(decision)
}

/// The register's address where the letter has none. An address is wanted unless the letter never goes on paper.
fn check_address(letter: &Letter, facts: &Facts) -> Result<Option<Address>, Refusal> {
    if letter.digital_only {
        return Ok(None);
    }
    let registered = match facts {
        Facts::Organisation(Some(organisation)) if letter.recipient.has_no_address() => organisation.address.clone(),
        _ => None,
    };
    let recipient = match &registered {
        Some(address) => letter.recipient.with_address(address),
        None => letter.recipient.clone(),
    };
    let whose = match registered {
        Some(_) => "adressen er hentet fra Enhetsregisteret, så oppgi en adresse i brevet: ",
        None => "",
    };
    let country = recipient.country.as_deref().unwrap_or_default();
    // Of an address to a country that nobody knows no more is wanted than what every address has.
    let incomplete = match Country::known(country) {
        Some(_) => recipient.check_address().err(),
        None if recipient.name.is_none() => Some("navn mangler"),
        None if recipient.city.is_none() => Some("poststed mangler"),
        None => return Err(Refusal::new(Code::CountryUnknown, format!("{whose}felt land"))),
    };
    match incomplete {
        Some(wanting) => Err(Refusal::new(Code::AddressIncomplete, format!("{whose}{wanting}"))),
        None => Ok(registered),
    }
}

/// Fields that stand in the envelope's window, on its back or in a notice bear no identity number.
fn check_in_the_open(letter: &Letter) -> Result<(), Refusal> {
    let of = |recipient: &Recipient| {
        let [line1, line2, line3] = recipient.lines.clone();
        let Recipient { name, postcode, city, country, .. } = recipient.clone();
        [
            ("navn", name),
            ("adresselinje1", line1),
            ("adresselinje2", line2),
            ("adresselinje3", line3),
            ("postnummer", postcode),
            ("poststed", city),
            ("land", country),
        ]
    };
    let title = ("tittel".to_owned(), Some(letter.title.clone()));
    let below = |parent: &'static str| move |(field, text): (&str, Text)| (format!("{parent}.{field}"), text);
    let back = letter.return_address.iter().flat_map(of).map(below("svarSendesTil"));
    for (field, text) in of(&letter.recipient).into_iter().map(below("mottaker")).chain(back).chain([title]) {
        if text.is_some_and(|text| redact(&text) != text) {
            return Err(Refusal::new(Code::RecipientDetailsPersonal, format!("felt {field}")));
        }
    }
    Ok(())
}

/// Documents by name with their digests, as the key wants them.
pub fn key_documents(reads: &[Read]) -> Vec<(String, Option<Digest256>)> {
    let digest = |read: &Read| read.content.as_ref().map(|content| content.digest);
    reads.iter().map(|read| (read.document.name.clone(), digest(read))).collect()
}
