//! Tables are used where they may be and not believed where they may not: nobody's reservation is missed because one
//! was stale, damaged or another's.

use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::thread::sleep;

use super::super::look::Look;
use super::super::table::Table;
use super::*;

const JA: &str = ",JA,AKTIV,KAN_VARSLES,a@eksempel.test,2026-06-13T13:42:34+02,,,,,,,n\n";
/// A file system may give the same time to whatever happens within one tick of its clock.
const TICK: Duration = Duration::from_millis(30);

/// A registry and its tables.
struct Shelved {
    registry: Registry,
    tables: TempDir,
}

impl Shelved {
    fn new(files: &[(&str, &str)]) -> Self {
        Self { registry: Registry::with(files), tables: tempfile::tempdir().unwrap() }
    }

    fn consult_at_wall(&self, numbers: &[&str], wall: SystemTime) -> Registers {
        let shelf = Shelf { dir: self.tables.path(), is_ours: true, wall };
        self.registry.consult_with(&ids(numbers), Some(shelf), now())
    }

    fn consult(&self, numbers: &[&str]) -> Registers {
        self.consult_at_wall(numbers, rested())
    }

    fn anne_is_reserved(&self) -> bool {
        match self.consult(&[ANNE]).person(person(ANNE)) {
            Lookup::Known(facts) => facts.reserved,
            other => panic!("{other:?}"),
        }
    }

    fn krr(&self) -> PathBuf {
        self.registry.path().join("krr.csv")
    }

    fn tables(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.tables.path()).into_iter().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// The one table of this register.
    fn table(&self, name: &str) -> PathBuf {
        let is_its = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(&format!("{name}-"));
        let tables: Vec<PathBuf> = self.tables().into_iter().filter(is_its).collect();
        assert_eq!(tables.len(), 1, "{name}: {:?}", self.tables());
        tables[0].clone()
    }
}

/// Two rows, of which the last byte of the first is `n`, so that both texts are as long.
fn anne(row: &str) -> String {
    format!("{KRR}{ANNE}{row}{BERIT}{PLAIN}")
}

fn not_reserved() -> String {
    anne(&PLAIN.replace("nb", "nbx"))
}

fn reserved() -> String {
    let text = anne(&JA.replace(",n\n", ",nbxx\n"));
    assert_eq!(text.len(), not_reserved().len());
    text
}

/// Puts `text` into the very file, as long as before and dated as before.
fn write_over(path: &Path, text: &str) {
    let before = fs::metadata(path).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(text.as_bytes(), 0).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    let after = fs::metadata(path).unwrap();
    let same = |file: &fs::Metadata| (file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec());
    assert_eq!(same(&before), same(&after));
}

#[test]
fn a_known_snapshot_is_not_read_again() {
    let shelved = Shelved::new(&[("krr.csv", &not_reserved())]);
    assert!(!shelved.anne_is_reserved());
    let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
    let made = inode(shelved.table("krr"));
    let atime = || fs::metadata(shelved.krr()).unwrap().atime_nsec();
    let read = atime();
    assert!(!shelved.anne_is_reserved());
    assert_eq!((inode(shelved.table("krr")), atime()), (made, read));
    // What the rules say of a row is said at the moment that is asked about, whenever the table was made.
    let later = parse_time("2027-12-14T00:00:00+01:00").unwrap();
    shelved.registry.modify("krr.csv", later);
    let shelf = Shelf { dir: shelved.tables.path(), is_ours: true, wall: rested() };
    let registers = shelved.registry.consult_with(&ids(&[ANNE]), Some(shelf), later);
    assert_eq!(registers.person(person(ANNE)), Lookup::Known(PersonFacts { notifiable: false, ..notifiable() }));
    assert_eq!(inode(shelved.table("krr")), made);
}

type Change = fn(&Shelved);

#[test]
fn a_table_is_never_stale() {
    fn replace(shelved: &Shelved) -> PathBuf {
        let new = shelved.registry.path().join("ny.csv");
        fs::write(&new, reserved()).unwrap();
        let before = fs::metadata(shelved.krr()).unwrap().modified().unwrap();
        File::options().write(true).open(&new).unwrap().set_modified(before).unwrap();
        new
    }
    let ways: [(&str, Change); 4] = [
        ("another file is renamed over it, as long and as old", |shelved| {
            fs::rename(replace(shelved), shelved.krr()).unwrap();
        }),
        ("two files change names", |shelved| {
            let (new, old) = (replace(shelved), shelved.registry.path().join("gammel.csv"));
            fs::rename(shelved.krr(), &old).unwrap();
            fs::rename(new, shelved.krr()).unwrap();
        }),
        ("it is written over in place and dated back", |shelved| write_over(&shelved.krr(), &reserved())),
        ("it is removed and made anew", |shelved| {
            let new = replace(shelved);
            fs::remove_file(shelved.krr()).unwrap();
            fs::copy(new, shelved.krr()).unwrap();
            shelved.registry.modify("krr.csv", now() - TimeDelta::hours(1));
        }),
    ];
    for (way, change) in ways {
        let shelved = Shelved::new(&[("krr.csv", &not_reserved())]);
        assert!(!shelved.anne_is_reserved());
        sleep(TICK);
        change(&shelved);
        assert!(shelved.anne_is_reserved(), "{way}");
        assert!(shelved.anne_is_reserved(), "{way}");
        shelved.table("krr");
    }
}

/// Within one tick of the file system's clock nothing betrays a second change: what has just changed proves nothing.
#[test]
fn what_has_just_changed_is_hashed() {
    for _ in 0..30 {
        let shelved = Shelved::new(&[("krr.csv", &not_reserved())]);
        let ask = || shelved.consult_at_wall(&[ANNE], SystemTime::now()).person(person(ANNE));
        assert_eq!(ask(), Lookup::Known(notifiable()));
        assert_eq!(ask(), Lookup::Known(notifiable()));
        write_over(&shelved.krr(), &reserved());
        assert_eq!(ask(), Lookup::Known(PersonFacts { reserved: true, ..notifiable() }));
    }
}

#[test]
fn a_file_has_rested_when_no_clock_can_have_stood_still_since() {
    let at = |seconds: i64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
    // Whole seconds and even ones, as file systems with coarse clocks give them.
    for (modified, changed, wall, rested) in [
        (100, 200, 206, true),
        (100, 200, 203, false),
        (200, 100, 203, false),
        (100, 200, 200, false),
        (100, 200, 150, false),
        (400, 100, 300, false),
    ] {
        let look = Look { modified: (modified, 0), changed: (changed, 0), ..Look::default() };
        assert_eq!(look.has_rested(at(wall)), rested, "{modified} {changed} {wall}");
    }
}

/// A disk whose clock knows whole seconds only, gone with the test; `None` where it may not be mounted.
struct CoarseDisk(TempDir);

impl CoarseDisk {
    fn mount() -> Option<Self> {
        let run = |command: &mut std::process::Command| command.output().is_ok_and(|output| output.status.success());
        let (image, dir) = (tempfile::NamedTempFile::new().ok()?, tempfile::tempdir().ok()?);
        image.as_file().set_len(4 << 20).ok()?;
        let made = run(std::process::Command::new("mkfs.ext4").args(["-q", "-I", "128"]).arg(image.path()));
        let mounted =
            made && run(std::process::Command::new("mount").args(["-o", "loop"]).args([image.path(), dir.path()]));
        mounted.then_some(Self(dir))
    }
}

impl Drop for CoarseDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn a_file_system_with_coarse_times_hides_no_change() {
    let Some(disk) = CoarseDisk::mount() else {
        eprintln!("skipped: this user may not mount, or mkfs.ext4 or loop devices are missing");
        return;
    };
    let registry = Registry { dir: tempfile::tempdir_in(disk.0.path()).unwrap(), ..Registry::new() };
    let shelved = Shelved { registry, tables: tempfile::tempdir().unwrap() };
    shelved.registry.write("krr.csv", not_reserved().as_bytes());
    assert_eq!(fs::metadata(shelved.krr()).unwrap().ctime_nsec(), 0, "the disk's clock is fine");
    let ask = || shelved.consult_at_wall(&[ANNE], SystemTime::now()).person(person(ANNE));
    for (text, reserved) in [(reserved(), true), (not_reserved(), false), (reserved(), true)] {
        ask();
        write_over(&shelved.krr(), &text);
        assert_eq!(ask().map(|facts| facts.reserved), Lookup::Known(reserved));
    }
}

#[test]
fn a_damaged_table_is_made_again() {
    let people: String = (0..400).map(|i| format!("{}{PLAIN}", PEOPLE[i % 4])).collect();
    let units = format!("{UNITS}{UNIT}{}", UNIT.replace("910077473", "984661185"));
    let files = [("krr.csv", KRR.to_owned() + &people), ("enheter.csv", units)];
    let shelved = Shelved::new(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
    let wanted = [ANNE, BERIT, "910077473", "984661185"];
    let expected = format!("{:?}", told(&shelved.consult(&wanted), &ids(&wanted)));
    let check = |what: String| {
        let registers = shelved.consult(&wanted);
        assert_eq!(format!("{:?}", told(&registers, &ids(&wanted))), expected, "{what}");
    };
    for (name, other) in [("krr", "enheter"), ("enheter", "krr")] {
        let whole = fs::read(shelved.table(name)).unwrap();
        // Here and there, and everywhere in the footer.
        for at in (0..whole.len()).step_by(17).chain(whole.len() - 85..whole.len()) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(shelved.table(name), &damaged).unwrap();
            // It was not believed, or what it says is still so.
            check(format!("{name}: byte {at} of {}", whole.len()));
        }
        for length in (0..whole.len()).step_by(61) {
            fs::write(shelved.table(name), &whole[..length]).unwrap();
            check(format!("{name}: cut to {length}"));
            assert_eq!(fs::read(shelved.table(name)).unwrap().len(), whole.len(), "{name}: cut to {length}");
        }
        fs::write(shelved.table(name), [&whole[..], b"x"].concat()).unwrap();
        check(format!("{name}: longer"));
        fs::copy(shelved.table(other), shelved.table(name)).unwrap();
        check(format!("{name}: {other}'s"));
    }
}

/// Bytes that lie well in one table, put into another.
#[test]
fn a_table_is_of_one_snapshot() {
    let old = Shelved::new(&[("krr.csv", &not_reserved())]);
    assert!(!old.anne_is_reserved());
    let stale = fs::read(old.table("krr")).unwrap();
    let new = Shelved::new(&[("krr.csv", &reserved())]);
    assert!(new.anne_is_reserved());
    let fresh = fs::read(new.table("krr")).unwrap();
    assert_eq!(stale.len(), fresh.len());
    // All of it, its pages, and its pages with what tells of them.
    for end in [stale.len(), stale.len() / 3, stale.len() - 100] {
        fs::write(new.table("krr"), [&stale[..end], &fresh[end..]].concat()).unwrap();
        assert!(new.anne_is_reserved(), "{end}");
    }
    // The snapshot that it was made of comes back.
    new.registry.write("krr.csv", not_reserved().as_bytes());
    assert!(!new.anne_is_reserved());
}

#[test]
fn tables_are_private_and_go_with_their_snapshots() {
    let shelved = Shelved::new(&[
        ("krr.csv", &krr(&[ANNE])),
        ("reservasjoner.csv", RESERVATIONS),
        ("enheter.csv", &format!("{UNITS}{UNIT}")),
    ]);
    let shelved = Shelved { tables: tempfile::tempdir().unwrap(), ..shelved };
    let dir = shelved.tables.path().join("snapshots");
    let shelf = Shelf { dir: &dir, is_ours: true, wall: rested() };
    let ask = || shelved.registry.consult_with(&ids(&[ANNE, "910077473"]), Some(shelf), now());
    let names = || {
        let names = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.map(|name| name.split('-').next().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    ask();
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&dir).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        // A contact is a date, and nobody's name or address is in it.
        let bytes = fs::read(entry.path()).unwrap();
        for word in ["eksempel", "STOREVIK", ANNE] {
            assert!(memchr::memmem::find(&bytes, word.as_bytes()).is_none(), "{word}");
        }
    }
    assert_eq!(names(), ["enheter", "krr", "reservasjoner"]);

    // Replaced, and refused.
    shelved.registry.write("krr.csv", krr(&[ANNE, BERIT]).as_bytes());
    ask();
    assert_eq!(names(), ["enheter", "krr", "reservasjoner"]);
    shelved.registry.write("krr.csv", &krr(&[ANNE]).as_bytes()[..200]);
    shelved.registry.write("reservasjoner.csv", b"x");
    ask();
    assert_eq!(names(), ["enheter"]);

    // Nobody asks any more.
    expire(&dir, &shelved.registry.policies, now() + TimeDelta::hours(166));
    assert_eq!(names(), ["enheter"]);
    expire(&dir, &shelved.registry.policies, now() + TimeDelta::hours(168));
    assert_eq!(names(), Vec::<String>::new());
}

#[test]
fn where_no_table_can_be_made_the_register_is_read() {
    let registry = Registry::with(&[("krr.csv", &not_reserved())]);
    let file = registry.dir.path().join("file");
    fs::write(&file, "").unwrap();
    let shelf = Shelf { dir: &file.join("under"), is_ours: true, wall: rested() };
    let registers = registry.consult_with(&ids(&[ANNE]), Some(shelf), now());
    assert_eq!(registers.person(person(ANNE)), Lookup::Known(notifiable()));
    assert!(registers.messages()[0].contains("kunne ikke lages"), "{:?}", registers.messages());
}

/// What is kept of rows is what a table of today says of them. Where this fails, [`Register::pack`] or the file has
/// changed: raise `LAYOUT`, or tables that were made before will be misread.
#[test]
fn the_layout_has_its_number() {
    let shelved = Shelved::new(&[
        ("krr.csv", &format!("{KRR}{ANNE}{JA}{BERIT}{PLAIN}{CARL},?{PLAIN}1.28371E+10{PLAIN}{ANNE}{PLAIN}")),
        ("reservasjoner.csv", &format!("{RESERVATIONS}{BERIT},2020-01-01\n{CARL},\n")),
        ("enheter.csv", &format!("{UNITS}{UNIT}")),
        ("underenheter.csv", &format!("{SUB_UNITS}123456785,2026-12-31,Gata 1/nx,OSLO,0151,Norge,,,,\n")),
        ("svarinn.csv", "organisasjonsnummer\n910077473\n"),
    ]);
    shelved.consult(&[ANNE, "910077473"]);
    let sums = ["krr", "reservasjoner", "enheter", "underenheter", "svarinn"].map(|name| {
        let bytes = fs::read(shelved.table(name)).unwrap();
        assert!(Table::open(&shelved.table(name)).is_some());
        // All but how the snapshot's file looked.
        format!("{:08x}", crc32fast::hash(&bytes[..bytes.len() - 61]))
    });
    assert_eq!(sums, ["b596da97", "e251823d", "ecd6fd22", "933b2840", "5938bfbd"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// [`Registry::consult`] asks both ways and compares.
    #[test]
    fn tables_say_what_the_files_say(
        rows in prop::collection::vec((0_usize..6, 0_usize..9), 0..40),
        reservations in prop::collection::vec((0_usize..4, 0_usize..5), 0..6),
        units in prop::collection::vec((0_usize..3, 0_usize..4), 0..6),
        mistakes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        packed in any::<bool>(),
    ) {
        let numbers = [ANNE, BERIT, CARL, DINA, "1.28371E+10", "ukjent"];
        let ends = [
            PLAIN.to_owned(),
            JA.to_owned(),
            PLAIN.replace("NEI", "?"),
            PLAIN.replace("AKTIV", "SLETTET"),
            PLAIN.replace("2026-06-13T13:42:34+02", "2025-05-23"),
            PLAIN.replace("2026-06-13T13:42:34+02", "2026-06-13"),
            PLAIN.replace("a@eksempel.test", "\"a\nb\""),
            PLAIN.replace("nb", "nb,"),
            PLAIN.replace("KAN_VARSLES", "\"KAN_VARSLES"),
        ];
        let rows = rows.iter().map(|(number, end)| numbers[*number].to_owned() + &ends[*end]);
        let mut krr = KRR.to_owned().into_bytes();
        krr.extend(rows.flat_map(String::into_bytes));
        for (place, byte) in &mistakes {
            let place = place.index(krr.len());
            if place >= KRR.len() { krr[place] = *byte; }
        }
        let days = ["", "2026-11-23", "2026-11-24", "2020-01-01", "snart"];
        let reservations = reservations.iter().map(|(number, day)| format!("{},{}\n", numbers[*number], days[*day]));
        let organisations = ["910077473", "984661185", "974760673"];
        let ends = [",A,false,,,,,Gata 1,OSLO,0151,Norge\n", ",A,true,,,,,,,,\n", ",A,?,,,,,,,,\n", ",A,false\n"];
        let units = units.iter().map(|(number, end)| organisations[*number].to_owned() + ends[*end]);

        let registry = Registry::new();
        if packed { registry.write("krr.csv.gz", &gzip(&krr)) } else { registry.write("krr.csv", &krr) }
        registry.write("reservasjoner.csv", (RESERVATIONS.to_owned() + &reservations.collect::<String>()).as_bytes());
        registry.write("enheter.csv", (UNITS.to_owned() + &units.collect::<String>()).as_bytes());
        registry.consult(&ids(&[&PEOPLE[..], &organisations].concat()));
        registry.consult(&Wanted::everything());
    }
}
