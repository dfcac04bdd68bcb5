//! Everything that is tested through the doors that others use: the binary, the folders, and the library's public
//! functions. One binary, so that it links once.

mod commands;
mod crash;
mod decisions;
mod disk;
mod handbook;
mod laws;
mod odd;
mod precedence;
mod readme;
mod tidy;

#[path = "../support/mod.rs"]
mod support;

use support::{make, world};
