//! Any bytes give a letter or a refusal, and a refusal names nobody.

#![no_main]

use libfuzzer_sys::fuzz_target;
use postgang::core::code::Refusal;
use postgang::core::format::{Format, parse};
use postgang::core::letter::{Key, Letter};
use postgang::core::names::shown;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let format = if first % 2 == 0 { Format::Yaml } else { Format::Json };
    let refused = |refusal: Refusal| {
        let sentence = refusal.sentence();
        assert_eq!(shown(&sentence), sentence);
    };
    match parse(bytes, format) {
        Ok(parsed) => {
            parsed.unknown.map(refused);
            match Letter::from_forsendelse(parsed.forsendelse) {
                Ok(letter) => {
                    let _ = letter.recipient.check_address();
                    let key = Key::of_letter("", &letter, &[]);
                    assert_eq!(key.digest(), Key::of_letter("", &letter, &[]).digest());
                }
                Err(refusal) => refused(refusal),
            }
        }
        Err(refusal) => refused(refusal),
    }
});
