//! Letters dropped in every way that people and systems drop them, while `postgang watch` runs and is killed at random
//! and started again. In the end every letter must lie in one place, whole, and none be left; then the time from whole
//! to ready for its sender is printed.
//!
//! ```sh
//! cargo build --release && cargo run --release --example soak -- --minutes 4
//! cargo run --release --example soak -- --minutes 1 --no-kill --waiting 100000
//! ```

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use lopdf::{Document, Object, Stream, dictionary};

#[derive(Parser)]
#[command(about = "Drop letters in every way while watch runs and is killed, and count them")]
struct Args {
    /// How long letters are dropped
    #[arg(long, default_value_t = 4.0)]
    minutes: f64,
    /// Letters in a burst; one comes every minute
    #[arg(long, default_value_t = 20_000)]
    burst: usize,
    /// Incomplete drops that lie in the inbox all the while
    #[arg(long, default_value_t = 0)]
    waiting: usize,
    /// Let the watch live
    #[arg(long)]
    no_kill: bool,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program [default: the one that cargo built beside this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Work here [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const CHANNELS: [&str; 6] = ["digipost", "eboks", "altinn", "svarinn", "print", "avvist"];
/// Synthetic people in the sample registers, and nobody.
const PEOPLE: [&str; 4] = ["12837110147", "04918520339", "23866031088", ""];
const SETTLE_SECONDS: u64 = 2;

/// How a letter came.
const WAYS: [&str; 4] = ["move", "copy", "slow", "burst"];

fn main() -> Result<()> {
    let args = Args::parse();
    let temp = tempfile::tempdir()?;
    let dir = args.dir.clone().unwrap_or_else(|| temp.path().join("root"));
    let soak = Arc::new(Soak::prepare(&dir)?);
    let program = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.parent().and_then(Path::parent).context("no target folder")?.join("postgang"),
    };
    ensure!(program.is_file(), "{} is not there; build it first", program.display());
    soak.fill(args.waiting)?;
    let stop = Arc::new(AtomicBool::new(false));
    let keeper = {
        let (stop, dir, kill, seed) = (Arc::clone(&stop), dir.clone(), !args.no_kill, args.seed);
        thread::spawn(move || keep_running(&program, &dir, kill, seed, &stop))
    };
    let mut wholes = drop_letters(&soak, &args)?;
    println!("{} letters dropped", wholes.len());
    stop.store(true, Ordering::SeqCst);
    let (mut child, kills) = keeper.join().expect("the keeper does not panic")?;
    let deadline = Instant::now() + Duration::from_secs(180);
    while count(&dir.join("inbox"))? > args.waiting && Instant::now() < deadline {
        sleep(Duration::from_millis(200));
    }
    // The last marks are written after the last letter has left the inbox.
    sleep(Duration::from_secs(3));
    if args.waiting > 0 {
        let figures = fs::read_to_string(dir.join("postgang.prom"))?;
        figures.lines().filter(|line| line.contains("_last_seconds ")).for_each(|line| println!("{line}"));
    }
    Command::new("kill").arg(child.id().to_string()).status()?;
    ensure!(child.wait()?.success(), "watch did not end well");
    check(&soak, &mut wholes, args.waiting)?;
    println!("every letter in one place, none left; watch killed {kills} times");
    Ok(())
}

struct Soak {
    dir: PathBuf,
    pdf: Vec<u8>,
    next: AtomicUsize,
}

impl Soak {
    fn prepare(dir: &Path) -> Result<Self> {
        for folder in ["inbox", "outbox", "registry", "staging"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("registry"))? {
            let path = entry?.path();
            if let Some(name) = path.file_name().filter(|_| path.is_file()) {
                fs::write(dir.join("registry").join(name), fs::read(&path)?)?;
            }
        }
        Ok(Self { dir: dir.to_owned(), pdf: pdf(), next: AtomicUsize::new(0) })
    }

    /// Drops that will never be whole.
    fn fill(&self, waiting: usize) -> Result<()> {
        for n in 0..waiting {
            let folder = self.dir.join(format!("inbox/waiting-{n}"));
            fs::create_dir(&folder)?;
            fs::write(folder.join("forsendelse.yaml"), metadata(&format!("w{n}"), ""))?;
        }
        Ok(())
    }

    fn name(&self, way: &str) -> (String, String) {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{way}-{n}");
        let metadata = metadata(&name, PEOPLE[n % PEOPLE.len()]);
        (name, metadata)
    }

    /// A whole letter beside the inbox.
    fn stage(&self, way: &str) -> Result<(String, PathBuf)> {
        let (name, metadata) = self.name(way);
        let folder = self.dir.join("staging").join(&name);
        fs::create_dir(&folder)?;
        fs::write(folder.join("vedtak.pdf"), &self.pdf)?;
        fs::write(folder.join("forsendelse.yaml"), metadata)?;
        fs::write(folder.join("KLAR"), "")?;
        Ok((name, folder))
    }

    fn move_in(&self, name: &str, staged: &Path) -> Result<SystemTime> {
        fs::rename(staged, self.dir.join("inbox").join(name))?;
        Ok(SystemTime::now())
    }

    /// Written in place, without a word when it is done.
    fn copy_in(&self, pause: Duration) -> Result<(String, SystemTime)> {
        let (name, metadata) = self.name(if pause.is_zero() { "copy" } else { "slow" });
        let folder = self.dir.join("inbox").join(&name);
        fs::create_dir(&folder)?;
        fs::write(folder.join("forsendelse.yaml"), metadata)?;
        let mut file = File::create(folder.join("vedtak.pdf"))?;
        for part in self.pdf.chunks(self.pdf.len().div_ceil(5)) {
            file.write_all(part)?;
            sleep(pause);
        }
        Ok((name, SystemTime::now()))
    }
}

/// When each letter was whole, by its name.
type Wholes = HashMap<String, SystemTime>;

fn drop_letters(soak: &Arc<Soak>, args: &Args) -> Result<Wholes> {
    let mut random = Random(args.seed.max(1));
    let mut wholes = Wholes::new();
    let mut slow = Vec::new();
    let started = Instant::now();
    let mut bursts = 0;
    while started.elapsed().as_secs_f64() < args.minutes * 60.0 {
        if started.elapsed().as_secs() >= bursts * 60 {
            bursts += 1;
            let staged = (0..args.burst).map(|_| soak.stage("burst")).collect::<Result<Vec<_>>>()?;
            for (name, folder) in staged {
                let whole = soak.move_in(&name, &folder)?;
                wholes.insert(name, whole);
            }
        }
        match random.below(10) {
            0..4 => {
                let (name, folder) = soak.stage("move")?;
                let whole = soak.move_in(&name, &folder)?;
                wholes.insert(name, whole);
            }
            4..9 => {
                let (name, whole) = soak.copy_in(Duration::ZERO)?;
                wholes.insert(name, whole);
            }
            _ => {
                let (soak, pause) = (Arc::clone(soak), Duration::from_millis(200 + random.below(1_000)));
                slow.push(thread::spawn(move || soak.copy_in(pause)));
            }
        }
        sleep(Duration::from_millis(random.below(40)));
    }
    for writer in slow {
        let (name, whole) = writer.join().expect("a writer does not panic")?;
        wholes.insert(name, whole);
    }
    Ok(wholes)
}

/// Starts the watch, and kills it and starts it again at random, until told to stop; it then lives on.
fn keep_running(program: &Path, dir: &Path, kill: bool, seed: u64, stop: &AtomicBool) -> Result<(Child, usize)> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let start = || {
        let log = File::options().create(true).append(true).open(dir.join("watch.log"))?;
        let mut command = Command::new(program);
        command.arg("--root").arg(dir).args(["watch", "--settle", &SETTLE_SECONDS.to_string(), "--metrics"]);
        command.arg(dir.join("postgang.prom")).stdout(Stdio::null()).stderr(log);
        command.spawn().with_context(|| format!("{}", program.display()))
    };
    let (mut child, mut kills) = (start()?, 0);
    while !stop.load(Ordering::SeqCst) {
        let life = Instant::now() + Duration::from_millis(200 + random.below(8_000));
        while Instant::now() < life && !stop.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(5));
        }
        if kill && !stop.load(Ordering::SeqCst) {
            child.kill()?;
            child.wait()?;
            (child, kills) = (start()?, kills + 1);
        }
    }
    Ok((child, kills))
}

fn check(soak: &Soak, wholes: &mut Wholes, waiting: usize) -> Result<()> {
    let mut latencies: HashMap<&str, Vec<Duration>> = HashMap::new();
    for channel in CHANNELS {
        for entry in fs::read_dir(soak.dir.join("outbox").join(channel))? {
            let folder = entry?.path();
            let name = folder.file_stem().context("a letter has a name")?.to_string_lossy().into_owned();
            ensure!(channel != "avvist", "{} was refused", folder.display());
            let whole = wholes.remove(&name).with_context(|| format!("{name} lies in two places"))?;
            ensure!(fs::read(folder.join("vedtak.pdf"))? == soak.pdf, "{name} is not whole");
            let ready =
                fs::metadata(folder.join("FERDIG")).with_context(|| format!("{name} has no FERDIG"))?.modified()?;
            let way = WAYS.into_iter().find(|way| name.starts_with(way)).context("a letter came in some way")?;
            latencies.entry(way).or_default().push(ready.duration_since(whole).unwrap_or_default());
        }
    }
    ensure!(wholes.is_empty(), "{} letters are lost, {:?} among them", wholes.len(), wholes.keys().next());
    ensure!(count(&soak.dir.join("inbox"))? == waiting, "letters are left in the inbox");
    ensure!(count(&soak.dir.join(".postgang/work"))? == 0, "letters are left in work/");
    println!("seconds from whole to ready   letters     p50     p90     p99     max");
    for way in WAYS {
        let Some(times) = latencies.get_mut(way) else { continue };
        times.sort_unstable();
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64();
        println!("{way:<28} {:>9} {:>7.2} {:>7.2} {:>7.2} {:>7.2}", times.len(), at(0.5), at(0.9), at(0.99), at(1.0));
    }
    Ok(())
}

fn count(dir: &Path) -> Result<usize> {
    Ok(fs::read_dir(dir)?.count())
}

fn metadata(name: &str, id: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!("  digitalId: '{id}'\n") };
    format!(
        "tittel: Vedtak\neksternReferanse: {name}\ndokumenter:\n  - filnavn: vedtak.pdf\n    mimeType: application/pdf\nmottaker:\n  navn: Prøve\n{id}  adresselinje1: Storgata 1\n  postnummer: '4604'\n  poststed: KRISTIANSAND S\n"
    )
}

/// One empty A4 page.
fn pdf() -> Vec<u8> {
    let mut document = Document::with_version("1.4");
    let pages = document.new_object_id();
    let content = document.add_object(Stream::new(dictionary! {}, Vec::new()));
    let page = document.add_object(dictionary! {
        "Type" => "Page", "Parent" => pages, "Contents" => content,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()], "Resources" => dictionary! {},
    });
    let tree = dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 };
    document.objects.insert(pages, Object::Dictionary(tree));
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).expect("memory takes it");
    bytes
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
