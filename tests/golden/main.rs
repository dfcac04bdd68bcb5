//! Each folder of `tests/cases/` and of `tests/errors/` is a test of its own, found when the suite starts:
//!
//! ```sh
//! cargo test --test golden                                  # all
//! cargo test --test golden -- errors/pdf-unreadable         # one
//! UPDATE_EXPECT=1 cargo test --test golden -- cases/        # writes what is expected anew
//! ```

mod cases;
mod errors;

#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial, run};

use support::{fixtures, make, sorted, world};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("every refusal has a folder, and every folder a refusal", || {
        errors::every_refusal_has_a_folder_and_every_folder_a_refusal();
        Ok(())
    })];
    for (folder, check) in [("cases", cases::check as fn(&Path)), ("errors", errors::check)] {
        trials.extend(sorted(&fixtures(folder)).into_iter().map(|case| {
            let name = case.file_name().unwrap().to_string_lossy();
            Trial::test(format!("{folder}/{name}"), move || {
                check(&case);
                Ok(())
            })
        }));
    }
    run(&arguments, trials).exit_code()
}
