//! A root of its own with the repository's sample registers, and the real program on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use postgang::core::calendar::{Time, parse_time};
use postgang::core::status::Status;
use postgang::shell::outbox;
use postgang::shell::root::Root;
use serde_json::Value;

use super::make::pdf;
use super::{date, files, in_memory, postgang, repository, said};

pub const ALTINN: &str = "23866031088";
pub const DIGIPOST: &str = "12837110147";
pub const EBOKS: &str = "04918520339";
pub const RESERVED: &str = "30819241151";
pub const ORGANISATION: &str = "310000019";
pub const SVARINN: &str = "310000205";

pub const DROPPED: &str = "2026-11-23T10:00:00+01:00";
/// The night of [`eventful`].
pub const NIGHT: &str = "2026-12-02T00:30:00+01:00";

/// A world with these letters in their channels, each a name and a recipient.
pub fn world(letters: &[(&str, &str)]) -> World {
    let world = World::new("avsendere.yaml");
    for (name, recipient) in letters {
        world.drop(name, recipient, "");
    }
    world.run(DROPPED);
    world
}

/// Puts letters into a world to which, on [`NIGHT`], everything happens that can happen to a letter.
pub fn eventful(world: World) -> World {
    for (name, recipient) in [
        ("ulest", ALTINN),
        ("aldri", ALTINN),
        ("lest", ALTINN),
        ("stoppet", ALTINN),
        ("reservert", RESERVED),
        ("reservert-2", RESERVED),
        ("organisasjon", ORGANISATION),
        ("hentes-ikke", SVARINN),
        ("levert", DIGIPOST),
        ("uten-skrift", RESERVED),
    ] {
        world.drop(name, recipient, "");
    }
    // A name that cannot be printed: the letter goes to a person.
    let odd = world.dir.join("inbox/uten-skrift/forsendelse.yaml");
    fs::write(&odd, fs::read_to_string(&odd).unwrap().replace("Eline Eksempel", "山田")).unwrap();
    world.run(DROPPED);
    let at = |hour: u32| format!("2026-11-23T{hour}:00:00+01:00");
    let rows = [
        format!("ulest VARSLET {}", at(11)),
        format!("lest VARSLET {}", at(11)),
        format!("lest LEST {}", at(12)),
        format!("organisasjon VARSLET {}", at(11)),
        format!("levert LEVERT_SDP {}", at(11)),
        format!("hentes-ikke VARSLET {}", at(11)),
    ];
    world.receipts("a.csv", NIGHT, &rows.iter().map(String::as_str).collect::<Vec<_>>());
    fs::write(world.folder("stoppet").join("stopp.TXT"), "feil mottaker").unwrap();
    fs::write(world.dir.join("registry/kvitteringer/b.csv"), "forsendelsesId,status,tidspunkt\nrot\n").unwrap();
    world
}

/// What a command said.
pub fn messages(answer: &Value) -> Vec<&str> {
    answer["messages"].as_array().unwrap().iter().map(|message| message.as_str().unwrap()).collect()
}

pub struct World {
    pub dir: PathBuf,
    _temporary: tempfile::TempDir,
}

/// Where a letter lies, below `outbox/`, and what its status says.
pub struct At {
    pub place: String,
    pub status: Status,
}

impl World {
    /// With the senders in this file of `registry/`.
    pub fn new(senders: &str) -> Self {
        let temporary = in_memory();
        let world = Self { dir: temporary.path().to_owned(), _temporary: temporary };
        for folder in ["inbox", "outbox", "registry/kvitteringer"] {
            fs::create_dir_all(world.dir.join(folder)).unwrap();
        }
        let registry = repository().join("registry");
        for name in ["krr.csv", "enheter.csv", "underenheter.csv", "reservasjoner.csv", "svarinn.csv"] {
            fs::copy(registry.join(name), world.dir.join("registry").join(name)).unwrap();
        }
        fs::copy(registry.join(senders), world.senders()).unwrap();
        world
    }

    /// The same, files' times included.
    pub fn copy(&self) -> Self {
        let temporary = in_memory();
        let dir = temporary.path().join("root");
        assert!(Command::new("cp").arg("-a").arg(&self.dir).arg(&dir).status().unwrap().success());
        Self { dir, _temporary: temporary }
    }

    pub fn root(&self) -> Root {
        Root::new(&self.dir, None)
    }

    pub fn outbox(&self) -> PathBuf {
        self.dir.join("outbox")
    }

    pub fn senders(&self) -> PathBuf {
        self.dir.join("registry/avsendere.yaml")
    }

    pub fn drop(&self, name: &str, recipient: &str, more: &str) {
        let folder = self.dir.join("inbox").join(name);
        fs::create_dir_all(&folder).unwrap();
        let metadata = format!(
            "tittel: Vedtak\neksternReferanse: 2026/{name}\n{more}\nmottaker:\n  navn: Eline Eksempel\n  digitalId: '{recipient}'\n  adresselinje1: Storgata 1\n  postnummer: '4604'\n  poststed: KRISTIANSAND S\n"
        );
        fs::write(folder.join("forsendelse.yaml"), metadata).unwrap();
        fs::write(folder.join("vedtak.pdf"), pdf(2)).unwrap();
        fs::write(folder.join("KLAR"), "").unwrap();
    }

    /// The program's answer and exit code.
    pub fn postgang(&self, now: &str, arguments: &[&str]) -> (Value, i32) {
        let output = self.command(now, arguments).output().unwrap();
        let said = said(&output);
        let answer = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {said}"));
        (answer, output.status.code().unwrap())
    }

    /// What the program says when it gives up.
    pub fn postgang_fails(&self, now: &str, arguments: &[&str]) -> String {
        let output = self.command(now, arguments).output().unwrap();
        assert!(!output.status.success());
        said(&output)
    }

    pub fn command(&self, now: &str, arguments: &[&str]) -> Command {
        let mut command = postgang(&self.dir);
        command.args(["--json", "--now", now]).args(arguments);
        command
    }

    /// A routing pass with registers of the hour.
    pub fn run(&self, now: &str) -> Value {
        self.fresh_registers(now);
        self.postgang(now, &["run"]).0
    }

    /// Says of every register that it was written then.
    pub fn fresh_registers(&self, now: &str) {
        for entry in fs::read_dir(self.dir.join("registry")).unwrap() {
            touch(&entry.unwrap().path(), now);
        }
    }

    /// A night with a sign of life.
    pub fn nightly(&self, now: &str) -> (Value, i32) {
        self.alive(now);
        self.postgang(now, &["nightly"])
    }

    pub fn alive(&self, now: &str) {
        self.receipts("liv.csv", now, &[]);
    }

    /// A receipt file with rows such as `drop VARSLET 2026-…`.
    pub fn receipts(&self, name: &str, now: &str, rows: &[&str]) {
        let mut text = "forsendelsesId,status,tidspunkt,kanal\n".to_owned();
        for row in rows {
            let mut parts = row.split(' ');
            let id = self.at(parts.next().unwrap()).status.forsendelsesId;
            text += &format!("{id},{}\n", parts.chain([""]).take(3).collect::<Vec<_>>().join(","));
        }
        let path = self.dir.join("registry/kvitteringer").join(name);
        fs::write(&path, text).unwrap();
        touch(&path, now);
    }

    /// Every letter, by the name it was dropped under.
    pub fn letters(&self) -> Vec<(String, At)> {
        let mut letters: Vec<(String, At)> = outbox::letters(&self.root())
            .map(|path| {
                let status = outbox::read_status(&path).unwrap_or_else(|| panic!("{}", path.display()));
                let name = path.file_name().unwrap().to_string_lossy();
                let name = name.rsplit_once('.').unwrap().0.to_owned();
                let place = path.strip_prefix(self.outbox()).unwrap().parent().unwrap().to_string_lossy().into_owned();
                (name, At { place, status })
            })
            .collect();
        letters.sort_by(|a, b| a.0.cmp(&b.0));
        letters
    }

    pub fn at(&self, name: &str) -> At {
        let found: Vec<At> = self.letters().into_iter().filter(|(n, _)| n == name).map(|(_, at)| at).collect();
        assert_eq!(found.len(), 1, "{name} lies in one place");
        found.into_iter().next().unwrap()
    }

    pub fn place(&self, name: &str) -> String {
        self.at(name).place
    }

    pub fn folder(&self, name: &str) -> PathBuf {
        let start = format!("{name}.");
        let root = self.root();
        let mut letters = outbox::letters(&root);
        letters.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&start)).unwrap()
    }

    pub fn list(&self, name: &str) -> String {
        fs::read_to_string(self.outbox().join(name)).unwrap_or_default()
    }

    /// Every file below `outbox/` with its bytes.
    pub fn tree(&self) -> Vec<(String, Vec<u8>)> {
        let files = files(&self.outbox()).into_iter();
        files.map(|(path, bytes)| (path.to_string_lossy().into_owned(), bytes)).collect()
    }
}

pub fn time(text: &str) -> Time {
    parse_time(text).unwrap()
}

pub fn touch(path: &Path, now: &str) {
    if path.is_file() {
        date(path, SystemTime::from(time(now)));
    }
}
