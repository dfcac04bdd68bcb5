//! From a forsendelse, in whichever of its spellings, to the letter that it describes.

use uuid::Uuid;

use super::forsendelse::{Adresse, Dokument, Forsendelse, Lenke, SvarSendesTil};
use super::scalar::Mapping;
use crate::core::code::{Code, Refusal};
use crate::core::letter::{Carried, Document, Letter, Link, Recipient, Text};
use crate::core::names::looks_like_pdf;

impl Letter {
    /// The letter that a forsendelse describes, or the first field that is not valid.
    pub fn from_forsendelse(f: Forsendelse) -> Result<Self, Refusal> {
        let title = required("tittel", f.tittel)?;
        at_most("tittel", &title, 1000)?;
        let health = [&f.beskrivelse, &f.mottakertype, &f.mottakerHerId, &f.avsenderKontakt, &f.pasient];
        let to_health = health.iter().any(|field| field.is_some());
        let recipient = match f.mottaker {
            Some(Some(Mapping(address))) => recipient("mottaker", address)?,
            Some(None) => return Err(empty("mottaker")),
            // In the health network it is the patient's doctor.
            None if to_health => Recipient::default(),
            None => return Err(missing("mottaker")),
        };
        for (field, value, max) in [
            ("avgivendeSystem", &f.avgivendeSystem, 100),
            ("avgivendeSystemAktor", &f.avgivendeSystemAktor, 100),
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
        let answered = f.svarPaForsendelse.map(|id| Uuid::try_parse(&id)).transpose();
        let answered = answered.map_err(|_| invalid("svarPaForsendelse", "verdien er ikke en forsendelsesId"))?;
        let links = links(f.lenker.unwrap_or_default())?;
        let digital_only = flag("kunDigitalLevering", &f.kunDigitalLevering)?;
        let answers = f.svarSendesTil.map(|Mapping(to)| answers(to, digital_only)).transpose()?;
        let (return_address, answers_to_health) = answers.unwrap_or_default();
        let (colour, duplex) = match f.utskriftskonfigurasjon {
            Some(Mapping(print)) => {
                (flag("utskriftMedFarger", &print.utskriftMedFarger)?, flag("tosidig", &print.tosidig)?)
            }
            None => (false, false),
        };
        let to_sign = f.dokumenter.iter().flatten().try_fold(false, |any, Mapping(document)| {
            flag("dokumenter.skalSigneres", &document.skalSigneres).map(|this| any || this)
        })?;
        let sensitive = f.dokumenter.iter().flatten().try_fold(false, |any, Mapping(document)| {
            let field = &document.inneholderPersonsensitivInformasjon;
            flag("dokumenter.inneholderPersonsensitivInformasjon", field).map(|this| any || this)
        })?;
        let signing = f.signering.map(|Mapping(signing)| signing).unwrap_or_default();
        let asked = [
            (to_sign, "skalSigneres"),
            (f.signaturType.is_some(), "signaturType"),
            (f.signeringUtloper.is_some(), "signeringUtloper"),
            (signing.signaturType.is_some(), "signering.signaturType"),
            (signing.signeringUtloper.is_some(), "signering.signeringUtloper"),
            (f.eksponertFor.is_some_and(|list| !list.is_empty()), "eksponertFor"),
            (f.mottakertype.is_some(), "mottakertype"),
            (f.mottakerHerId.is_some(), "mottakerHerId"),
            (f.pasient.is_some(), "pasient"),
            (f.avsenderKontakt.is_some(), "avsenderKontakt"),
            (f.beskrivelse.is_some(), "beskrivelse"),
            (answers_to_health, "svarSendesTil.type"),
        ];
        let unsupported = asked.into_iter().find_map(|(asked, field)| asked.then_some(field));
        Ok(Self {
            title,
            reference: f.eksternReferanse,
            recipient,
            return_address,
            digital_only,
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
                krev_niva4_innlogging: highest_level(&f.krevNiva4Innlogging, f.sikkerhetsniva.as_deref())?,
                konteringskode: f.konteringskode,
                forsendelsestype: f.forsendelsestype,
                korrelasjonsid: f.korrelasjonsid,
                avgivende_system: f.avgivendeSystem,
                svar_pa_forsendelse: answered.map(|id| id.to_string()),
                svar_pa_forsendelse_link: flag("svarPaForsendelseLink", &f.svarPaForsendelseLink)?,
                inneholder_personsensitiv_informasjon: sensitive,
                lenker: links,
            },
        })
    }
}

impl Letter {
    /// What a forsendelse says, right or wrong, as far as its key wants it.
    pub fn as_stated(f: &Forsendelse) -> Self {
        let recipient = f.mottaker.iter().flatten().next();
        let recipient = recipient.and_then(|Mapping(address)| self::recipient("mottaker", address.clone()).ok());
        let document = |Mapping(entry): &Mapping<Dokument>| {
            entry.filnavn.clone().filter(|name| !name.is_empty()).map(|name| Document { name, ..Document::default() })
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

fn recipient(field: &str, mut a: Adresse) -> Result<Recipient, Refusal> {
    let twice = |name: &str, problem| Err(invalid(&format!("{field}.{name}"), problem));
    let v2_address = [&a.adresselinje1, &a.adresselinje2, &a.adresselinje3, &a.postnummer, &a.poststed, &a.land];
    let is_flat = v2_address.iter().any(|field| field.is_some());
    if a.postAdresse.is_some() && (is_flat || a.navn.is_some() || a.adresse.is_some()) {
        return twice("postAdresse", "adressen er oppgitt på to måter");
    }
    if let Some(Mapping(v3)) = a.adresse.take() {
        if is_flat {
            return twice("adresse", "adressen er oppgitt på to måter");
        }
        (a.adresselinje1, a.adresselinje2, a.adresselinje3) = (v3.adresselinje1, v3.adresselinje2, v3.adresselinje3);
        (a.postnummer, a.poststed, a.land) = (v3.postnummer, v3.poststed, v3.land);
    }
    let digital_id = match a.digitalAdresse {
        None => a.digitalId,
        Some(_) if a.digitalId.is_some() => return twice("digitalAdresse", "digitalId er oppgitt på to måter"),
        Some(Mapping(digital)) if digital.fodselsNummer.is_some() && digital.organisasjonsNummer.is_some() => {
            return twice("digitalAdresse", "både fodselsNummer og organisasjonsNummer er oppgitt");
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

/// The return address, if one is given, and whether answers go to the health network.
fn answers(to: SvarSendesTil, digital_only: bool) -> Result<(Option<Recipient>, bool), Refusal> {
    let to_health = match to.r#type.as_deref() {
        None | Some("PERSON" | "ORGANISASJON") => false,
        Some("NHN_MOTTAKER") => true,
        Some(_) => {
            return Err(invalid("svarSendesTil.type", "verdien må være PERSON, ORGANISASJON eller NHN_MOTTAKER"));
        }
    };
    let to = recipient("svarSendesTil", to.into())?;
    // Without an address it names who answers digitally, and paper comes back to the sender.
    if to == Recipient::default() || (to.has_no_address() && to.digital_id.is_some()) {
        return Ok((None, to_health));
    }
    if !digital_only {
        to.check_address().map_err(|wanting| invalid("svarSendesTil", wanting))?;
    }
    Ok((Some(to), to_health))
}

fn links(links: Vec<Mapping<Lenke>>) -> Result<Vec<Link>, Refusal> {
    if links.len() > 5 {
        return Err(invalid("lenker", "høyst fem lenker er tillatt"));
    }
    let link = |Mapping(link): Mapping<Lenke>| match (link.url, link.tekst) {
        (Some(url), Some(tekst)) => Ok(Link { url, tekst, ledetekst: link.ledetekst }),
        _ => Err(invalid("lenker", "hver lenke må ha url og tekst")),
    };
    links.into_iter().map(link).collect()
}

/// v2's `krevNiva4Innlogging`, or v3's `sikkerhetsniva`.
fn highest_level(v2: &Text, v3: Option<&str>) -> Result<bool, Refusal> {
    let v2_level = flag("krevNiva4Innlogging", v2)?;
    match v3 {
        None => Ok(v2_level),
        Some(_) if v2.is_some() => Err(invalid("sikkerhetsniva", "sikkerhetsnivået er oppgitt på to måter")),
        Some("HOYESTE" | "4") => Ok(true),
        Some("BETYDELIG" | "3") => Ok(false),
        Some(_) => Err(invalid("sikkerhetsniva", "verdien må være BETYDELIG eller HOYESTE")),
    }
}

fn document(d: Dokument) -> Result<Document, Refusal> {
    let name = required("dokumenter.filnavn", d.filnavn)?;
    if d.giroarkSide.is_some() && !d.giroarkSider.is_empty() {
        return Err(invalid("dokumenter.giroarkSide", "sidene er oppgitt på to måter"));
    }
    let giro_field = if d.giroarkSide.is_some() { "dokumenter.giroarkSide" } else { "dokumenter.giroarkSider" };
    let giro_pages = d.giroarkSider.iter().chain(&d.giroarkSide).map(|page| page.parse().ok().filter(|page| *page > 0));
    Ok(Document {
        // A file called .pdf is examined as one whatever it is declared to be.
        pdf: looks_like_pdf(&name) || d.mimeType.as_deref().is_some_and(|m| m.eq_ignore_ascii_case("application/pdf")),
        printed: !flag("dokumenter.skalEkskluderesFraUtskrift", &d.skalEkskluderesFraUtskrift)?,
        giro_pages: giro_pages
            .collect::<Option<_>>()
            .ok_or_else(|| invalid(giro_field, "sidetall er hele tall fra 1"))?,
        name,
    })
}

fn invalid(field: &str, problem: &str) -> Refusal {
    Refusal::new(Code::MetadataInvalid, format!("felt {field}: {problem}"))
}

fn missing(field: &str) -> Refusal {
    invalid(field, "feltet mangler")
}

fn empty(field: &str) -> Refusal {
    invalid(field, "feltet er tomt")
}

fn required(field: &str, value: Text) -> Result<String, Refusal> {
    match value {
        None => Err(missing(field)),
        Some(text) if text.is_empty() => Err(empty(field)),
        Some(text) => Ok(text),
    }
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

#[cfg(test)]
mod tests {
    use super::super::parse::{Format, parse};
    use super::*;
    use crate::core::letter::Key;

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
    fn the_third_versions_spellings_make_the_same_letter() {
        let v2 = "{tittel: Vedtak, mottaker: {navn: Kari, digitalId: '20914695016', adresselinje1: Gate 1,
            postnummer: '4604', poststed: KRISTIANSAND S, land: NO}, krevNiva4Innlogging: true,
            svarPaForsendelse: d6b23522-ddf3-462a-8140-16e59e1f476d, svarPaForsendelseLink: true,
            svarSendesTil: {navn: Storevik, digitalId: '910077473', adresselinje1: Postboks 1, postnummer: 4604,
            poststed: KRISTIANSAND S}, dokumenter: [{filnavn: a.pdf, giroarkSider: [2]}]}";
        let v3 = "{tittel: Vedtak, mottaker: {navn: Kari, digitalId: '20914695016', adresse: {adresselinje1: Gate 1,
            postnummer: '4604', poststed: KRISTIANSAND S, landkode: NO}}, sikkerhetsniva: HOYESTE,
            svarPaForsendelseId: d6b23522-ddf3-462a-8140-16e59e1f476d, kanSvareViaEdialog: true,
            svarSendesTil: {navn: Storevik, digitalId: '910077473', type: ORGANISASJON, adresse: {
            adresselinje1: Postboks 1, postnummer: 4604, poststed: KRISTIANSAND S}},
            dokumenter: [{filnavn: a.pdf, giroarkSide: 2}]}";
        let (v2, v3) = (letter(v2).unwrap(), letter(v3).unwrap());
        assert_eq!(v3, v2);
        assert!(v3.carried.krev_niva4_innlogging && v3.carried.svar_pa_forsendelse_link);
        assert_eq!(v3.return_address.unwrap().lines[0].as_deref(), Some("Postboks 1"));
        let v1 =
            letter("{tittel: t, mottaker: {navn: x}, svarPaForsendelse: {id: d6b23522-ddf3-462a-8140-16e59e1f476d}}");
        assert_eq!(v1.unwrap().carried.svar_pa_forsendelse, v2.carried.svar_pa_forsendelse);
    }

    #[test]
    fn what_would_have_no_effect_is_named() {
        for (rest, field) in [
            ("signaturType: AUTENTISERT_SIGNATUR", Some("signaturType")),
            ("signeringUtloper: 2026-12-23", Some("signeringUtloper")),
            ("signering: {signaturType: x}", Some("signering.signaturType")),
            ("signering: {signeringUtloper: x}", Some("signering.signeringUtloper")),
            ("dokumenter: [{filnavn: a.pdf, skalSigneres: true}]", Some("skalSigneres")),
            ("eksponertFor: ['910077473']", Some("eksponertFor")),
            ("mottakertype: HER_ID", Some("mottakertype")),
            ("svarSendesTil: {type: NHN_MOTTAKER, digitalId: 1}", Some("svarSendesTil.type")),
            ("signering: {}, eksponertFor: [], svarSendesTil: {navn: x, digitalId: '910077473'}", None),
        ] {
            let letter = letter(&format!("{{tittel: t, mottaker: {{navn: x}}, {rest}}}")).unwrap();
            assert_eq!(letter.unsupported, field, "{rest}");
            assert_eq!(letter.return_address, None, "{rest}");
        }
        assert_eq!(letter("{tittel: t, pasient: {fornavn: x}}").unwrap().unsupported, Some("pasient"));
    }

    #[test]
    fn an_empty_field_is_not_a_missing_one() {
        for (text, detail) in [
            ("{tittel: , mottaker: {}}", "felt tittel: feltet er tomt"),
            ("mottaker: {}", "felt tittel: feltet mangler"),
            ("{tittel: t, mottaker: }", "felt mottaker: feltet er tomt"),
            ("tittel: t", "felt mottaker: feltet mangler"),
            ("{tittel: t, mottaker: {}, dokumenter: [{filnavn: ''}]}", "felt dokumenter.filnavn: feltet er tomt"),
            ("{tittel: t, mottaker: {}, dokumenter: [{}]}", "felt dokumenter.filnavn: feltet mangler"),
        ] {
            assert_eq!(letter(text).unwrap_err().detail, detail);
        }
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
            ("mottaker: {postnummer: x, adresse: {postnummer: y}}", "mottaker.adresse"),
            (
                "mottaker: {navn: x}, dokumenter: [{filnavn: a, giroarkSider: [1], giroarkSide: 1}]",
                "dokumenter.giroarkSide",
            ),
            ("mottaker: {navn: x}, dokumenter: [{filnavn: a, giroarkSide: 0}]", "dokumenter.giroarkSide"),
            ("mottaker: {navn: x}, sikkerhetsniva: 5", "sikkerhetsniva"),
            ("mottaker: {navn: x}, sikkerhetsniva: HOYESTE, krevNiva4Innlogging: true", "sikkerhetsniva"),
            ("mottaker: {navn: x}, svarSendesTil: {navn: y}", "svarSendesTil"),
            ("mottaker: {navn: x}, svarSendesTil: {navn: y, postnummer: '0010'}", "svarSendesTil"),
            ("mottaker: {navn: x}, svarSendesTil: {type: KONTOR}", "svarSendesTil.type"),
            ("mottaker: {digitalId: 1, digitalAdresse: {fodselsNummer: 2}}", "mottaker.digitalAdresse"),
        ] {
            let refusal = letter(&format!("{{tittel: t, {rest}}}")).unwrap_err();
            assert_eq!(refusal.code, Code::MetadataInvalid, "{rest}");
            assert!(refusal.detail.starts_with(&format!("felt {field}: ")), "{rest}: {}", refusal.detail);
        }
        assert_eq!(letter("mottaker: {navn: x}").unwrap_err().detail, "felt tittel: feltet mangler");
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
}
