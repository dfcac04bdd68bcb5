//! What the program is stopped at, how it is brought to its end afterwards, and what must then hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use postgang::core::names::{BATCH, METADATA, OURS, READY, STATUS};
use postgang::core::whole::says_complete;
use serde_json::Value;
use walkdir::WalkDir;

use super::support::nights::{
    ALTINN, DIGIPOST, DROPPED, EBOKS, NIGHT, ORGANISATION, RESERVED, SVARINN, World, eventful,
};
use super::support::{assert_no_panic, files, said};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scene {
    Run,
    Nightly,
    Hold,
    Watch,
}

impl Scene {
    pub fn name(self) -> &'static str {
        ["run", "nightly", "hold", "watch"][self as usize]
    }

    /// The root before the command that is harmed.
    pub fn world(self) -> World {
        match self {
            Self::Run => post(),
            Self::Nightly => eventful(history()),
            Self::Hold => eventful(World::new("eksempler/vestre-toten.yaml")),
            Self::Watch => {
                let world = eventful(history());
                // A night that was missed is done at once. What a night and a pass do may come in any order, so these
                // letters go where no night touches them.
                fs::write(world.dir.join(".postgang/nightly"), "2026-12-01\n").unwrap();
                for name in ["ny-1", "ny-2", "ny-3"] {
                    world.drop(name, DIGIPOST, "");
                }
                world.fresh_registers(NIGHT);
                world.alive(NIGHT);
                world
            }
        }
    }

    /// The command that is harmed.
    pub fn command(self, world: &World) -> Command {
        match self {
            Self::Run => world.command(DROPPED, &["run"]),
            Self::Nightly => world.command(NIGHT, &["nightly"]),
            Self::Hold => world.command(NIGHT, &["hold", "2026/aldri", "--reason", "feil vedlegg"]),
            Self::Watch => {
                let options = ["watch", "--interval", "0.2", "--settle", "0", "--nightly", "00:00"];
                world.command(NIGHT, &options)
            }
        }
    }

    /// For a command that runs until it is told to stop: whether its work is done, or will not be.
    pub fn done(self, dir: &Path) -> Option<Box<dyn Fn() -> bool + Sync>> {
        let (dir, started) = (dir.to_owned(), Instant::now());
        let done = move || {
            let night = fs::read_to_string(dir.join(".postgang/nightly")).is_ok_and(|day| day == "2026-12-02\n");
            let new =
                fs::read_dir(dir.join("outbox/digipost")).into_iter().flatten().map(|entry| entry.unwrap().path());
            let ready = new.filter(|path| path.join(READY).exists()).count();
            (night && ready == 3) || started.elapsed() > Duration::from_secs(5)
        };
        (self == Self::Watch).then(|| Box::new(done) as _)
    }

    /// What is done after it, whether it was harmed or not.
    fn finish(self, world: &World) -> Result<(), String> {
        let commands: &[&[&str]] = match self {
            Self::Run => &[&["run", "--settle", "0", "--give-up", "0"]],
            Self::Nightly | Self::Watch => &[&["run", "--settle", "0", "--give-up", "0"], &["nightly"]],
            Self::Hold => {
                &[&["run", "--settle", "0", "--give-up", "0"], &["hold", "2026/aldri", "--reason", "feil vedlegg"]]
            }
        };
        let now = if self == Self::Run { DROPPED } else { NIGHT };
        for arguments in commands {
            let output = world.command(now, arguments).output().unwrap();
            let said = said(&output);
            let exit = output.status.code();
            if !matches!(exit, Some(0 | 1)) {
                return Err(format!("{arguments:?} afterwards ended with {exit:?}: {said}"));
            }
        }
        Ok(())
    }
}

/// A letter for every way through, one twice, two that are refused.
fn post() -> World {
    let world = World::new("avsendere.yaml");
    for (name, recipient) in [
        ("altinn", ALTINN),
        ("digipost", DIGIPOST),
        ("eboks", EBOKS),
        ("reservert", RESERVED),
        ("organisasjon", ORGANISATION),
        ("svarinn", SVARINN),
        ("910077473/egen", ALTINN),
        ("altinn-igjen", ALTINN),
        ("udeklarert", ALTINN),
    ] {
        world.drop(name, recipient, "");
    }
    let inbox = world.dir.join("inbox");
    fs::copy(inbox.join("altinn/forsendelse.yaml"), inbox.join("altinn-igjen/forsendelse.yaml")).unwrap();
    fs::write(inbox.join("udeklarert/notat.txt"), "Hei.").unwrap();
    fs::create_dir(inbox.join("uten-metadata")).unwrap();
    fs::write(inbox.join("uten-metadata/KLAR"), "").unwrap();
    world.fresh_registers(DROPPED);
    world
}

/// What earlier nights have left: a batch that is printed by now, and a finished letter whose time is over.
fn history() -> World {
    let world = World::new("eksempler/vestre-toten.yaml");
    let senders = fs::read_to_string(world.senders()).unwrap();
    fs::write(world.senders(), format!("oppbevaring_dager: 90\n{senders}")).unwrap();
    world.drop("gammel", ALTINN, "");
    world.drop("trykt", RESERVED, "");
    world.run("2026-08-03T10:00:00+02:00");
    world.receipts("gammel.csv", "2026-08-04T00:30:00+02:00", &["gammel LEST 2026-08-03T12:00:00+02:00"]);
    world.nightly("2026-08-04T00:30:00+02:00");
    world.receipts("trykt.csv", NIGHT, &["trykt PRINTET 2026-11-30T12:00:00+01:00"]);
    world
}

/// How things stand in a root when all is done.
pub struct Standing {
    /// Everything outside `.postgang/` but the lists.
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// Rows of lists: a crash repeats some and loses none.
    rows: BTreeMap<PathBuf, BTreeSet<String>>,
    /// Where each letter lies; a batch by its day, since a letter that an error has held goes into a later one.
    places: BTreeMap<Content, Vec<String>>,
    /// What breaks a law by itself, whatever came before.
    faults: Vec<String>,
    /// What the ledger counts.
    counts: Value,
    /// The ledger's newest event when letters were last moved: an older ledger is told by it.
    pub generation: i64,
}

impl Standing {
    /// Brings the root to its end and looks at it.
    pub fn after(scene: Scene, world: &World) -> Result<Self, String> {
        scene.finish(world)?;
        let (mut files, mut rows) = (files(&world.dir), BTreeMap::new());
        let faults = faults(&files);
        files.retain(|path, bytes| {
            let name = path.to_string_lossy();
            if LISTS.iter().any(|list| name.starts_with(list)) {
                rows.insert(path.clone(), String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect());
                return false;
            }
            // What is kept for later starts may be made when it is wanted next.
            !path.starts_with(".postgang")
        });
        let mut places: BTreeMap<Content, Vec<String>> = BTreeMap::new();
        for (content, place) in letters(world) {
            let batch = place.rfind("batch-").map_or(place.len(), |at| at + "batch-YYYY-MM-DD".len());
            places.entry(content).or_default().push(place[..batch].to_owned());
        }
        places.values_mut().for_each(|places| places.sort());
        let counts = world.postgang(NIGHT, &["report"]).0;
        Ok(Self {
            files,
            rows,
            places,
            faults,
            counts,
            generation: postgang::shell::spool::Spool::new(&world.root(), None).generation().unwrap(),
        })
    }

    /// What breaks a law, or is not as it is when nothing has happened. After a kill all is the same to the byte; an
    /// error that the program has met may cost a letter a round, but not its way.
    pub fn violations(&self, calm: &Self, same: bool) -> Vec<String> {
        let mut all = self.faults.clone();
        for (content, places) in &calm.places {
            let now = self.places.get(content).cloned().unwrap_or_default();
            if now != *places {
                all.push(format!("{} is in {now:?} and not in {places:?}", reference(content)));
            }
        }
        if self.counts != calm.counts {
            all.push(format!("the ledger counts {} and not {}", self.counts, calm.counts));
        }
        if self.generation < calm.generation {
            all.push(format!("generation is {} and not {}", self.generation, calm.generation));
        }
        if same {
            all.extend(self.other_files(calm));
        }
        all
    }

    fn other_files(&self, calm: &Self) -> Vec<String> {
        let mut all = Vec::new();
        for (path, bytes) in &calm.files {
            match self.files.get(path) {
                None => all.push(format!("{} is missing", path.display())),
                Some(other) if other != bytes => all.push(format!("{} is another", path.display())),
                Some(_) => {}
            }
        }
        let besides = self.files.keys().filter(|path| !calm.files.contains_key(*path));
        all.extend(besides.map(|path| format!("{} is left", path.display())));
        for (what, one, other) in [("missing", &calm.rows, &self.rows), ("there besides", &self.rows, &calm.rows)] {
            for (path, rows) in one {
                // What a crash has left may be told too: a letter that is half deleted is one matter more.
                if what == "there besides" && path.to_string_lossy().starts_with("outbox/oppfolging-") {
                    continue;
                }
                let others = other.get(path).cloned().unwrap_or_default();
                all.extend(rows.difference(&others).map(|row| format!("in {} is {what}: {row}", path.display())));
            }
        }
        all
    }
}

const LISTS: [&str; 4] = ["outbox/kvittering-", "outbox/purring-", "outbox/retur-", "outbox/oppfolging-"];

/// A letter without its mark, a temporary file, something left on the way, a letter that is printed twice.
fn faults(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    let mut all = Vec::new();
    let mut printed: BTreeMap<String, usize> = BTreeMap::new();
    for (path, bytes) in files {
        let (name, shown) = (path.file_name().unwrap().to_string_lossy(), path.display());
        let on_the_way = [".postgang/work", ".postgang/batch", ".postgang/slettes"];
        if name.ends_with(".tmp")
            || name.starts_with(".postgang-ny-")
            || on_the_way.iter().any(|way| path.starts_with(way))
        {
            all.push(format!("{shown} is left"));
        }
        // A batch is marked as a whole.
        let is_whole = path.starts_with("outbox") && [STATUS, BATCH].contains(&&*name);
        let in_batch =
            path.components().rev().nth(2).is_some_and(|up| up.as_os_str().to_string_lossy().starts_with("batch-"));
        if is_whole && !in_batch && !files.contains_key(&path.with_file_name(READY)) {
            all.push(format!("{shown} has no {READY} beside it"));
        }
        if name == "manifest.csv" {
            for row in String::from_utf8_lossy(bytes).lines().skip(1) {
                *printed.entry(row.split(';').nth(1).unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
    }
    all.extend(printed.into_iter().filter(|(_, times)| *times > 1).map(|(id, n)| format!("{id} is printed {n} times")));
    all
}

/// What a letter holds, ours and the word that it is whole left out.
pub type Content = BTreeMap<PathBuf, Vec<u8>>;

/// Every letter, wherever it lies whole, and the folder that its folder lies in.
pub fn letters(world: &World) -> Vec<(Content, String)> {
    let mut letters = Vec::new();
    // A letter whose time is over is deleted file by file.
    let kept = |entry: &walkdir::DirEntry| entry.file_name() != "slettes";
    for entry in WalkDir::new(&world.dir).into_iter().filter_entry(kept).map(Result::unwrap) {
        if METADATA.iter().any(|name| entry.file_name() == *name) {
            let folder = entry.path().parent().unwrap();
            let mut content = files(folder);
            content.retain(|path, _| {
                let name = path.to_string_lossy();
                !OURS.contains(&&*name) && !says_complete(&name) && !name.to_lowercase().starts_with("stopp")
            });
            let place = folder.parent().unwrap().strip_prefix(&world.dir).unwrap();
            letters.push((content, place.display().to_string()));
        }
    }
    letters
}

/// Which letters are lost or doubled, measured by those that must be there.
pub fn lost_or_doubled(now: &[(Content, String)], must: &[(Content, String)]) -> Vec<String> {
    let count = |all: &[(Content, String)], content| all.iter().filter(|(other, _)| other == content).count();
    let all = must.iter().map(|(content, _)| (content, count(now, content), count(must, content)));
    let wrong = all.filter(|(_, now, must)| now != must);
    wrong.map(|(content, now, must)| format!("{} is there {now} times and not {must}", reference(content))).collect()
}

/// What its sender calls a letter.
fn reference(content: &Content) -> String {
    let metadata = content.get(Path::new(METADATA[0])).map(|bytes| String::from_utf8_lossy(bytes));
    metadata.and_then(|text| text.lines().nth(1).map(str::to_owned)).unwrap_or_default()
}

/// What a command that was harmed may not say.
pub fn panicked(said: &str) -> bool {
    std::panic::catch_unwind(|| assert_no_panic(said)).is_err()
}
