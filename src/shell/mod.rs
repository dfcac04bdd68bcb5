//! The imperative shell: everything that touches a disk, a clock or a thread.

pub mod registers;
