//! The imperative shell: everything that touches bytes from outside, disks, clocks and threads.

pub mod check;
pub mod demo;
pub mod dir;
pub mod explain;
pub mod find;
pub mod intake;
pub mod ledger;
pub mod moves;
pub mod nightly;
pub mod overview;
pub mod pass;
pub mod pdf;
pub mod print;
pub mod receipts;
pub mod registers;
pub mod root;
pub mod spool;
pub mod stopwatch;
pub mod summary;
pub mod watch;
