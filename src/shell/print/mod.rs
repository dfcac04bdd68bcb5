//! Printed matter: cover sheets, and the PDFs that letters are merged into.

pub mod cover;
pub mod file;
pub mod merge;

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod tests;
