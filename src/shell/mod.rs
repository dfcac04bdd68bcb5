//! The imperative shell: everything that touches bytes from outside, disks, clocks and threads.

pub mod content;
pub mod dir;
pub mod fault;
pub mod held;
pub mod intake;
pub mod ledger;
pub mod mounts;
pub mod moves;
pub mod nightly;
pub mod outbox;
pub mod pass;
pub mod pdf;
pub mod print;
pub mod receipts;
pub mod registers;
pub mod root;
pub mod spool;
pub mod stopwatch;
pub mod takeover;
pub mod watch;
