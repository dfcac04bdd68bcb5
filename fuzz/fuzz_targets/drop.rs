//! Any folder is judged, one way or another, and is left as it was.

#![no_main]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::LazyLock;
use std::time::SystemTime;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use postgang::core::calendar::parse_time;
use postgang::core::code::Code;
use postgang::core::facts::PersonFacts;
use postgang::core::judge::{judge, key_documents};
use postgang::core::printable::print_limits;
use postgang::core::letter::Key;
use postgang::core::names::{METADATA, shown};
use postgang::core::route::Facts;
use postgang::core::senders::Senders;
use postgang::shell::intake;

#[derive(Arbitrary, Debug)]
struct Drop<'a> {
    metadata: Option<(u8, &'a [u8])>,
    entries: Vec<(Name<'a>, Kind<'a>)>,
    in_krr: bool,
}

#[derive(Arbitrary, Debug)]
enum Name<'a> {
    Known(u8),
    Any(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
enum Kind<'a> {
    File(&'a [u8]),
    Sparse(u32),
    Folder,
    Link(&'a [u8]),
}

const KNOWN: [&str; 8] = ["vedtak.pdf", "a.pdf", "KLAR", "FERDIG", "status.yaml", "x.part", "Thumbs.db", "STOPP"];

static SENDERS: LazyLock<Senders> =
    LazyLock::new(|| Senders::parse(include_bytes!("../../registry/avsendere.yaml")).expect("it is the sample"));

fuzz_target!(|drop: Drop| {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a temporary folder");
    let path = folder.path();
    make(path, &drop);
    let before = names(path);
    let wall = SystemTime::now();
    let Ok(opened) = intake::open(path, None, wall) else { return };
    let facts = Facts::Person(PersonFacts { in_krr: drop.in_krr, ..PersonFacts::default() });
    let today = parse_time("2026-11-23T09:00:00+01:00").expect("it is a time").date_naive();
    let limits = print_limits(&opened.drop, &SENDERS, &facts, today);
    let reads = intake::read_documents(path, &opened.drop, limits).expect("everything here can be read");
    let judgement = judge(&opened.drop, &reads, &SENDERS, &facts, today);
    assert_eq!(shown(&judgement.decision.sentence), judgement.decision.sentence);
    if let Ok(letter) = &opened.drop.letter {
        let _ = Key::of_letter("", letter, &key_documents(&reads)).id(Some(1));
    } else {
        assert!(judgement.decision.code < Code::SenderUnknown || judgement.decision.code == Code::DocumentTooLarge);
        let _ = intake::digest_files(path, &opened.drop).expect("everything here can be read");
    }
    assert_eq!(names(path), before);
});

fn make(path: &Path, drop: &Drop) {
    if let Some((which, bytes)) = drop.metadata {
        let _ = fs::write(path.join(METADATA[usize::from(which) % METADATA.len()]), bytes);
    }
    for (name, kind) in drop.entries.iter().take(64) {
        let name = match name {
            Name::Known(n) => KNOWN[usize::from(*n) % KNOWN.len()].as_bytes(),
            Name::Any(bytes) => bytes,
        };
        if name.is_empty() || name == b"." || name == b".." || name.iter().any(|byte| matches!(byte, 0 | b'/')) {
            continue;
        }
        let target = path.join(OsStr::from_bytes(name));
        // A name that is taken or too long stays as it is.
        let _ = match kind {
            Kind::File(bytes) => fs::write(&target, bytes),
            // Too large for anybody, or quick to read.
            Kind::Sparse(bytes) => {
                let bytes = u64::from(*bytes) << if bytes % 2 == 0 { 0 } else { 20 };
                let length = if bytes > 1 << 16 { bytes | 1 << 30 } else { bytes };
                File::create(&target).and_then(|file| file.set_len(length))
            }
            Kind::Folder => fs::create_dir(&target),
            Kind::Link(to) => symlink(OsStr::from_bytes(to), &target),
        };
    }
}

fn names(path: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> =
        fs::read_dir(path).expect("it is ours").map(|entry| entry.expect("it is ours").file_name()).collect();
    names.sort();
    names
}
