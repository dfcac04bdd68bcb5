//! The imperative shell: everything that touches bytes from outside, disks, clocks and threads.

pub mod pdf;
pub mod print;
