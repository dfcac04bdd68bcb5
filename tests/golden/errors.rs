//! Every refusal is provoked: `tests/errors/<code>/` holds a drop that meets it, what cannot be checked in as recipes
//! in `make.yaml`, and in `BESLUTNING.txt` what the clerk who finds the letter reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use postgang::core::code::Code;
use postgang::core::names::DECISION;
use postgang::core::route::State;

use super::make::make;
use super::support::{expect, fixtures, sorted};
use super::world::{World, status};

fn refusals() -> impl Iterator<Item = Code> {
    Code::ALL.into_iter().filter(|code| code.is_refusal())
}

pub fn every_refusal_has_a_folder_and_every_folder_a_refusal() {
    let folders = sorted(&fixtures("errors"));
    let names: BTreeSet<_> = folders.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, refusals().map(Code::as_str).collect());
}

pub fn check(folder: &Path) {
    let name = folder.file_name().unwrap().to_str().unwrap();
    let code = refusals().find(|code| code.as_str() == name).expect("the folder bears a refusal's name");
    let world = World::new();
    world.copy(&folder.join("registry"), "registry");
    world.age_registers(&BTreeMap::new());
    world.copy(&folder.join("inbox"), "inbox");
    if let Ok(recipes) = fs::read(folder.join("make.yaml")) {
        let recipes: BTreeMap<String, String> = serde_yaml::from_slice(&recipes).unwrap();
        for (path, recipe) in recipes {
            make(&world.path(path), &recipe);
        }
    }
    let outcome = world.run(&[]);
    assert_eq!(outcome.exit, 1, "{}", outcome.said);
    assert_eq!(outcome.report["refused"][name], 1, "{}", outcome.said);
    let refused = world.placed_in("avvist");
    assert_eq!(refused.len(), 1);
    let status = status(&refused[0]);
    let state = if code == Code::DigitalOnlyUndeliverable { State::IkkeLevert } else { State::Avvist };
    assert_eq!((status.kode.as_str(), status.status), (name, state));
    let text = fs::read_to_string(refused[0].join(DECISION)).unwrap();
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "for Windows");
    expect(&folder.join(DECISION), &text.replace("\r\n", "\n"));
}
