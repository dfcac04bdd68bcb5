//! Organisations and sub-units as Brønnøysund's bulk download writes them: every field quoted, the columns of 2024.
//!
//! Numbers begin with 2 or 3, the series of test organisations, so that no real organisation is named.

use std::fmt::Write;

use postgang::core::identity::OrgNumber;

use crate::people::check_digit;
use crate::random::{Purpose, Random};
use crate::words::{LAST_NAMES, PLACES, day, street};

pub const HEADER: &str = "organisasjonsnummer,navn,organisasjonsform.kode,organisasjonsform.beskrivelse,\
    naeringskode1.kode,naeringskode1.beskrivelse,naeringskode2.kode,naeringskode2.beskrivelse,naeringskode3.kode,\
    naeringskode3.beskrivelse,hjelpeenhetskode.kode,hjelpeenhetskode.beskrivelse,harRegistrertAntallAnsatte,\
    antallAnsatte,hjemmeside,postadresse.adresse,postadresse.poststed,postadresse.postnummer,postadresse.kommune,\
    postadresse.kommunenummer,postadresse.land,postadresse.landkode,forretningsadresse.adresse,\
    forretningsadresse.poststed,forretningsadresse.postnummer,forretningsadresse.kommune,\
    forretningsadresse.kommunenummer,forretningsadresse.land,forretningsadresse.landkode,\
    institusjonellSektorkode.kode,institusjonellSektorkode.beskrivelse,sisteInnsendteAarsregnskap,\
    registreringsdatoenhetsregisteret,stiftelsesdato,registrertIMvaRegisteret,frivilligMvaRegistrertBeskrivelser,\
    registrertIFrivillighetsregisteret,registrertIForetaksregisteret,registrertIStiftelsesregisteret,konkurs,\
    konkursdato,underAvvikling,underAvviklingDato,underTvangsavviklingEllerTvangsopplosning,\
    tvangsopplostPgaManglendeDagligLederDato,tvangsopplostPgaManglendeRevisorDato,\
    tvangsopplostPgaManglendeRegnskapDato,tvangsopplostPgaMangelfulltStyreDato,\
    tvangsavvikletPgaManglendeSlettingDato,overordnetEnhet,maalform,vedtektsdato,vedtektsfestetFormaal,aktivitet";

pub const SUB_UNIT_HEADER: &str = "organisasjonsnummer,navn,organisasjonsform.kode,organisasjonsform.beskrivelse,\
    naeringskode1.kode,naeringskode1.beskrivelse,naeringskode2.kode,naeringskode2.beskrivelse,naeringskode3.kode,\
    naeringskode3.beskrivelse,hjelpeenhetskode.kode,hjelpeenhetskode.beskrivelse,harRegistrertAntallAnsatte,\
    antallAnsatte,hjemmeside,postadresse.adresse,postadresse.poststed,postadresse.postnummer,postadresse.kommune,\
    postadresse.kommunenummer,postadresse.land,postadresse.landkode,beliggenhetsadresse.adresse,\
    beliggenhetsadresse.poststed,beliggenhetsadresse.postnummer,beliggenhetsadresse.kommune,\
    beliggenhetsadresse.kommunenummer,beliggenhetsadresse.land,beliggenhetsadresse.landkode,\
    registreringsdatoIEnhetsregisteret,frivilligMvaRegistrertBeskrivelser,registrertIMvaregisteret,oppstartsdato,\
    datoEierskifte,overordnetEnhet,nedleggelsesdato";

/// How many units there can be; beyond them begin the sub-units, then the numbers that stand in no register.
pub const UNITS_MAX: u64 = 8_000_000;
pub const FIRST_SUB_UNIT: u64 = 8_000_000;
pub const FIRST_UNKNOWN: u64 = 9_000_000;
pub const UNKNOWN: u64 = 1_000_000;

const CAPACITY: u64 = 10_000_000;
/// A prime: it scatters consecutive rows over the whole series.
const STEP: u64 = 1_000_003;

/// Code, description, sector, activity.
const FORMS: &[[&str; 4]] = &[
    ["AS", "Aksjeselskap", "2100", "Private aksjeselskaper mv."],
    ["AS", "Aksjeselskap", "2100", "Private aksjeselskaper mv."],
    ["ENK", "Enkeltpersonforetak", "8200", "Personlig næringsdrivende"],
    ["ENK", "Enkeltpersonforetak", "8200", "Personlig næringsdrivende"],
    ["FLI", "Forening/lag/innretning", "7000", "Ideelle organisasjoner"],
    ["NUF", "Norskregistrert utenlandsk foretak", "2100", "Private aksjeselskaper mv."],
];
const TRADES: &[[&str; 2]] = &[
    ["62.010", "Programmeringstjenester"],
    ["70.220", "Bedriftsrådgivning og annen administrativ rådgivning"],
    ["43.320", "Snekkerarbeid"],
    ["68.209", "Utleie av egen eller leid fast eiendom ellers"],
    ["41.200", "Oppføring av bygninger"],
    ["93.190", "Andre sportsaktiviteter"],
    ["46.694", "Engroshandel med maskiner og utstyr til handel, transport og tjenesteyting ellers"],
];
const SENTENCES: &[&str] = &[
    "Kjøp og salg av aksjer, eiendom og driftsmidler.",
    "Byggservice, oppussing, renovering og vaktmestertjenester.",
    "Handel, produksjon samt investering i andre selskaper gjennom aksjeinnskudd eller på annen måte.",
    "Konsulentvirksomhet innen IT, og alt som står i naturlig forbindelse med dette.",
    "Fremme barn og unges interesse for friluftsliv, idrett og kultur i bygda.",
    "Drift av \"Kafé Ærlig\" i Storgata.",
    "Omsetning av maskiner, utstyr og tjenester til storkjøkken.",
];

pub struct Unit {
    pub number: String,
    pub name: String,
    pub bankrupt: bool,
    /// It stands in `svarinn.csv`.
    pub own_receiving_system: bool,
}

impl Unit {
    pub fn nth(seed: u64, index: u64) -> Self {
        let mut random = Random::new(seed, Purpose::Unit, index);
        let trade = random.pick(&["BYGG", "EIENDOM", "INTERIØR", "HOLDING", "IDRETTSLAG", "RØR OG VARME", "REGNSKAP"]);
        let name = format!("{} {trade} {}", random.pick(LAST_NAMES).to_uppercase(), random.below(1000));
        Self { number: number(index), name, bankrupt: random.percent(1), own_receiving_system: in_svarinn(index) }
    }
}

/// One unit in 800 collects its letters with a system of its own.
pub fn in_svarinn(index: u64) -> bool {
    index.is_multiple_of(800)
}

/// One sub-unit in 50 has been closed.
pub fn is_closed(index: u64) -> bool {
    index.is_multiple_of(50)
}

/// One row of `enheter.csv`.
pub fn write_row(seed: u64, index: u64, out: &mut Vec<u8>) {
    let unit = Unit::nth(seed, index);
    let mut random = Random::new(seed, Purpose::UnitRow, index);
    let form = &FORMS[random.below(FORMS.len() as u64) as usize];
    let mut row = Row(out);
    row.texts(&[&unit.number, &unit.name, form[0], form[1]]);
    common(&mut row, &mut random);
    address(&mut row, &mut random, form[0] == "NUF");
    row.texts(&[form[2], form[3], if form[0] == "AS" { "2025" } else { "" }]);
    row.texts(&[day(&mut random, 1000, 2999), if form[0] == "NUF" { "" } else { day(&mut random, 1000, 2999) }]);
    let association = form[0] == "FLI";
    row.texts(&[flag(random.percent(40)), "", flag(association), flag(form[0] == "AS"), "false"]);
    row.texts(&[flag(unit.bankrupt), if unit.bankrupt { day(&mut random, 10, 300) } else { "" }]);
    row.texts(&["false", "", "false", "", "", "", "", "", ""]);
    row.texts(&[if random.percent(10) { "Nynorsk" } else { "Bokmål" }, day(&mut random, 100, 2999)]);
    let purpose = format!("{} {}", random.pick(SENTENCES), random.pick(SENTENCES));
    row.texts(&[if form[0] == "ENK" { "" } else { &purpose }, random.pick(SENTENCES)]);
    row.end();
}

/// One row of `underenheter.csv`.
pub fn write_sub_unit_row(seed: u64, index: u64, out: &mut Vec<u8>) {
    let unit = Unit::nth(seed, index);
    let mut random = Random::new(seed, Purpose::UnitRow, index);
    let mut row = Row(out);
    row.texts(&[&unit.number, &unit.name, "BEDR", "Underenhet til næringsdrivende og offentlig forvaltning"]);
    common(&mut row, &mut random);
    address(&mut row, &mut random, false);
    let parent = number(index - FIRST_SUB_UNIT);
    row.texts(&[day(&mut random, 1000, 2999), "", "false", day(&mut random, 1000, 2999), "", &parent]);
    row.texts(&[if is_closed(index) { day(&mut random, 10, 900) } else { "" }]);
    row.end();
}

/// From the trade to the home page.
fn common(row: &mut Row, random: &mut Random) {
    let trade = &TRADES[random.below(TRADES.len() as u64) as usize];
    row.texts(trade);
    row.texts(&["", "", "", "", "", ""]);
    if random.percent(40) {
        row.texts(&["true", &(1 + random.below(60)).to_string()]);
    } else {
        row.texts(&["false", ""]);
    }
    row.texts(&[if random.percent(12) { "www.foretak.example" } else { "" }]);
}

/// `postadresse`, empty for 78 %, then the address of the business itself.
fn address(row: &mut Row, random: &mut Random, may_be_foreign: bool) {
    if random.percent(22) {
        let line = match random.below(4) {
            0 => format!("v/ {}/n{}", random.pick(LAST_NAMES), street(random)),
            _ => format!("Postboks {} Sentrum", 1 + random.below(2500)),
        };
        domestic(row, random, &line);
    } else {
        row.texts(&[""; 7]);
    }
    if may_be_foreign && random.percent(30) {
        row.texts(&["Kivi 2,/nEesti Vabariik", "EE-76905 MURASTE HARJUMAA", "", "", "", "Estland", "EE"]);
    } else {
        let line = if random.percent(5) {
            format!("c/o {}/n{}", random.pick(LAST_NAMES), street(random))
        } else {
            street(random)
        };
        domestic(row, random, &line);
    }
}

fn domestic(row: &mut Row, random: &mut Random, line: &str) {
    let [postcode, city, municipality, code] = PLACES[random.below(PLACES.len() as u64) as usize];
    row.texts(&[line, city, postcode, municipality, code, "Norge", "NO"]);
}

fn flag(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

struct Row<'a>(&'a mut Vec<u8>);

impl Row<'_> {
    fn texts(&mut self, texts: &[&str]) {
        for text in texts {
            self.0.push(b'"');
            for byte in text.bytes() {
                if byte == b'"' {
                    self.0.push(b'"');
                }
                self.0.push(byte);
            }
            self.0.extend_from_slice(b"\",");
        }
    }

    fn end(self) {
        let comma = self.0.last_mut().expect("a row has fields");
        *comma = b'\n';
    }
}

pub fn number(index: u64) -> String {
    assert!(index < CAPACITY, "there are {CAPACITY} numbers");
    let first = 20_000_000 + index * STEP % CAPACITY * 2;
    let number = [first, first + 1].into_iter().find_map(with_check_digit).expect("one of two neighbours is valid");
    assert!(OrgNumber::parse(number.as_bytes()).is_some(), "an invalid organisation number was made");
    number
}

fn with_check_digit(stem: u64) -> Option<String> {
    let mut text = stem.to_string();
    let digits: Vec<u8> = text.bytes().map(|byte| byte - b'0').collect();
    write!(text, "{}", check_digit(&[3, 2, 7, 6, 5, 4, 3, 2], &digits)?).expect("memory takes every write");
    Some(text)
}
