//! Everything that is tested through the doors that others use: the binary, the folders, and the library's public
//! functions. One binary, so that it links once.

mod commands;
mod crash;
mod decisions;
mod errors;
mod golden;
mod laws;
mod make;
mod odd;
mod tidy;
mod world;

#[path = "../support/mod.rs"]
mod support;
