//! KS SvarUt's forsendelse as it is written: REST v2 with v1's and v3's spellings. Source: KS SvarUt's published schemas.

use serde::Deserialize;
use serde_json::Value;

use super::scalar::{Mapping, id, named, text, texts, written};
use crate::core::letter::Text;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Forsendelse {
    /// Ours: the sender's organisation number.
    #[serde(deserialize_with = "text")]
    pub avsender: Text,
    #[serde(deserialize_with = "written")]
    pub tittel: Text,
    /// `Some(None)`: named, and empty.
    #[serde(deserialize_with = "named")]
    pub mottaker: Option<Option<Mapping<Adresse>>>,
    pub eksponertFor: Option<Vec<Value>>,
    #[serde(deserialize_with = "text")]
    pub avgivendeSystem: Text,
    #[serde(deserialize_with = "text")]
    pub avgivendeSystemAktor: Text,
    #[serde(alias = "konteringsKode", deserialize_with = "text")]
    pub konteringskode: Text,
    #[serde(deserialize_with = "text")]
    pub kunDigitalLevering: Text,
    #[serde(deserialize_with = "text")]
    pub kryptert: Text,
    #[serde(alias = "utskriftsKonfigurasjon")]
    pub utskriftskonfigurasjon: Option<Mapping<Utskriftskonfigurasjon>>,
    #[serde(deserialize_with = "text")]
    pub krevNiva4Innlogging: Text,
    /// v3's word for it.
    #[serde(deserialize_with = "text")]
    pub sikkerhetsniva: Text,
    pub metadataFraAvleverendeSystem: Option<Mapping<NoarkMetadata>>,
    pub metadataForImport: Option<Mapping<NoarkMetadata>>,
    pub svarSendesTil: Option<Mapping<SvarSendesTil>>,
    #[serde(alias = "svarPaForsendelseId", deserialize_with = "id")]
    pub svarPaForsendelse: Text,
    pub dokumenter: Option<Vec<Mapping<Dokument>>>,
    pub lenker: Option<Vec<Mapping<Lenke>>>,
    #[serde(alias = "forsendelsesType", deserialize_with = "text")]
    pub forsendelsestype: Text,
    #[serde(deserialize_with = "text")]
    pub eksternReferanse: Text,
    #[serde(deserialize_with = "text")]
    pub korrelasjonsid: Text,
    #[serde(alias = "kanSvareViaEdialog", deserialize_with = "text")]
    pub svarPaForsendelseLink: Text,
    #[serde(deserialize_with = "text")]
    pub signeringUtloper: Text,
    #[serde(deserialize_with = "text")]
    pub signaturType: Text,
    pub signering: Option<Mapping<Signering>>,
    #[serde(deserialize_with = "text")]
    pub taushetsbelagtPost: Text,
    // Of a letter in the health network.
    pub beskrivelse: Option<Value>,
    pub mottakertype: Option<Value>,
    pub mottakerHerId: Option<Value>,
    pub avsenderKontakt: Option<Value>,
    pub pasient: Option<Value>,
}

/// v3's place for what v2 has at the top.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Signering {
    #[serde(deserialize_with = "text")]
    pub signeringUtloper: Text,
    #[serde(deserialize_with = "text")]
    pub signaturType: Text,
}

/// A recipient: flat in v2; `postAdresse` and `digitalAdresse` in v1; `adresse` in v3.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Adresse {
    #[serde(deserialize_with = "text")]
    pub navn: Text,
    #[serde(deserialize_with = "text")]
    pub digitalId: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje1: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje2: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje3: Text,
    #[serde(deserialize_with = "text")]
    pub postnummer: Text,
    #[serde(deserialize_with = "text")]
    pub poststed: Text,
    #[serde(alias = "landkode", deserialize_with = "text")]
    pub land: Text,
    pub adresse: Option<Mapping<Sted>>,
    pub postAdresse: Option<Mapping<PostAdresse>>,
    pub digitalAdresse: Option<Mapping<DigitalAdresse>>,
}

/// A recipient of answers: the same, with v3's `type`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct SvarSendesTil {
    #[serde(deserialize_with = "text")]
    pub navn: Text,
    #[serde(deserialize_with = "text")]
    pub digitalId: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje1: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje2: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje3: Text,
    #[serde(deserialize_with = "text")]
    pub postnummer: Text,
    #[serde(deserialize_with = "text")]
    pub poststed: Text,
    #[serde(alias = "landkode", deserialize_with = "text")]
    pub land: Text,
    pub adresse: Option<Mapping<Sted>>,
    pub postAdresse: Option<Mapping<PostAdresse>>,
    pub digitalAdresse: Option<Mapping<DigitalAdresse>>,
    #[serde(deserialize_with = "text")]
    pub r#type: Text,
}

impl From<SvarSendesTil> for Adresse {
    fn from(to: SvarSendesTil) -> Self {
        Self {
            navn: to.navn,
            digitalId: to.digitalId,
            adresselinje1: to.adresselinje1,
            adresselinje2: to.adresselinje2,
            adresselinje3: to.adresselinje3,
            postnummer: to.postnummer,
            poststed: to.poststed,
            land: to.land,
            adresse: to.adresse,
            postAdresse: to.postAdresse,
            digitalAdresse: to.digitalAdresse,
        }
    }
}

/// v3's address, beside the name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sted {
    #[serde(deserialize_with = "text")]
    pub adresselinje1: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje2: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje3: Text,
    #[serde(deserialize_with = "text")]
    pub postnummer: Text,
    #[serde(deserialize_with = "text")]
    pub poststed: Text,
    #[serde(alias = "landkode", deserialize_with = "text")]
    pub land: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct PostAdresse {
    #[serde(deserialize_with = "text")]
    pub navn: Text,
    #[serde(deserialize_with = "text")]
    pub adresse1: Text,
    #[serde(deserialize_with = "text")]
    pub adresse2: Text,
    #[serde(deserialize_with = "text")]
    pub adresse3: Text,
    #[serde(deserialize_with = "text")]
    pub postNummer: Text,
    #[serde(deserialize_with = "text")]
    pub postSted: Text,
    #[serde(deserialize_with = "text")]
    pub land: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct DigitalAdresse {
    #[serde(deserialize_with = "text")]
    pub fodselsNummer: Text,
    #[serde(deserialize_with = "text")]
    pub organisasjonsNummer: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Utskriftskonfigurasjon {
    #[serde(deserialize_with = "text")]
    pub utskriftMedFarger: Text,
    #[serde(deserialize_with = "text")]
    pub tosidig: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Dokument {
    #[serde(deserialize_with = "written")]
    pub filnavn: Text,
    #[serde(deserialize_with = "text")]
    pub mimeType: Text,
    #[serde(deserialize_with = "text")]
    pub skalSigneres: Text,
    #[serde(deserialize_with = "text")]
    pub dokumentType: Text,
    #[serde(deserialize_with = "texts")]
    pub giroarkSider: Vec<String>,
    /// v3 has no more than one.
    #[serde(deserialize_with = "text")]
    pub giroarkSide: Text,
    #[serde(alias = "ekskluderesFraUtskrift", deserialize_with = "text")]
    pub skalEkskluderesFraUtskrift: Text,
    pub ekstraMetadata: Option<Vec<Mapping<Metadata>>>,
    #[serde(deserialize_with = "text")]
    pub inneholderPersonsensitivInformasjon: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Lenke {
    #[serde(alias = "urlLenke", deserialize_with = "text")]
    pub url: Text,
    #[serde(alias = "urlTekst", deserialize_with = "text")]
    pub tekst: Text,
    #[serde(alias = "ledeTekst", deserialize_with = "text")]
    pub ledetekst: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    #[serde(deserialize_with = "text")]
    pub key: Text,
    #[serde(deserialize_with = "text")]
    pub value: Text,
}

/// Noark fields, carried to the recipient's archive untouched: known by name, not interpreted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
#[allow(dead_code, reason = "naming a field here is what makes it known")]
pub struct NoarkMetadata {
    mappeId: Option<Value>,
    mappeSystemId: Option<Value>,
    #[serde(alias = "saksAar")]
    saksaar: Option<Value>,
    #[serde(alias = "saksSekvensNummer")]
    sakssekvensnummer: Option<Value>,
    systemId: Option<Value>,
    registreringsId: Option<Value>,
    #[serde(alias = "journalPostNummer")]
    journalpostnummer: Option<Value>,
    #[serde(alias = "journalAar")]
    journalaar: Option<Value>,
    #[serde(alias = "journalSekvensNummer")]
    journalsekvensnummer: Option<Value>,
    #[serde(alias = "journalPostType")]
    journalposttype: Option<Value>,
    #[serde(alias = "journalStatus")]
    journalstatus: Option<Value>,
    #[serde(alias = "journalDato")]
    journaldato: Option<Value>,
    dokumentetsDato: Option<Value>,
    tittel: Option<Value>,
    #[serde(alias = "saksBehandler")]
    saksbehandler: Option<Value>,
    ekstraMetadata: Option<Vec<Mapping<Metadata>>>,
}
