//! A letter as the rules see it, whichever spelling it was written in, and its key.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use super::code::{Code, Refusal};
use super::facts::Address;
use super::forsendelse::{Adresse, Dokument, Forsendelse, Mapping, Text};
use super::names::looks_like_pdf;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    pub title: String,
    pub reference: Text,
    pub recipient: Recipient,
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
}

impl Letter {
    /// The letter that a forsendelse describes, or the first field that is not valid.
    pub fn from_forsendelse(f: Forsendelse) -> Result<Self, Refusal> {
        let title = required("tittel", f.tittel)?;
        at_most("tittel", &title, 1000)?;
        let recipient = recipient(f.mottaker.ok_or_else(|| missing("mottaker"))?.0)?;
        for (field, value, max) in [
            ("avgivendeSystem", &f.avgivendeSystem, 100),
            ("konteringskode", &f.konteringskode, 20),
            ("forsendelsestype", &f.forsendelsestype, 100),
            ("eksternReferanse", &f.eksternReferanse, 100),
            ("korrelasjonsid", &f.korrelasjonsid, 100),
        ] {
            at_most(field, value.as_deref().unwrap_or_default(), max)?;
        }
        let accounting_char = |c: char| c.is_ascii_alphanumeric() || "_-.øæåØÆÅ".contains(c);
        if !f.konteringskode.as_deref().unwrap_or_default().chars().all(accounting_char) {
            return Err(invalid(
                "konteringskode",
                "bare bokstaver, sifre, bindestrek, understrek og punktum er tillatt",
            ));
        }
        if f.svarPaForsendelse.as_deref().is_some_and(|id| Uuid::try_parse(id).is_err()) {
            return Err(invalid("svarPaForsendelse", "verdien er ikke en forsendelsesId"));
        }
        let links = f.lenker.unwrap_or_default();
        if links.len() > 5 {
            return Err(invalid("lenker", "høyst fem lenker er tillatt"));
        }
        if links.iter().any(|Mapping(link)| link.url.is_none() || link.tekst.is_none()) {
            return Err(invalid("lenker", "hver lenke må ha url og tekst"));
        }
        flag("svarPaForsendelseLink", &f.svarPaForsendelseLink)?;
        let (colour, duplex) = match f.utskriftskonfigurasjon {
            Some(Mapping(print)) => {
                (flag("utskriftMedFarger", &print.utskriftMedFarger)?, flag("tosidig", &print.tosidig)?)
            }
            None => (false, false),
        };
        let to_sign = f.dokumenter.iter().flatten().try_fold(false, |any, Mapping(document)| {
            flag("dokumenter.skalSigneres", &document.skalSigneres).map(|this| any || this)
        })?;
        let unsupported = if to_sign {
            Some("skalSigneres")
        } else if f.signaturType.is_some() {
            Some("signaturType")
        } else {
            f.eksponertFor.is_some_and(|list| !list.is_empty()).then_some("eksponertFor")
        };
        Ok(Self {
            title,
            reference: f.eksternReferanse,
            recipient,
            digital_only: flag("kunDigitalLevering", &f.kunDigitalLevering)?,
            unsupported,
            encrypted: flag("kryptert", &f.kryptert)?,
            colour,
            duplex,
            documents: f
                .dokumenter
                .map(|list| list.into_iter().map(|Mapping(entry)| document(entry)).collect::<Result<_, _>>())
                .transpose()?,
            carried: Carried {
                taushetsbelagt_post: flag("taushetsbelagtPost", &f.taushetsbelagtPost)?,
                krev_niva4_innlogging: flag("krevNiva4Innlogging", &f.krevNiva4Innlogging)?,
                konteringskode: f.konteringskode,
                forsendelsestype: f.forsendelsestype,
                korrelasjonsid: f.korrelasjonsid,
            },
        })
    }
}

impl Letter {
    /// What a forsendelse says, right or wrong, as far as its key wants it.
    pub fn as_stated(f: &Forsendelse) -> Self {
        let recipient = f.mottaker.as_ref().and_then(|Mapping(address)| recipient(address.clone()).ok());
        let document = |Mapping(entry): &Mapping<Dokument>| {
            entry.filnavn.clone().map(|name| Document { name, ..Document::default() })
        };
        Self {
            title: f.tittel.clone().unwrap_or_default(),
            reference: f.eksternReferanse.clone(),
            recipient: recipient.unwrap_or_default(),
            documents: f.dokumenter.as_ref().map(|list| list.iter().filter_map(document).collect()),
            ..Self::default()
        }
    }
}

impl Recipient {
    /// Whether an envelope could be addressed, after the rule of the post; `Err` says what is wanting, in bokmål.
    pub fn check_address(&self) -> Result<(), &'static str> {
        let wanting = if self.name.is_none() {
            "navn mangler"
        } else if is_norway(self.country.as_deref().unwrap_or_default()) {
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

/// The names of Norway that give inland postage, and none at all.
fn is_norway(country: &str) -> bool {
    country.is_empty() || ["norge", "noreg", "norway", "no"].contains(&country.to_lowercase().as_str())
}

fn recipient(a: Adresse) -> Result<Recipient, Refusal> {
    let v2_address =
        [&a.navn, &a.adresselinje1, &a.adresselinje2, &a.adresselinje3, &a.postnummer, &a.poststed, &a.land];
    if a.postAdresse.is_some() && v2_address.iter().any(|field| field.is_some()) {
        return Err(invalid("mottaker.postAdresse", "adressen er oppgitt på to måter"));
    }
    let digital_id = match a.digitalAdresse {
        None => a.digitalId,
        Some(_) if a.digitalId.is_some() => {
            return Err(invalid("mottaker.digitalAdresse", "digitalId er oppgitt på to måter"));
        }
        Some(Mapping(digital)) if digital.fodselsNummer.is_some() && digital.organisasjonsNummer.is_some() => {
            return Err(invalid("mottaker.digitalAdresse", "både fodselsNummer og organisasjonsNummer er oppgitt"));
        }
        Some(Mapping(digital)) => digital.fodselsNummer.or(digital.organisasjonsNummer),
    };
    Ok(match a.postAdresse {
        Some(Mapping(v1)) => Recipient {
            digital_id,
            name: v1.navn,
            lines: [v1.adresse1, v1.adresse2, v1.adresse3],
            postcode: v1.postNummer,
            city: v1.postSted,
            country: v1.land,
        },
        None => Recipient {
            digital_id,
            name: a.navn,
            lines: [a.adresselinje1, a.adresselinje2, a.adresselinje3],
            postcode: a.postnummer,
            city: a.poststed,
            country: a.land,
        },
    })
}

fn document(d: Dokument) -> Result<Document, Refusal> {
    let name = required("dokumenter.filnavn", d.filnavn)?;
    let giro_pages = d.giroarkSider.iter().map(|page| page.parse().ok().filter(|page| *page > 0));
    Ok(Document {
        // A file called .pdf is examined as one whatever it is declared to be.
        pdf: looks_like_pdf(&name) || d.mimeType.as_deref().is_some_and(|m| m.eq_ignore_ascii_case("application/pdf")),
        printed: !flag("dokumenter.skalEkskluderesFraUtskrift", &d.skalEkskluderesFraUtskrift)?,
        giro_pages: giro_pages
            .collect::<Option<_>>()
            .ok_or_else(|| invalid("dokumenter.giroarkSider", "sidetall er hele tall fra 1"))?,
        name,
    })
}

impl Document {
    /// A PDF that was found in the folder and not declared.
    pub fn found(name: String) -> Self {
        Self { name, pdf: true, printed: true, giro_pages: Vec::new() }
    }
}

fn invalid(field: &str, problem: &str) -> Refusal {
    Refusal::new(Code::MetadataInvalid, format!("felt {field}: {problem}"))
}

fn missing(field: &str) -> Refusal {
    invalid(field, "feltet mangler")
}

fn required(field: &str, value: Text) -> Result<String, Refusal> {
    value.ok_or_else(|| missing(field))
}

fn at_most(field: &str, value: &str, chars_max: usize) -> Result<(), Refusal> {
    if value.chars().count() <= chars_max {
        return Ok(());
    }
    Err(invalid(field, &format!("verdien er lengre enn {chars_max} tegn")))
}

fn flag(field: &str, value: &Text) -> Result<bool, Refusal> {
    match value.as_deref() {
        None | Some("false" | "False" | "FALSE") => Ok(false),
        Some("true" | "True" | "TRUE") => Ok(true),
        Some(_) => Err(invalid(field, "verdien må være true eller false")),
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
    use super::super::forsendelse::{Format, parse};
    use super::*;

    fn letter(yaml: &str) -> Result<Letter, Refusal> {
        Letter::from_forsendelse(parse(yaml.as_bytes(), Format::Yaml)?.forsendelse)
    }

    #[test]
    fn both_spellings_make_the_same_letter() {
        let v2 = "{tittel: Vedtak, mottaker: {navn: Kari, digitalId: '20914695016', adresselinje1: Gate 1,
            postnummer: '4604', poststed: KRISTIANSAND S}, konteringskode: K-1, forsendelsestype: vedtak,
            utskriftskonfigurasjon: {tosidig: true}, dokumenter: [{filnavn: a.pdf, mimeType: application/pdf,
            skalEkskluderesFraUtskrift: true, giroarkSider: [2]}]}";
        let v1 = "{tittel: Vedtak, mottaker: {digitalAdresse: {fodselsNummer: '20914695016'}, postAdresse: {navn: Kari,
            adresse1: Gate 1, postNummer: 4604, postSted: KRISTIANSAND S}}, konteringsKode: K-1,
            forsendelsesType: vedtak, utskriftsKonfigurasjon: {tosidig: true}, dokumenter: [{filnavn: a.pdf,
            mimeType: application/pdf, ekskluderesFraUtskrift: true, giroarkSider: [2]}]}";
        let (v1, v2) = (letter(v1).unwrap(), letter(v2).unwrap());
        assert_eq!(v1, v2);
        assert!(v2.duplex && !v2.documents.as_ref().unwrap()[0].printed);
        let documents = [("a.pdf".to_owned(), Some([7; 32]))];
        let key = |letter| Key::of_letter("910077473", letter, &documents).digest();
        assert_eq!(key(&v1), key(&v2));
    }

    #[test]
    fn invalid_fields_are_named() {
        for (rest, field) in [
            ("", "mottaker"),
            ("mottaker: {navn: x}, kunDigitalLevering: ja", "kunDigitalLevering"),
            ("mottaker: {navn: x}, konteringskode: a b", "konteringskode"),
            ("mottaker: {navn: x}, konteringskode: aaaaaaaaaaaaaaaaaaaaa", "konteringskode"),
            ("mottaker: {navn: x}, svarPaForsendelse: abc", "svarPaForsendelse"),
            ("mottaker: {navn: x}, lenker: [{url: u}]", "lenker"),
            ("mottaker: {navn: x}, dokumenter: [{mimeType: text/plain}]", "dokumenter.filnavn"),
            ("mottaker: {navn: x}, dokumenter: [{filnavn: a.pdf, giroarkSider: [0]}]", "dokumenter.giroarkSider"),
            ("mottaker: {navn: x, postAdresse: {navn: y}}", "mottaker.postAdresse"),
            ("mottaker: {digitalId: 1, digitalAdresse: {fodselsNummer: 2}}", "mottaker.digitalAdresse"),
        ] {
            let refusal = letter(&format!("{{tittel: t, {rest}}}")).unwrap_err();
            assert_eq!(refusal.code, Code::MetadataInvalid, "{rest}");
            assert!(refusal.detail.starts_with(&format!("felt {field}: ")), "{rest}: {}", refusal.detail);
        }
        assert_eq!(letter("mottaker: {navn: x}").unwrap_err().detail, "felt tittel: feltet mangler");
    }

    #[test]
    fn no_line_of_a_registers_address_is_lost() {
        let lines = ["c/o A", "B", "", "Storgata 44", "Oppgang 5"].map(str::to_owned).to_vec();
        let address = Address { lines, postcode: "0150".into(), city: "OSLO".into(), country: String::new() };
        let lines = Recipient::default().with_address(&address).lines;
        assert_eq!(lines.map(Option::unwrap), ["c/o A", "B", "Storgata 44, Oppgang 5"]);
    }

    #[test]
    fn addresses() {
        for (address, wanting) in [
            ("navn: K, postnummer: '0010', poststed: OSLO", None),
            ("navn: K, postnummer: '0010', poststed: OSLO, land: norge", None),
            ("navn: K, adresselinje1: Väg 1, poststed: LUND, land: Sverige", None),
            ("postnummer: '0010', poststed: OSLO", Some("navn mangler")),
            ("navn: K, poststed: OSLO", Some("postnummer mangler")),
            ("navn: K, postnummer: 10, poststed: OSLO", Some("postnummer må ha fire sifre")),
            ("navn: K, postnummer: '0010', land: NO", Some("poststed mangler")),
            ("navn: K, poststed: LUND, land: Sverige", Some("adresselinje1 mangler")),
            ("navn: K, adresselinje1: Väg 1, land: Sverige", Some("poststed mangler")),
        ] {
            let letter = letter(&format!("{{tittel: t, mottaker: {{{address}}}}}")).unwrap();
            assert_eq!(letter.recipient.check_address().err(), wanting, "{address}");
        }
    }

    #[test]
    fn keys_are_the_contracts_lines() {
        let letter =
            letter("{tittel: \" T\\nx \", eksternReferanse: R, mottaker: {navn: A\u{30a}, digitalId: '1', land: N}}")
                .unwrap();
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
