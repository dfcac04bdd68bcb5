//! Snapshots as they lie in a folder, and what a pass may learn from them. All identity numbers are synthetic.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::TimeDelta;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::file::Source;
use super::read::fell;
use super::*;
use crate::core::calendar::parse_time;
use crate::core::facts::{Address, Mailbox};

mod scanner;
mod sequential;
mod tables;

const ANNE: &str = "20914695016";
const BERIT: &str = "30908299902";
const CARL: &str = "03851598730";
const DINA: &str = "41819077906";
const PEOPLE: [&str; 4] = [ANNE, BERIT, CARL, DINA];

const KRR: &str = "personidentifikator,reservasjon,status,varslingsstatus,epostadresse,epostadresse_oppdatert,\
                   epostadresse_sist_verifisert,mobiltelefonnummer,mobiltelefonnummer_oppdatert,\
                   mobiltelefonnummer_sist_verifisert,postkasseadresse,postkasseleverandoeradresse,spraak\n";
/// What follows the identity in an ordinary row: notifiable by e-mail, no mailbox.
const PLAIN: &str = ",NEI,AKTIV,KAN_VARSLES,a@eksempel.test,2026-06-13T13:42:34+02,,,,,,,nb\n";
const RESERVATIONS: &str = "personidentifikator,reservert_fra\n";
const UNITS: &str = "organisasjonsnummer,navn,konkurs,postadresse.adresse,postadresse.poststed,postadresse.postnummer,\
                     postadresse.land,forretningsadresse.adresse,forretningsadresse.poststed,\
                     forretningsadresse.postnummer,forretningsadresse.land\n";
const SUB_UNITS: &str = "organisasjonsnummer,nedleggelsesdato,postadresse.adresse,postadresse.poststed,\
                         postadresse.postnummer,postadresse.land,beliggenhetsadresse.adresse,\
                         beliggenhetsadresse.poststed,beliggenhetsadresse.postnummer,beliggenhetsadresse.land\n";
const UNIT: &str = "910077473,STOREVIK,false,,,,,Gata 1,OSLO,0151,Norge\n";

fn now() -> Time {
    parse_time("2026-11-23T09:00:00+01:00").unwrap()
}

fn person(number: &str) -> PersonId {
    PersonId::parse(number.as_bytes()).unwrap()
}

fn organisation(number: &str) -> OrgNumber {
    OrgNumber::parse(number.as_bytes()).unwrap()
}

fn ids(numbers: &[&str]) -> Wanted {
    numbers.iter().map(|number| RecipientId::parse(number).unwrap()).collect()
}

/// A row that is notifiable, for each number.
fn krr(numbers: &[&str]) -> String {
    numbers.iter().fold(KRR.to_owned(), |text, number| text + number + PLAIN)
}

struct Registry {
    dir: TempDir,
    policies: RegisterPolicies,
    memory: SnapshotMemory,
    accept: Vec<SnapshotName>,
}

impl Registry {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            policies: RegisterPolicies::default(),
            memory: SnapshotMemory::default(),
            accept: Vec::new(),
        }
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let registry = Self::new();
        for (name, text) in files {
            registry.write(name, text.as_bytes());
        }
        registry
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("registry")
    }

    /// Modified an hour ago.
    fn write(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.path()).unwrap();
        fs::write(self.path().join(name), bytes).unwrap();
        self.modify(name, now() - TimeDelta::hours(1));
    }

    fn modify(&self, name: &str, at: Time) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at.timestamp() as u64);
        File::options().write(true).open(self.path().join(name)).unwrap().set_modified(at).unwrap();
    }

    /// Asked without a table, with one that is made, with one that lies there and with one that is somebody else's: the
    /// same answer each time.
    fn consult(&self, wanted: &Wanted) -> Registers {
        self.consult_at(wanted, now())
    }

    fn consult_at(&self, wanted: &Wanted, now: Time) -> Registers {
        let plain = self.consult_with(wanted, None, now);
        let tables = tempfile::tempdir().unwrap();
        let shelf = |is_ours| Some(Shelf { dir: tables.path(), is_ours, wall: rested() });
        for (is_ours, which) in
            [(false, "no table"), (true, "a new table"), (true, "a known table"), (false, "another's")]
        {
            let tabled = self.consult_with(wanted, shelf(is_ours), now);
            if is_ours && wanted.everything {
                // Only `check` asks for everything, and it makes no tables.
                continue;
            }
            assert_eq!(told(&tabled, wanted), told(&plain, wanted), "{which}");
        }
        plain
    }

    fn consult_with(&self, wanted: &Wanted, shelf: Option<Shelf<'_>>, now: Time) -> Registers {
        let (policies, memory, accept) = (&self.policies, &self.memory, &self.accept);
        consult(Request { shelf, dir: &self.path(), policies, memory, accept, wanted, now })
    }

    /// The codes of the refusals when `numbers` are asked about.
    fn refusals(&self, numbers: &[&str]) -> Vec<(SnapshotName, &'static str)> {
        let registers = self.consult(&ids(numbers));
        assert_eq!(
            registers.messages().iter().filter(|m| m.contains("Registeret er ikke brukt")).count(),
            registers.refused.len()
        );
        registers.refused.iter().map(|(name, refusal)| (*name, refusal.code())).collect()
    }
}

/// A moment at which whatever was written has rested.
fn rested() -> SystemTime {
    SystemTime::now() + Duration::from_secs(3600)
}

/// All that registers say when they have been asked about `wanted`.
fn told(registers: &Registers, wanted: &Wanted) -> impl PartialEq + std::fmt::Debug {
    let mut notes = registers.notes.clone();
    if wanted.persons.is_empty() && !wanted.everything {
        // Whose letters do not need KRR hears of its rows where there are tables.
        notes.remove(&SnapshotName::Krr);
    }
    let refused: Vec<String> = registers.refused.iter().map(|(name, refusal)| format!("{name}: {refusal}")).collect();
    let persons: BTreeMap<u64, _> =
        wanted.persons.iter().map(|id| (RecipientId::Person(*id).number(), registers.person(*id))).collect();
    let organisations: BTreeMap<String, _> =
        wanted.organisations.iter().map(|id| (id.to_string(), registers.organisation(*id))).collect();
    (notes, refused, registers.used().to_vec(), registers.accepted.clone(), persons, organisations)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn notifiable() -> PersonFacts {
    PersonFacts { in_krr: true, notifiable: true, ..PersonFacts::default() }
}

#[test]
fn a_person_is_what_krr_and_the_reservations_say() {
    let registry = Registry::with(&[
        ("krr.csv", &krr(&[ANNE, BERIT])),
        ("reservasjoner.csv", &format!("{RESERVATIONS}{BERIT},2020-01-01\n{CARL},\n")),
    ]);
    let registers = registry.consult(&ids(&PEOPLE));
    assert_eq!(registers.person(person(ANNE)), Lookup::Known(notifiable()));
    assert_eq!(registers.person(person(BERIT)), Lookup::Known(PersonFacts { reserved: true, ..notifiable() }));
    assert_eq!(registers.person(person(CARL)), Lookup::Known(PersonFacts { reserved: true, ..PersonFacts::default() }));
    assert_eq!(registers.person(person(DINA)), Lookup::Known(PersonFacts::default()));
    assert_eq!(registers.messages(), Vec::<String>::new());
    // Only those asked about can be answered for.
    assert_eq!(registry.consult(&ids(&[ANNE])).person(person(BERIT)), Lookup::Unavailable);
}

#[test]
fn what_was_used_is_recorded() {
    let text = krr(&[ANNE, BERIT]);
    let registry = Registry::with(&[("krr.csv", &text), ("reservasjoner.csv", RESERVATIONS), ("enheter.csv", UNITS)]);
    let registers = registry.consult(&ids(&[ANNE]));
    let used = registers.used_for(&RecipientId::parse(ANNE).unwrap());
    assert_eq!(used.iter().map(|u| u.navn).collect::<Vec<_>>(), [SnapshotName::Krr, SnapshotName::Reservasjoner]);
    assert_eq!(
        used[0],
        SnapshotUsed {
            navn: SnapshotName::Krr,
            sha256: hex(text.as_bytes()),
            tidspunkt: parse_time("2026-11-23T08:00:00+01:00").unwrap(),
            rader: 2,
        }
    );
    assert_eq!(registers.accepted.get(SnapshotName::Krr), Some(&used[0]));
    // Nobody asked about an organisation, so the empty register was never opened.
    assert!(registers.refused.is_empty());
    assert!(registers.used_for(&RecipientId::parse("910077473").unwrap()).is_empty());
}

#[test]
fn snapshots_that_are_not_believed() {
    let good = krr(&[ANNE, BERIT]);
    let no_end = good.trim_end_matches('\n');
    let cases: &[(&str, &str)] = &[
        ("empty", KRR),
        ("empty", KRR.trim_end()),
        ("column-missing", ""),
        ("column-missing", "\n\n"),
        ("column-missing", &good.replace("varslingsstatus", "varsling")),
        ("column-missing", &good.replace("mobiltelefonnummer_sist_verifisert", "x")),
        ("column-twice", &good.replace("spraak", "kontaktinformasjon.epostadresse")),
        ("truncated", &no_end[..no_end.len() - 20]),
        ("truncated", &format!("{good}{CARL}")),
        ("truncated", &format!("{good}0385")),
        ("truncated", &format!("{good}{CARL},NEI,AKTIV,\"KAN_")),
        ("truncated", &format!("{good}{CARL},NEI,AKTIV,\"KAN_\n{DINA}{PLAIN}{BERIT},NEI")),
    ];
    for (code, text) in cases {
        let registry = Registry::with(&[("krr.csv", text)]);
        assert_eq!(registry.refusals(&[ANNE]), [(SnapshotName::Krr, *code)], "{code}");
        assert_eq!(registry.consult(&ids(&[ANNE])).person(person(ANNE)), Lookup::Unavailable);
        assert_eq!(registry.consult(&ids(&[ANNE])).accepted, SnapshotMemory::default());
    }
    // Whole, though without a line ending.
    let whole = Registry::with(&[("krr.csv", no_end)]).consult(&ids(&[BERIT]));
    assert_eq!(whole.person(person(BERIT)), Lookup::Known(notifiable()));
    let cut_number = Registry::with(&[
        ("enheter.csv", &format!("{UNITS}{UNIT}")),
        ("svarinn.csv", "organisasjonsnummer\n910077473\n98466"),
    ]);
    assert_eq!(cut_number.refusals(&["910077473"]), [(SnapshotName::Svarinn, "truncated")]);
}

#[test]
fn a_list_of_reservations_that_was_cut_is_refused_whoever_it_loses() {
    let whole = format!("personidentifikator,reservert_fra\n{CARL},2020-01-01\n{BERIT},2020-01-01");
    for cut in 0..=whole.len() {
        let registry = Registry::with(&[("krr.csv", &krr(&[ANNE])), ("reservasjoner.csv", &whole[..cut])]);
        let refused = !registry.refusals(&[ANNE]).is_empty();
        let last = whole[..cut].rsplit('\n').next().unwrap();
        // What cannot be told from a whole last row: one that ends with its date, or before a date that may be empty.
        let passes = cut > 33 && (last.is_empty() || last.ends_with("-01-01") || last.ends_with(','));
        assert!(refused || passes || cut == 33, "{:?} was believed", &whole[..cut]);
    }
    let mut krr = krr(&[ANNE, BERIT]);
    krr.truncate(krr.rfind("NEI").unwrap() + 2);
    assert_eq!(Registry::with(&[("krr.csv", &krr)]).refusals(&[ANNE]), [(SnapshotName::Krr, "truncated")]);
}

#[test]
fn age_is_measured_against_the_pass() {
    for (modified, expected) in [
        ("2026-11-22T09:00:00+01:00", None),
        ("2026-11-22T08:59:59+01:00", Some("too-old")),
        ("1970-01-01T00:00:00Z", Some("too-old")),
        ("2026-11-23T10:00:00+01:00", None),
        ("2026-11-23T10:00:01+01:00", Some("in-future")),
    ] {
        let registry = Registry::with(&[("krr.csv", &krr(&[ANNE]))]);
        registry.modify("krr.csv", parse_time(modified).unwrap());
        let refusals = registry.refusals(&[ANNE]);
        assert_eq!(refusals.first().map(|(_, code)| *code), expected, "{modified}");
    }
    let mut patient = Registry::with(&[("krr.csv", &krr(&[ANNE]))]);
    patient.policies = serde_yaml::from_str("krr: {maks_alder_timer: 48}").unwrap();
    patient.modify("krr.csv", now() - TimeDelta::hours(48));
    assert!(patient.refusals(&[ANNE]).is_empty());
}

#[test]
fn absence() {
    let nothing = Registry::new();
    assert_eq!(nothing.refusals(&[ANNE]), [(SnapshotName::Krr, "missing")]);
    assert_eq!(nothing.refusals(&["910077473"]), [(SnapshotName::Enheter, "missing")]);

    let mut registry = Registry::with(&[("krr.csv", &krr(&[ANNE])), ("reservasjoner.csv", RESERVATIONS)]);
    registry.memory = registry.consult(&ids(&[ANNE])).accepted;
    fs::remove_file(registry.path().join("reservasjoner.csv")).unwrap();
    assert_eq!(registry.refusals(&[ANNE]), [(SnapshotName::Reservasjoner, "missing")]);
    assert_eq!(registry.consult(&ids(&[ANNE])).accepted, registry.memory);

    registry.accept = vec![SnapshotName::Reservasjoner];
    let accepted = registry.consult(&ids(&[ANNE]));
    assert_eq!(accepted.person(person(ANNE)), Lookup::Known(notifiable()));
    registry.memory = accepted.accepted;
    registry.accept.clear();
    assert!(registry.refusals(&[ANNE]).is_empty(), "an accepted absence is forgotten");

    // KRR itself cannot be done without, whatever is accepted.
    fs::remove_file(registry.path().join("krr.csv")).unwrap();
    registry.accept = vec![SnapshotName::Krr];
    assert_eq!(registry.refusals(&[ANNE]), [(SnapshotName::Krr, "missing")]);
}

#[test]
fn rows_that_are_gone() {
    for (before, after, fell_too_far) in
        [(10, 9, false), (10, 8, true), (100, 90, false), (100, 89, true), (0, 0, false)]
    {
        assert_eq!(fell(before, after, 10), fell_too_far, "{before} {after}");
    }
    let mut registry = Registry::with(&[("krr.csv", &krr(&PEOPLE))]);
    registry.memory = registry.consult(&ids(&[ANNE])).accepted;
    registry.write("krr.csv", krr(&[ANNE]).as_bytes());
    assert_eq!(registry.refusals(&[ANNE]), [(SnapshotName::Krr, "rows-fell")]);
    registry.accept = vec![SnapshotName::Krr];
    let accepted = registry.consult(&ids(&[ANNE]));
    assert_eq!(accepted.person(person(ANNE)), Lookup::Known(notifiable()));
    assert_eq!(accepted.accepted.get(SnapshotName::Krr).unwrap().rader, 1);
    registry.memory = accepted.accepted;
    registry.accept.clear();
    assert!(registry.refusals(&[ANNE]).is_empty());

    registry.policies = serde_yaml::from_str("krr: {minst_rader: 2}").unwrap();
    assert_eq!(registry.refusals(&[ANNE]), [(SnapshotName::Krr, "too-few-rows")]);
}

#[test]
fn packed_snapshots() {
    let text = krr(&[ANNE, BERIT]);
    let packed = gzip(text.as_bytes());
    let registry = Registry::new();
    registry.write("krr.csv.gz", &packed);
    let registers = registry.consult(&ids(&[ANNE]));
    assert_eq!(registers.person(person(ANNE)), Lookup::Known(notifiable()));
    assert_eq!(registers.used_for(&RecipientId::parse(ANNE).unwrap())[0].sha256, hex(&packed));

    registry.write("krr.csv.gz", &packed[..packed.len() - 9]);
    assert_eq!(registry.refusals(&[ANNE]), [(SnapshotName::Krr, "truncated")]);
    let mut damaged = packed.clone();
    let crc = damaged.len() - 6;
    damaged[crc] ^= 1;
    registry.write("krr.csv.gz", &damaged);
    assert_eq!(registry.refusals(&[ANNE]), [(SnapshotName::Krr, "damaged")]);
    registry.write("krr.csv.gz", text.as_bytes());
    assert_eq!(registry.refusals(&[ANNE]), [(SnapshotName::Krr, "damaged")]);
    // Joined members are one file, as `cat a.gz b.gz` makes them.
    registry.write("krr.csv.gz", &[packed.clone(), gzip(format!("{CARL}{PLAIN}").as_bytes())].concat());
    assert_eq!(registry.consult(&ids(&[CARL])).person(person(CARL)), Lookup::Known(notifiable()));

    registry.write("krr.csv", text.as_bytes());
    assert_eq!(registry.refusals(&[ANNE]), [(SnapshotName::Krr, "ambiguous")]);
}

#[test]
fn checksums_beside_a_snapshot() {
    let text = krr(&[ANNE]);
    let (right, wrong) = (hex(text.as_bytes()), hex(b"something else"));
    for (sidecar, believed) in [
        (format!("{right}  krr.csv\n"), true),
        (format!("{right} *krr.csv\r\n"), true),
        (format!("{}\n", right.to_uppercase()), true),
        (format!("{wrong}  enheter.csv\n{right}  ./ut/krr.csv\n"), true),
        (format!("{wrong}  krr.csv\n"), false),
        (format!("{wrong}  krr.csv\n{right}  enheter.csv\n"), false),
        ("ikke en kontrollsum\n".to_owned(), false),
        (String::new(), false),
    ] {
        let registry = Registry::with(&[("krr.csv", &text), ("krr.csv.sha256", &sidecar)]);
        let expected: &[_] = if believed { &[] } else { &[(SnapshotName::Krr, "checksum-mismatch")] };
        assert_eq!(registry.refusals(&[ANNE]), expected, "{sidecar}");
    }
    for (sidecar, believed) in [(&right, true), (&wrong, false)] {
        let registry = Registry::with(&[("krr.csv", &text), ("krr.sha256", &format!("{sidecar}  krr.csv\n"))]);
        assert_eq!(registry.refusals(&[ANNE]).is_empty(), believed, "{sidecar}");
    }
    let packed = gzip(text.as_bytes());
    let registry = Registry::new();
    registry.write("krr.csv.gz", &packed);
    registry.write("krr.csv.gz.sha256", format!("{}  krr.csv.gz\n", hex(&packed)).as_bytes());
    assert!(registry.refusals(&[ANNE]).is_empty());
}

#[test]
fn files_that_cannot_be_read() {
    let folder = Registry::new();
    fs::create_dir_all(folder.path().join("krr.csv")).unwrap();
    assert_eq!(folder.refusals(&[ANNE]), [(SnapshotName::Krr, "unreadable")]);

    let dangling = Registry::with(&[("krr.csv", &krr(&[ANNE]))]);
    std::os::unix::fs::symlink("nowhere", dangling.path().join("reservasjoner.csv")).unwrap();
    assert_eq!(dangling.refusals(&[ANNE]), [(SnapshotName::Reservasjoner, "unreadable")]);

    let endless = Registry::with(&[("krr.csv", &format!("{}{}\n", krr(&[ANNE]), "x".repeat(2_000_000)))]);
    assert_eq!(endless.refusals(&[ANNE]), [(SnapshotName::Krr, "line-too-long")]);
}

#[test]
fn a_file_that_grows_while_it_is_read_is_refused() {
    let registry = Registry::with(&[("krr.csv", &krr(&[ANNE]))]);
    let source = Source::open(&registry.path(), SnapshotName::Krr).unwrap().unwrap();
    let result = source.read(|_| {
        let mut file = File::options().append(true).open(registry.path().join("krr.csv")).unwrap();
        file.write_all(b"mer\n").unwrap();
        Ok(())
    });
    assert!(matches!(result, Err(SnapshotRefusal::Changing)));
}

#[test]
fn a_file_replaced_by_rename_was_read_whole() {
    let registry = Registry::with(&[("krr.csv", &krr(&[ANNE])), ("ny.csv", &krr(&[BERIT]))]);
    let source = Source::open(&registry.path(), SnapshotName::Krr).unwrap().unwrap();
    let result = source.read(|_| {
        let _ = fs::rename(registry.path().join("ny.csv"), registry.path().join("krr.csv"));
        Ok(())
    });
    assert_eq!(result.unwrap(), hex(krr(&[ANNE]).as_bytes()));
}

/// The whole row after the identity, in the columns' order without `spraak`; `None` is a row that is not understood.
#[test]
fn what_a_krr_row_means() {
    let facts = |in_krr, reserved, notifiable, mailbox| Some(PersonFacts { in_krr, reserved, notifiable, mailbox });
    let (digipost, eboks) = (Some(Mailbox::Digipost), Some(Mailbox::Eboks));
    let fresh = "2026-06-13T13:42:34+02";
    let old = "2025-05-23";
    let cases: &[(&str, Option<PersonFacts>)] = &[
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,FRESH,,,,,,", facts(true, false, true, None)),
        ("NEI,AKTIV,,a@b.test,FRESH,,,,,,", facts(true, false, true, None)),
        ("JA,AKTIV,KAN_VARSLES,a@b.test,FRESH,,,,,,", facts(true, true, true, None)),
        ("NEI,AKTIV,KAN_IKKE_VARSLES,a@b.test,FRESH,,,,,,", facts(true, false, false, None)),
        ("NEI,SLETTET,KAN_VARSLES,a@b.test,FRESH,,,,,,", facts(false, false, false, None)),
        ("JA,SLETTET,,,,,,,,,", facts(false, true, false, None)),
        (",SLETTET,,,,,,,,,", facts(false, false, false, None)),
        (",IKKE_REGISTRERT,,,,,,,,,", facts(false, false, false, None)),
        // E-mail and mobile are judged apart; one date that is fresh is enough.
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,OLD,,,,,,", facts(true, false, false, None)),
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,OLD,FRESH,,,,,", facts(true, false, true, None)),
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,,OLD,+4790000000,FRESH,,,", facts(true, false, true, None)),
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,OLD,,,FRESH,,,", facts(true, false, false, None)),
        ("NEI,AKTIV,KAN_VARSLES,,FRESH,FRESH,,,,,", facts(true, false, false, None)),
        ("NEI,AKTIV,KAN_VARSLES,   ,FRESH,,,,,,", facts(true, false, false, None)),
        ("NEI,AKTIV,KAN_VARSLES,NULLstillt@default.digdir.no,FRESH,,,,,,", facts(true, false, false, None)),
        // Without dates the register's own word decides.
        ("NEI,AKTIV,KAN_VARSLES,,,,+4790000000,,,,", facts(true, false, true, None)),
        ("NEI,AKTIV,,,,,+4790000000,,,,", facts(true, false, false, None)),
        // A mailbox is an address and a supplier.
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,FRESH,,,,,a.b#1,984661185", facts(true, false, true, digipost)),
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,FRESH,,,,,a.b#1,0192:996460320", facts(true, false, true, eboks)),
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,FRESH,,,,,a.b#1,", facts(true, false, true, None)),
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,FRESH,,,,,,984661185", facts(true, false, true, None)),
        (" NEI , AKTIV ,\"KAN_VARSLES \",\"a@b.test\",FRESH,,,,,,", facts(true, false, true, None)),
        (",AKTIV,KAN_VARSLES,a@b.test,FRESH,,,,,,", None),
        ("KANSKJE,AKTIV,KAN_VARSLES,a@b.test,FRESH,,,,,,", None),
        ("NEI,,KAN_VARSLES,a@b.test,FRESH,,,,,,", None),
        ("NEI,DØD,KAN_VARSLES,a@b.test,FRESH,,,,,,", None),
        ("NEI,AKTIV,VARSLES,a@b.test,FRESH,,,,,,", None),
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,13.06.2026,,,,,,", None),
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,FRESH,,,,i går,,", None),
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,FRESH,,,,,", None),
        ("NEI,AKTIV,KAN_VARSLES,a@b.test,FRESH,,,,,,,", None),
        ("NEI,AKTIV,KAN_VARSLES,a@b\"b\".test,FRESH,,,,,,", None),
    ];
    for (row, expected) in cases {
        let row = row.replace("FRESH", fresh).replace("OLD", old);
        let registry = Registry::with(&[("krr.csv", &format!("{}{ANNE},{row},nb\n{CARL}{PLAIN}", krr(&[BERIT])))]);
        let registers = registry.consult(&ids(&[ANNE, BERIT, CARL]));
        match expected {
            Some(facts) => assert_eq!(registers.person(person(ANNE)), Lookup::Known(facts.clone()), "{row}"),
            None => {
                assert_eq!(registers.person(person(ANNE)), Lookup::Held, "{row}");
                assert_eq!(registers.messages().len(), 1, "{row}");
                assert!(
                    registers.messages()[0].starts_with("registry/krr.csv, linje 3: "),
                    "{}",
                    registers.messages()[0]
                );
            }
        }
        for other in [BERIT, CARL] {
            assert_eq!(registers.person(person(other)), Lookup::Known(notifiable()), "{row}");
        }
    }
}

/// Excel in Norwegian writes `1,28371E+10`, and a file that is parted by commas then has a field too many.
#[test]
fn a_rounded_number_without_quotes_holds_whom_it_may_mean() {
    let eline = "12837110147";
    let text = krr(&[ANNE]) + "1,28371E+10" + PLAIN;
    for text in [text.clone(), text.replace(PLAIN, &PLAIN.replace(",nb", "")).replace(",spraak", "")] {
        let registers = Registry::with(&[("krr.csv", &text)]).consult(&ids(&[ANNE, BERIT, eline]));
        assert_eq!(registers.person(person(ANNE)), Lookup::Known(notifiable()));
        assert_eq!(registers.person(person(BERIT)), Lookup::Known(PersonFacts::default()));
        assert_eq!(registers.person(person(eline)), Lookup::Held);
        assert!(
            registers.messages()[0].contains("linje 3: 14 felt der") || text.len() < 500,
            "{:?}",
            registers.messages()
        );
        assert!(registers.messages()[0].contains("som det kan gjelde"), "{:?}", registers.messages());
    }
}

#[test]
fn too_many_damaged_numbers_may_mean_anybody() {
    for (damaged, held) in [(1_000, false), (1_001, true)] {
        let text = krr(&[ANNE]) + &format!("1.28371E+10{PLAIN}").repeat(damaged);
        let registers = Registry::with(&[("krr.csv", &text)]).consult(&ids(&[ANNE, BERIT]));
        assert_eq!(registers.person(person(ANNE)), Lookup::Known(notifiable()));
        assert_eq!(registers.person(person(BERIT)) == Lookup::Held, held, "{damaged}");
        let told = registers.messages().iter().any(|line| line.contains("mer enn 1000 rader"));
        assert_eq!(told, held, "{:?}", registers.messages());
        assert!(registers.has_unreadable_persons());
    }
}

/// A row that nobody can read wants somebody, though nobody's letter waits for it today.
#[test]
fn damaged_rows_are_told_though_nobody_of_krr_is_asked_about() {
    let registry =
        Registry::with(&[("krr.csv", &(krr(&[ANNE]) + "ukjent" + PLAIN)), ("enheter.csv", &format!("{UNITS}{UNIT}"))]);
    let tables = tempfile::tempdir().unwrap();
    let ask = |wanted: &Wanted| {
        let shelf = Shelf { dir: tables.path(), is_ours: true, wall: rested() };
        registry.consult_with(wanted, Some(shelf), now())
    };
    for wanted in [ids(&["910077473"]), ids(&[]), ids(&[])] {
        let registers = ask(&wanted);
        assert!(registers.has_unreadable_persons());
        assert!(registers.used().iter().all(|used| used.navn != SnapshotName::Krr));
        assert_eq!(registers.accepted.get(SnapshotName::Krr), None);
    }
    // A register that cannot be believed is no matter as long as nobody needs it.
    registry.write("krr.csv", (krr(&[ANNE]) + "ukjent" + PLAIN + BERIT).as_bytes());
    for _ in 0..2 {
        let registers = ask(&ids(&["910077473"]));
        assert!(registers.refused.is_empty() && registers.messages().is_empty(), "{:?}", registers.messages());
        assert!(!registers.notes.contains_key(&SnapshotName::Krr));
    }
    assert_eq!(ask(&ids(&[ANNE])).refused.len(), 1);
}

#[test]
fn two_rows_for_one_person() {
    let same = krr(&[ANNE, BERIT]) + ANNE + &PLAIN.replace("a@eksempel", "annen@eksempel");
    let registers = Registry::with(&[("krr.csv", &same)]).consult(&ids(&[ANNE]));
    assert_eq!(registers.person(person(ANNE)), Lookup::Known(notifiable()));
    assert!(registers.messages().is_empty());

    let different = krr(&[ANNE, BERIT]) + ANNE + &PLAIN.replace("NEI", "JA") + ANNE + PLAIN;
    let registers = Registry::with(&[("krr.csv", &different)]).consult(&ids(&[ANNE, BERIT]));
    assert_eq!(registers.person(person(ANNE)), Lookup::Held);
    assert_eq!(registers.person(person(BERIT)), Lookup::Known(notifiable()));
    assert!(registers.messages()[0].contains("linje 4: ") && registers.messages()[0].contains("linje 2 "));
}

#[test]
fn reservations() {
    let cases = [
        (",", Lookup::Known(true)),
        (",2026-11-23", Lookup::Known(true)),
        (",2026-11-24", Lookup::Known(false)),
        (",2020-01-01", Lookup::Known(true)),
        (",snart", Lookup::Held),
        (",2026-11-2", Lookup::Held),
        ("", Lookup::Held),
        (",2020-01-01,", Lookup::Held),
    ];
    for (row, expected) in cases {
        let text = format!("{RESERVATIONS}{BERIT},\n{ANNE}{row}\n");
        let registry = Registry::with(&[("krr.csv", &krr(&[ANNE, BERIT])), ("reservasjoner.csv", &text)]);
        let registers = registry.consult(&ids(&[ANNE, BERIT]));
        assert_eq!(registers.person(person(ANNE)).map(|facts| facts.reserved), expected, "{row}");
        assert_eq!(registers.person(person(BERIT)).map(|facts| facts.reserved), Lookup::Known(true), "{row}");
    }
    // The list's day begins at midnight in Norway, an hour before it does in UTC.
    let text = format!("{RESERVATIONS}{ANNE},2026-11-24\n");
    let registry = Registry::with(&[("krr.csv", &krr(&[ANNE])), ("reservasjoner.csv", &text)]);
    for (now, reserved) in [("2026-11-23T22:59:59Z", false), ("2026-11-23T23:00:00Z", true)] {
        let registers = registry.consult_at(&ids(&[ANNE]), parse_time(now).unwrap());
        assert_eq!(registers.person(person(ANNE)).map(|facts| facts.reserved), Lookup::Known(reserved));
    }
}

#[test]
fn a_reservation_that_cannot_be_read_refuses_the_list_for_all_persons() {
    for row in ["20036914712,\n", ",2020-01-01\n", "ukjent\n", "\"\n"] {
        let text = format!("{RESERVATIONS}{BERIT},\n{row}{CARL},\n");
        let registry = Registry::with(&[
            ("krr.csv", &krr(&[ANNE])),
            ("reservasjoner.csv", &text),
            ("enheter.csv", &format!("{UNITS}{UNIT}")),
        ]);
        let registers = registry.consult(&ids(&[ANNE, BERIT, "910077473"]));
        assert_eq!(registers.person(person(ANNE)), Lookup::Unavailable, "{row}");
        assert_eq!(registers.person(person(BERIT)), Lookup::Unavailable, "{row}");
        assert!(matches!(registers.organisation(organisation("910077473")), Lookup::Known(Some(_))), "{row}");
    }
}

#[test]
fn how_a_file_may_be_written() {
    let text = krr(&[ANNE, BERIT]);
    let prefixed = text
        .replace("epostadresse", "kontaktinformasjon.epostadresse")
        .replace("postkasse", "digital_post.postkasse")
        .replace("personidentifikator", "PersonIdentifikator");
    let reordered: String = text.lines().fold(String::new(), |out, line| {
        let mut fields: Vec<&str> = line.split(',').collect();
        fields.reverse();
        out + "ukjent " + &fields.join(",") + "\n"
    });
    let cases: Vec<Vec<u8>> = vec![
        format!("\u{feff}{text}").into(),
        text.replace('\n', "\r\n").into(),
        text.replace(',', ";").into(),
        format!("\u{feff}\r\n{}", text.replace(',', ";").replace('\n', "\r\n\r\n")).into(),
        prefixed.into(),
        reordered.replace("ukjent spraak", "spraak").replace("ukjent nb", "nb").into(),
        format!("\"{}\"\n", text.trim_end().replace(',', "\",\"").replace('\n', "\"\n\"")).into(),
        text.replace(ANNE, "209146 95016").into(),
        text.replace(ANNE, &format!(" {ANNE}\t")).into(),
        text.replace("a@eksempel.test", "\"a\r\nb \"\"c\"\", d\"").into(),
        encoding_rs::WINDOWS_1252.encode(&text.replace("a@eksempel.test", "æøå@eksempel.test")).0.into_owned(),
    ];
    for bytes in cases {
        let registry = Registry::new();
        registry.write("krr.csv", &bytes);
        let registers = registry.consult(&ids(&[ANNE, BERIT]));
        for number in [ANNE, BERIT] {
            let shown = String::from_utf8_lossy(&bytes);
            assert_eq!(
                registers.person(person(number)),
                Lookup::Known(notifiable()),
                "{shown}\n{:?}",
                registers.messages()
            );
        }
        assert_eq!(registers.accepted.get(SnapshotName::Krr).unwrap().rader, 2);
    }
    let lost_zero = Registry::with(&[("krr.csv", &krr(&[&CARL[1..]]))]);
    assert_eq!(lost_zero.consult(&ids(&[CARL])).person(person(CARL)), Lookup::Known(notifiable()));
}

#[test]
fn a_stray_quote_swallows_nobody() {
    let stray = |number: &str| format!("{number},NEI,AKTIV,KAN_VARSLES,\"a@eksempel.test,,,,,,,,nb\n");
    // Opened and never closed near it: its own line is broken, the others are rows.
    for rows in [0, 1, 100, 2000] {
        let far = format!("{CARL}{PLAIN}").repeat(rows);
        let registry = Registry::with(&[("krr.csv", &format!("{KRR}{}{BERIT}{PLAIN}{far}", stray(ANNE)))]);
        let registers = registry.consult(&ids(&PEOPLE));
        assert_eq!(registers.person(person(ANNE)), Lookup::Held, "{rows}");
        assert_eq!(registers.person(person(BERIT)), Lookup::Known(notifiable()), "{rows}");
        assert_eq!(registers.messages().len(), 1, "{rows}: {:?}", registers.messages());
    }

    // Two of them in the same column make a well-formed row that has swallowed those between.
    let closing = format!("{CARL},NEI,AKTIV,KAN_VARSLES,a@eksempel.test\",,,,,,,,nb\n");
    let registry = Registry::with(&[("krr.csv", &format!("{KRR}{}{BERIT}{PLAIN}{closing}{DINA}{PLAIN}", stray(ANNE)))]);
    let registers = registry.consult(&ids(&PEOPLE));
    for number in [ANNE, BERIT, CARL] {
        assert_eq!(registers.person(person(number)), Lookup::Held);
    }
    assert_eq!(registers.person(person(DINA)), Lookup::Known(notifiable()));

    // Two rows on one line.
    let joined = format!("{KRR}{ANNE}{},{BERIT}{PLAIN}{DINA}{PLAIN}", PLAIN.trim_end());
    let registers = Registry::with(&[("krr.csv", &joined)]).consult(&ids(&PEOPLE));
    for number in [ANNE, BERIT] {
        assert_eq!(registers.person(person(number)), Lookup::Held);
    }
    assert_eq!(registers.person(person(DINA)), Lookup::Known(notifiable()));
}

#[test]
fn messages_are_few_and_say_nothing_of_anyone() {
    let bad: String =
        (0..50).map(|i| format!("2003691{i:04}x,NEI,AKTIV,,hemmelig@eksempel.test,,,,,,,,nb\n")).collect();
    let unknown = format!("{ANNE},hemmelig,hemmelig,hemmelig,hemmelig,hemmelig,,,,,,,nb\n");
    let registry = Registry::with(&[("krr.csv", &format!("{KRR}{unknown}{bad}{CARL}{PLAIN}"))]);
    let registers = registry.consult(&ids(&[ANNE, CARL]));
    assert_eq!(registers.person(person(CARL)), Lookup::Known(notifiable()));
    assert_eq!(registers.messages().len(), 21);
    assert!(registers.messages()[20].contains("31 rader til"), "{}", registers.messages()[20]);
    for message in &registers.messages() {
        assert!(!message.contains("hemmelig") && !message.contains("2003") && !message.contains('\n'), "{message}");
    }
    // A missing header must not make a person's row into a message.
    let headless = Registry::with(&[("krr.csv", &format!("{ANNE}{PLAIN}"))]).consult(&ids(&[ANNE]));
    assert!(!headless.messages()[0].contains(ANNE), "{}", headless.messages()[0]);
}

#[test]
fn organisations() {
    let address = |lines: &[&str], postcode: &str, city: &str, country: &str| Address {
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        postcode: postcode.into(),
        city: city.into(),
        country: country.into(),
    };
    let units = format!(
        "{UNITS}{UNIT}984661185,POST,true,c/o Åse/nPostboks 1, OSLO ,0001,Norge,Gata 1,OSLO,0151,Norge\n\
         922020175,UTE,false,,,,,\"Kivi 2,/nEesti\",MURASTE,,Estland\n"
    )
    .replace(", OSLO ,0001", "\", OSLO ,0001")
    .replace(",c/o", ",\"c/o");
    let sub_units = format!("{SUB_UNITS}123456785,2026-12-31,,,,Norge,,,,\n");
    let registry = Registry::with(&[
        ("underenheter.csv", &sub_units),
        ("svarinn.csv", "organisasjonsnummer\r\n984 661 185\r\n"),
        ("reservasjoner.csv", &format!("{RESERVATIONS}922020175,\n")),
    ]);
    registry.write("enheter.csv", &encoding_rs::WINDOWS_1252.encode(&units).0);
    let numbers = ["910077473", "984661185", "922020175", "123456785", "974760673"];
    let registers = registry.consult(&ids(&numbers));
    let found = numbers.map(|number| match registers.organisation(organisation(number)) {
        Lookup::Known(facts) => facts,
        other => panic!("{number}: {other:?} {:?}", registers.messages()),
    });
    let facts = |address| OrganisationFacts { address, ..OrganisationFacts::default() };
    assert_eq!(
        found,
        [
            Some(facts(Some(address(&["Gata 1"], "0151", "OSLO", "Norge")))),
            Some(OrganisationFacts {
                bankrupt: true,
                own_receiving_system: true,
                ..facts(Some(address(&["c/o Åse", "Postboks 1"], "0001", "OSLO", "Norge")))
            }),
            Some(OrganisationFacts {
                reserved: true,
                ..facts(Some(address(&["Kivi 2,", "Eesti"], "", "MURASTE", "Estland")))
            }),
            Some(OrganisationFacts { closed_from: "2026-12-31".parse().ok(), ..facts(None) }),
            None,
        ]
    );
    let used = registers.used_for(&RecipientId::parse("910077473").unwrap());
    assert_eq!(
        used.iter().map(|u| u.navn).collect::<Vec<_>>(),
        [SnapshotName::Enheter, SnapshotName::Underenheter, SnapshotName::Svarinn]
    );
}

#[test]
fn organisations_that_are_held() {
    let registry = Registry::with(&[
        ("enheter.csv", &format!("{UNITS}{}", UNIT.replace("false", "kanskje"))),
        ("underenheter.csv", &format!("{SUB_UNITS}123456785,31.12.2026,,,,,,,,\n")),
    ]);
    let registers = registry.consult(&ids(&["910077473", "123456785", "984661185"]));
    assert_eq!(registers.organisation(organisation("123456785")), Lookup::Held);
    // Its only row is not understood, yet it is a row.
    assert_eq!(registers.organisation(organisation("910077473")), Lookup::Held);
    assert_eq!(registers.organisation(organisation("984661185")), Lookup::Known(None));
    assert_eq!(registers.messages().len(), 2);
}

#[test]
fn everything_is_looked_at_and_nothing_remembered() {
    let text = krr(&[ANNE]) + BERIT + &PLAIN.replace("NEI", "?");
    let registry = Registry::with(&[("krr.csv", &text), ("enheter.csv", &format!("{UNITS}{UNIT}"))]);
    let registers = registry.consult(&Wanted::everything());
    assert_eq!(registers.messages().len(), 1);
    assert!(registers.refused.is_empty());
    assert_eq!(registers.person(person(ANNE)), Lookup::Unavailable);
}

#[test]
fn memory_outlives_the_process() {
    let registry = Registry::with(&[("krr.csv", &krr(&[ANNE]))]);
    let accepted = registry.consult(&ids(&[ANNE])).accepted;
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(SnapshotMemory::load(dir.path()).unwrap(), SnapshotMemory::default());
    accepted.store(dir.path()).unwrap();
    accepted.store(dir.path()).unwrap();
    assert_eq!(SnapshotMemory::load(dir.path()).unwrap(), accepted);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    fs::write(dir.path().join("snapshots.json"), "[{").unwrap();
    assert_eq!(SnapshotMemory::load(dir.path()).unwrap(), SnapshotMemory::default());
    assert!(accepted.store(Path::new("/nowhere/at/all")).is_err());
}

#[test]
fn rows_across_blocks_are_found() {
    // Long rows with line breaks in them, so that every way of cutting a block occurs.
    let filler = format!("\"{}\r\n\"\"x\"\" {}\"", "æ".repeat(1000), "y\n".repeat(500));
    let mut text = KRR.to_owned();
    for i in 0..1500 {
        text += &format!("{}{}", PEOPLE[i % 4], PLAIN.replace("a@eksempel.test", &filler));
    }
    assert!(text.len() > 3_000_000);
    let registry = Registry::with(&[("krr.csv", &text)]);
    let registers = registry.consult(&ids(&PEOPLE));
    assert_eq!(registers.messages(), Vec::<String>::new());
    assert_eq!(registers.accepted.get(SnapshotName::Krr).unwrap().rader, 1500);
    assert_eq!(registers.person(person(DINA)), Lookup::Known(notifiable()));
}
