//! Stops the real program at every call that changes a file, starts it again, and looks whether every letter is whole in
//! exactly one place and all ends as if nothing had happened.
//!
//! ```sh
//! cargo build --release && cargo run --release --example crash
//! cargo run --release --example crash -- run nightly --kind kill --kind enospc --sample 20
//! ```
//!
//! What a kill cannot show is a power cut: the kernel keeps what was written and not synced.

mod scene;
mod tracer;

#[path = "../../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use nix::errno::Errno;

use scene::{Scene, Standing, letters, lost_or_doubled, panicked};
use tracer::{Ended, Harm};

#[derive(Parser)]
#[command(about = "Stop the program at every call that changes a file, and look whether every law holds afterwards")]
struct Args {
    /// What is stopped; all when none is named
    scenes: Vec<Scene>,
    /// What happens at the call; may be repeated [default: kill]
    #[arg(long, value_name = "KIND")]
    kind: Vec<Kind>,
    /// Try this many calls of each, evenly spread; all when absent
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Try this call alone
    #[arg(long, value_name = "N", conflicts_with = "sample")]
    at: Option<usize>,
    /// Try so many at the same time
    #[arg(long, default_value_t = 2)]
    jobs: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// The program is killed before the call
    Kill,
    /// The call fails as on a broken disk, and all others go through
    Eio,
    /// That call and all later ones that take room fail as on a full disk
    Enospc,
}

impl Kind {
    fn harm(self) -> Harm {
        match self {
            Self::Kill => Harm::Kill,
            Self::Eio => Harm::Once(Errno::EIO),
            Self::Enospc => Harm::FromThenOn(Errno::ENOSPC),
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let scenes = if args.scenes.is_empty() { Scene::value_variants().to_vec() } else { args.scenes.clone() };
    let kinds = if args.kind.is_empty() { vec![Kind::Kill] } else { args.kind.clone() };
    let mut violations = 0;
    for scene in scenes {
        for kind in &kinds {
            match sweep(scene, *kind, &args) {
                Ok(found) => violations += found,
                Err(error) => {
                    eprintln!("skipped: {error:#}");
                    return ExitCode::from(2);
                }
            }
        }
    }
    ExitCode::from(u8::from(violations > 0))
}

/// Tries the points of one command; how many violations there were.
fn sweep(scene: Scene, kind: Kind, args: &Args) -> anyhow::Result<usize> {
    let started = Instant::now();
    let fresh = scene.world();
    let calm = fresh.copy();
    // The first call is counted, and none is harmed.
    let undisturbed = tracer::run(scene.command(&calm), usize::MAX, kind.harm(), done(scene, &calm).as_deref())?;
    anyhow::ensure!(matches!(undisturbed.exit, Some(0 | 1)), "undisturbed: {}", undisturbed.said);
    let generation = postgang::shell::spool::Spool::new(&calm.root(), None).generation().unwrap();
    let mut expected = Standing::after(scene, &calm).map_err(anyhow::Error::msg)?;
    // The next start may note more than was moved.
    expected.generation = generation;
    let must = letters(&calm);
    let total = undisturbed.calls;
    let points: Vec<usize> = match (args.at, args.sample) {
        (Some(at), _) => vec![at],
        (_, Some(sample)) => (0..sample.min(total)).map(|n| 1 + n * total / sample.min(total)).collect(),
        // Threads do not always make as many calls.
        _ => (1..=total + total / 10).collect(),
    };
    let (next, tried, violations) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..args.jobs.max(1) {
            scope.spawn(|| {
                while let Some(nth) = points.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let world = fresh.copy();
                    let done = done(scene, &world);
                    let ended = tracer::run(scene.command(&world), *nth, kind.harm(), done.as_deref());
                    let ended = ended.expect("the program was traced before");
                    let Some(call) = &ended.harmed else { continue };
                    tried.fetch_add(1, Ordering::SeqCst);
                    let mut found = while_harmed(kind, &ended);
                    found.extend(lost_or_doubled(&letters(&world), &must));
                    match Standing::after(scene, &world) {
                        Ok(standing) => found.extend(standing.violations(&expected, matches!(kind, Kind::Kill))),
                        Err(said) => found.push(said),
                    }
                    found.extend(lost_or_doubled(&letters(&world), &must));
                    violations.fetch_add(usize::from(!found.is_empty()), Ordering::SeqCst);
                    for what in found {
                        let call = call.replace(world.dir.to_str().unwrap_or_default(), "");
                        println!("{} {kind:?} at call {nth}, {call}: {what}", scene.name());
                    }
                }
            });
        }
    });
    let (tried, violations) = (tried.into_inner(), violations.into_inner());
    println!(
        "{:8} {:7} {tried:5} of {total:5} calls {violations:4} violations {:6.1} s",
        scene.name(),
        format!("{kind:?}").to_lowercase(),
        started.elapsed().as_secs_f64()
    );
    Ok(violations)
}

fn done(scene: Scene, world: &support::nights::World) -> Option<Box<dyn Fn() -> bool + Sync>> {
    scene.done(&world.dir)
}

/// What the program may not do while it is harmed.
fn while_harmed(kind: Kind, ended: &Ended) -> Vec<String> {
    let mut found = Vec::new();
    if ended.hung {
        found.push("it hung".to_owned());
    }
    if panicked(&ended.said) {
        found.push(format!("it panicked: {}", ended.said));
    }
    if !matches!(kind, Kind::Kill) && !matches!(ended.exit, Some(0 | 1 | 3)) && !ended.hung {
        found.push(format!("it ended with {:?}: {}", ended.exit, ended.said));
    }
    found
}
