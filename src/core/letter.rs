//! A letter as the rules see it, whichever spelling it was written in, and its key.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use super::facts::Address;
use super::print::Country;

/// A text that may be absent; never empty.
pub type Text = Option<String>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    pub title: String,
    pub reference: Text,
    pub recipient: Recipient,
    /// Where answers on paper go, when not to the sender. Its address is whole unless the letter is digital only.
    pub return_address: Option<Recipient>,
    pub digital_only: bool,
    /// A field whose effect we do not have; accepting it would change what was meant.
    pub unsupported: Option<&'static str>,
    pub encrypted: bool,
    pub colour: bool,
    pub duplex: bool,
    /// `None`: every PDF in the folder.
    pub documents: Option<Vec<Document>>,
    pub carried: Carried,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipient {
    pub digital_id: Text,
    pub name: Text,
    /// Address lines 1–3.
    pub lines: [Text; 3],
    pub postcode: Text,
    pub city: Text,
    pub country: Text,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    pub name: String,
    pub pdf: bool,
    pub printed: bool,
    /// 1-based pages for yellow giro paper.
    pub giro_pages: Vec<u32>,
}

/// Fields without meaning to a rule, passed on to whoever sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Carried {
    pub taushetsbelagt_post: bool,
    #[serde(rename = "krevNiva4Innlogging")]
    pub krev_niva4_innlogging: bool,
    pub konteringskode: Text,
    pub forsendelsestype: Text,
    pub korrelasjonsid: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avgivende_system: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub svar_pa_forsendelse: Text,
    /// Whether the letter brings a link by which to answer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub svar_pa_forsendelse_link: bool,
    /// Whether any of the documents does.
    #[serde(default, skip_serializing_if = "is_false")]
    pub inneholder_personsensitiv_informasjon: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lenker: Vec<Link>,
}

/// A link shown in the message about a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub url: String,
    pub tekst: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledetekst: Text,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Recipient {
    /// Whether an envelope could be addressed, after the rule of the post; `Err` says what is wanting, in bokmål.
    pub fn check_address(&self) -> Result<(), &'static str> {
        let wanting = if self.name.is_none() {
            "navn mangler"
        } else if Country::of(self.country.as_deref().unwrap_or_default()).is_norway() {
            match &self.postcode {
                None => "postnummer mangler",
                Some(code) if code.len() != 4 || !code.bytes().all(|b| b.is_ascii_digit()) => {
                    "postnummer må ha fire sifre"
                }
                Some(_) if self.city.is_none() => "poststed mangler",
                Some(_) => return Ok(()),
            }
        } else if self.lines[0].is_none() {
            "adresselinje1 mangler"
        } else if self.city.is_none() {
            "poststed mangler"
        } else {
            return Ok(());
        };
        Err(wanting)
    }

    /// No address at all was given, so that a register's may stand in for it. A half address is a mistake to be
    /// mended by its writer, not to be guessed around.
    pub fn has_no_address(&self) -> bool {
        let parts = [&self.postcode, &self.city, &self.country];
        self.lines.iter().chain(parts).all(Option::is_none)
    }

    /// With the register's address where the letter brought none.
    pub fn addressed(&self, registered: Option<&Address>) -> Self {
        registered.filter(|_| self.has_no_address()).map_or_else(|| self.clone(), |address| self.with_address(address))
    }

    pub fn with_address(&self, address: &Address) -> Self {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut given: Vec<String> = address.lines.iter().filter_map(|line| some(line)).collect();
        // The street often stands last: what there is no line for shares the third.
        if given.len() > 3 {
            let shared = given.split_off(2).join(", ");
            given.push(shared);
        }
        let mut lines = given.into_iter();
        Self {
            lines: std::array::from_fn(|_| lines.next()),
            postcode: some(&address.postcode),
            city: some(&address.city),
            country: some(&address.country),
            ..self.clone()
        }
    }
}

impl Document {
    /// A PDF that was found in the folder and not declared.
    pub fn found(name: String) -> Self {
        Self { name, pdf: true, printed: true, giro_pages: Vec::new() }
    }
}

/// What makes two letters the same letter: SHA-256 over sender, reference, recipient, title and documents.
#[derive(Clone)]
pub struct Key(Sha256);

/// The SHA-256 of a key's lines, or of a document.
pub type Digest256 = [u8; 32];

impl Key {
    /// Of a letter whose metadata could be read. A document that is missing or cannot be read has no digest.
    pub fn of_letter(sender: &str, letter: &Letter, documents: &[(String, Option<Digest256>)]) -> Self {
        let r = &letter.recipient;
        let [line1, line2, line3] = &r.lines;
        let fields = [&letter.reference, &r.digital_id, &r.name, line1, line2, line3, &r.postcode, &r.city, &r.country];
        let mut key = Self(Sha256::new()).line(sender);
        for field in fields {
            key = key.line(field.as_deref().unwrap_or_default());
        }
        key.line(&letter.title).files(documents)
    }

    /// Of a drop whose metadata could not be read: the files found, in name order.
    pub fn of_files(files: &[(String, Option<Digest256>)]) -> Self {
        Self(Sha256::new()).files(files)
    }

    /// What the ledger remembers.
    pub fn digest(&self) -> Digest256 {
        self.0.clone().finalize().into()
    }

    /// The `forsendelsesId`: UUIDv8 of the key's first 16 bytes; with an attempt's number, of the key with one more
    /// line. An id names one folder, so a drop that is refused or follows such a letter needs an id of its own.
    pub fn id(&self, attempt: Option<u32>) -> Uuid {
        let digest = match attempt {
            None => self.digest(),
            Some(number) => self.clone().line(&number.to_string()).digest(),
        };
        uuid::Builder::from_custom_bytes(*digest.first_chunk().expect("32 bytes hold 16")).into_uuid()
    }

    fn line(mut self, text: &str) -> Self {
        let text: String = text.nfc().map(|c| if c == '\n' { ' ' } else { c }).collect();
        self.0.update(text.trim());
        self.0.update("\n");
        self
    }

    fn files(self, files: &[(String, Option<Digest256>)]) -> Self {
        files.iter().fold(self, |key, (name, digest)| {
            key.line(&format!("{} {name}", digest.as_ref().map(hex).unwrap_or_default()))
        })
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_registers_address_is_lost() {
        let lines = ["c/o A", "B", "", "Storgata 44", "Oppgang 5"].map(str::to_owned).to_vec();
        let address = Address { lines, postcode: "0150".into(), city: "OSLO".into(), country: String::new() };
        let lines = Recipient::default().with_address(&address).lines;
        assert_eq!(lines.map(Option::unwrap), ["c/o A", "B", "Storgata 44, Oppgang 5"]);
    }

    #[test]
    fn keys_are_the_contracts_lines() {
        let some = |text: &str| Some(text.to_owned());
        let recipient =
            Recipient { digital_id: some("1"), name: some("A\u{30a}"), country: some("N"), ..Recipient::default() };
        let letter = Letter { title: " T\nx ".to_owned(), reference: some("R"), recipient, ..Letter::default() };
        let lines = format!("910077473\nR\n1\n\u{c5}\n\n\n\n\n\nN\nT x\n{} a.pdf\n", "07".repeat(32));
        let documents = [("a.pdf".to_owned(), Some([7; 32]))];
        let key = Key::of_letter("910077473", &letter, &documents);
        assert_eq!(key.digest(), <[u8; 32]>::from(Sha256::digest(&lines)));
        let second = <[u8; 32]>::from(Sha256::digest(format!("{lines}2\n")));
        assert_eq!(hex(key.id(Some(2)).as_bytes())[..12], hex(second)[..12]);
        assert_eq!(key.id(None).get_version_num(), 8);
        assert_ne!(key.id(None), key.id(Some(1)));
    }
}
