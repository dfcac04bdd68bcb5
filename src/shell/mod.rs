//! The imperative shell: everything that touches bytes from outside, disks, clocks and threads.

pub mod intake;
pub mod ledger;
pub mod pass;
pub mod pdf;
pub mod registers;
pub mod root;
pub mod spool;
