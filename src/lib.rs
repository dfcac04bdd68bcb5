//! postgang routes letters: archive systems drop letter folders, registers say how each recipient can be reached, and
//! every letter moves, whole and once, to one channel's outbox.
//!
//! # Flow
//!
//! ```text
//! inbox/<drop>/ ──claim──▶ .postgang/work/ ──read──▶ Drop, Read ─┐
//!                                                                ├─ judge ──▶ Judgement ──admit──▶ recorded decision
//! registry/*.csv ──consult (only whom the pass asks about)──▶ Facts ┘                                    │
//!                                                                                                       ▼
//! outbox/<channel>/<letter>/FERDIG ◀──mark── recorded ◀──sync── moved ◀──place── synced ◀──write status.yaml
//! ```
//!
//! One pass asks each register once, about everybody it has letters to. A snapshot that is new is read once and kept as a
//! table that later passes look up in. Letters then go in batches of a thousand that share two syncs.
//!
//! # Where a letter is
//!
//! A letter is in exactly one place, and its place is its state. Only a rename moves a letter.
//!
//! | place | the letter is | what moves it on |
//! |---|---|---|
//! | `inbox/<drop>/`, `inbox/<orgnr>/<drop>/` | not ours yet | claim, once it is whole and its registers answer |
//! | `.postgang/work/<orgnr or _>/<drop>/` | claimed | placing; after a crash the next start |
//! | `outbox/digipost/`, `outbox/eboks/` | for the digital mailbox | a receipt |
//! | `outbox/altinn/` | waiting to be opened | a receipt, a stop, its deadline |
//! | `outbox/svarinn/` | waiting to be collected | a receipt, a stop, the sender's `svarinn.frist` |
//! | `outbox/print/` | waiting for a print batch | the nightly batch, a stop |
//! | `.postgang/batch/<name>/` | part of a print batch that is being sealed | the batch's rename; after a crash the next start |
//! | `outbox/print/batch-YYYY-MM-DD-NN/` | in a sealed batch, for the print house | the last receipt of the batch |
//! | `outbox/avvist/` | refused; the reason is inside | its sender, who mends it and drops it anew; retention |
//! | `outbox/arkiv/YYYY-MM/` | finished | retention |
//! | `.postgang/slettes/` | being deleted after its retention | deletion; after a crash the next start |
//!
//! # Where to begin
//!
//! - What a person asks for: `src/main.rs` lists the commands, [`commands`] has a file for each.
//! - What happens to a letter that comes in: [`shell::pass::run`], then [`core::judge`] and [`core::route`].
//! - What happens to one that waits: [`shell::nightly::nightly`], then [`core::nightly`].
//! - What a crash leaves, and who takes it up: [`shell::spool`], [`shell::moves`], `shell/pass/recovery.rs`.
//! - What an operator reads: beside the rule or the effect that it tells of, in bokmål; refusals in [`core::code`].
//!
//! # Code map
//!
//! [`core`] holds the rules: values in, values out. A lawyer's question has a file by its name there. [`shell`] holds what
//! touches the world, and is in order: a module uses only what stands above it in this list.
//!
//! | module | what it does | what holds |
//! |---|---|---|
//! | `shell::fault` | says what the machine says, in an operator's words | no number without a word, no fault without a remedy |
//! | `shell::held` | sees what other processes have open | asks no file system, for it may not answer |
//! | `shell::mounts` | sees what is mounted below a folder | asks no file system either |
//! | `shell::dir` | reaches files by their folder's descriptor | follows no link, waits for no pipe, reads within bounds |
//! | `shell::root` | knows the folders of a root, and its lock | one process at a time moves letters in a root |
//! | `shell::ledger` | remembers decisions and events | a commit is durable when it returns; events are never changed |
//! | `shell::outbox` | walks through `outbox/`, finds a letter | changes nothing; a folder's own word decides nothing |
//! | `shell::takeover` | makes a claimed letter ours | the letter is whole in its place at every moment |
//! | `shell::spool` | moves, writes and deletes folders of letters | a letter moves by one rename, and never over another |
//! | `shell::stopwatch` | measures the stages of a pass | decides nothing |
//! | `shell::pdf` | reads PDFs: pages, what stands in the margins | any bytes give an answer or a fault, never a panic |
//! | `shell::content` | reads a document's bytes and their digest | holds a PDF, and large ones one by one |
//! | `shell::intake` | lists `inbox/`, reads a drop | never writes; a drop is judged by what was read once |
//! | `shell::print` | makes cover sheets and merges PDFs | what is merged is what was compared with the letter's sums |
//! | `shell::registers` | asks the registers about recipients | a register that is refused answers "unavailable" |
//! | `shell::receipts` | reads `registry/kvitteringer/` | a row that cannot be read is a doubt, not silence |
//! | `shell::moves` | carries out recorded decisions, seals batches | nothing moves that is not recorded; each step can be repeated |
//! | `shell::pass` | routes what is whole in `inbox/` | the same letters, registers, rules and time give the same outbox |
//! | `shell::nightly` | does a night's work on `outbox/` | every step can be run again; never looks at `inbox/` |
//! | `shell::watch` | makes passes as letters come | a notice of a change is a hint; the scan is the truth |
//!
//! [`commands`] stand above them all, and `main` above those.
//!
//! # Invariants
//!
//! - Nothing in [`core`] sees a disk, a clock, a thread or the environment; `route` and `judge` are tables over values.
//! - Only `shell::spool` moves letters. Only `main` reads the clock that decides, the environment and the arguments.
//! - A decision is in the ledger before the letter moves; a letter without a recorded decision has not moved.
//! - `FERDIG` is written last, after the place is durable and recorded: nothing that a power cut could take back has
//!   been offered to anybody.
//! - A sealed batch holds exactly the letters whose pages are in its PDFs: batch and decisions are recorded together, and
//!   the batch's one rename is its commit.
//! - What receipts amount to is read from a letter's events, a set without order: no night depends on the one before.
//! - A register that was not asked about somebody, or was refused, answers "unavailable", never "not registered".
//! - No type that holds an identity number can be printed.
//!
//! # Decisions
//!
//! - 2026-11-22. **Registers are streamed, not loaded.** A pass knows whom it asks about, so a national register costs
//!   its reading and a few buffers. Since 2026-11-25 whoever holds the lock reads a new snapshot once and looks up in a
//!   table of it from then on; `check` still streams where there is none.
//! - 2026-11-22. **A recorded decision is found by the letter's key**, not by where its folder was: a claimed letter and
//!   one that a power cut put back into `inbox/` are resumed by the same lookup.
//! - 2026-11-22. **Every scalar of the metadata is read as text** and interpreted once, in `core::letter`: YAML's and
//!   JSON's own ideas of numbers and booleans cost identity numbers their zeros.
//! - 2026-11-22. **The intake and the night move letters by one mechanism**, `shell::moves`: recorded, written, synced,
//!   renamed, synced, recorded, marked; finished at the next start by whichever command comes first.
//! - 2026-11-22. **Lists are ranges of the ledger's event numbers**, recorded after the file is in place: a crash repeats
//!   rows and loses none. Since 2026-11-24 each file has its own beginning, because each is fetched in its own time.
//! - 2026-11-22. **A notice stays the beginning of the time for appeal when paper follows**; only a delivery that failed
//!   takes it back.
//! - 2026-11-22. **One `syncfs` for a batch** instead of an fsync chain for each letter.
//! - 2026-11-24. **Reading runs ahead of placing by one batch.** The one wants the processors, the other waits for the
//!   disk; what depends on order is still settled batch by batch, on one thread.
//! - 2026-11-24. **A letter whose folder its owner has closed is a message, not an error.** It stands for itself in every
//!   step: it may not hold a pass, a night or a batch.
//! - 2026-11-25. **The folder is the place, the ledger is the account.** `status.yaml` is for people; what a night decides
//!   by is the text that the ledger recorded for the letter in that place, and a folder that says something else waits.
//!   Comparing whole texts costs a look-up a letter and needs no trust in who may write in a folder.
//! - 2026-11-25. **The ledger stands behind a port**, `shell::ledger`, in the words of passes and nights, so that roots may
//!   come to share a database. It is four small traits, because a pass, a night, a list and a person ask for different
//!   things; earlier letters are asked for a batch at a time, since each question may cross a network.
//! - 2026-11-25. **A root's lists hold the events that this root has recorded**, by numbers of its own. A database's
//!   sequence does not commit in its order: a list that remembers the last number it saw would pass over an event that
//!   comes later with a lower one. A root has one writer at a time, so its own numbers do commit in order, and a range
//!   of them loses nothing, however many roots there are.
//! - 2026-11-25. **A decision on its way belongs to the root that recorded it**: only there does the letter lie, and only
//!   the process that holds the root's lock may carry it out or withdraw it. So a ledger is opened for a root, and
//!   `pending` never gives another root's moves. Letters and their keys belong to all, because a duplicate is one in
//!   whichever root it comes to.
//! - 2026-11-25. **One mount, and no links below `inbox/`, `outbox/` and `.postgang/`.** Every write goes through their
//!   descriptors by ways that pass neither (`openat2`), so that no swap of a name leads a write elsewhere and one sync
//!   reaches all of it.
//! - 2026-11-25. **A stranger's letter is copied at the claim, our own user's is not.** A copy costs as much as all else
//!   that is done with a letter; but who owns a file can write it through a descriptor that nobody sees.
//! - 2026-11-25. **How far the ledger had come is noted on `outbox/` itself** (an extended attribute): whoever puts an older
//!   `.postgang/` back does not put the note back with it.
//! - 2026-11-25. **Documents are compared where they are printed**, in the bytes that are merged, so that nothing can
//!   change between a check and its use.
//! - 2026-11-25. **Strangers' PDFs are read object by object, by `shell::pdf::read`**, in lopdf's types but not by its loader:
//!   that one reads every object of a file at once and cannot be told what a document may cost, and it reads a stream
//!   without a usable length as empty, which printed white pages. Everything is paid from one budget a document.
//! - 2026-11-25. **A table is read with `pread`, a page a look-up, and never mapped.** A mapping wants `unsafe`, of which
//!   there is none here, and a mapped file that somebody cuts kills the process; a call a page is little beside what else a
//!   letter costs. The table holds facts of the file only: what depends on the moment (eighteen
//!   months, `reservert_fra`, age, whether two rows disagree today) is worked out at the look-up. It is known by the
//!   file's look where that proves something, else by its SHA-256; identity numbers stand in it as they are, spread but
//!   not hidden, because a hash of so few numbers hides nobody, and it is as private as the ledger and goes with its
//!   snapshot.

pub mod commands;
pub mod core;
pub mod shell;

#[cfg(test)]
#[path = "../tests/support/panics.rs"]
mod panics;
