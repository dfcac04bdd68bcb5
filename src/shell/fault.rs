//! What the machine says has gone wrong, in an operator's words, and what to try. The system's own texts are English
//! and name numbers; they say nothing of what to do.

use std::io::{self, ErrorKind};

use rusqlite::ErrorCode;
use rustix::io::Errno;

/// What is wrong, as a clause without a full stop.
pub fn cause(error: &io::Error) -> String {
    words(error).map_or_else(|| unnamed(error), |(cause, _)| cause.to_owned())
}

/// What to try, as a clause without a full stop.
pub fn remedy(error: &io::Error) -> &'static str {
    words(error).map_or(LOOK_AT_THE_DISK, |(_, remedy)| remedy)
}

/// An error with everything that led to it, each in an operator's words.
pub fn chain(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for error in error.chain() {
        if let Some(error) = error.downcast_ref::<rusqlite::Error>() {
            // What lies behind it says the same in the database's own words.
            parts.push(ledger_cause(error));
            break;
        }
        let part = error.downcast_ref::<io::Error>().map_or_else(|| error.to_string(), cause);
        // An error that only passes on another says the same.
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }
    parts.join(": ")
}

/// What to try against the root of an error.
pub fn chain_remedy(error: &anyhow::Error) -> &'static str {
    let said = error.chain().find_map(|error| match error.downcast_ref::<io::Error>() {
        Some(error) => Some(remedy(error)),
        None => error.downcast_ref::<rusqlite::Error>().map(ledger_remedy),
    });
    said.unwrap_or(LOOK_AT_THE_DISK)
}

const LOOK_AT_THE_DISK: &str = "kontroller plass og rettigheter på disken";
const MAKE_ROOM: &str = "frigjør plass på disken";
const GIVE_RIGHTS: &str = "gi brukeren som postgang kjører som, lese- og skrivetilgang";
const MAKE_WRITABLE: &str = "finn ut hvorfor filsystemet er skrivebeskyttet, og monter det skrivbart";
const EXAMINE_THE_DISK: &str = "se i systemloggen om disken svikter, og kontroller filsystemet";

/// The cause and the remedy; `None` for what nobody has met yet.
fn words(error: &io::Error) -> Option<(&'static str, &'static str)> {
    let by_number = error.raw_os_error().and_then(|number| by_number(Errno::from_raw_os_error(number)));
    by_number.or_else(|| by_kind(error.kind()))
}

fn by_number(errno: Errno) -> Option<(&'static str, &'static str)> {
    Some(match errno {
        Errno::IO => ("disken kan ikke leses eller skrives her", EXAMINE_THE_DISK),
        Errno::MFILE | Errno::NFILE => {
            ("for mange filer er åpne", "hev grensen for åpne filer (LimitNOFILE), eller kjør med færre --threads")
        }
        Errno::NOTCONN | Errno::CONNABORTED => ("det som er montert her, svarer ikke", "monter området på nytt"),
        Errno::LOOP => {
            ("en lenke står der mappen eller filen skulle vært", "fjern lenken, og legg det den viser til, her")
        }
        Errno::PERM => ("systemet tillater det ikke", GIVE_RIGHTS),
        Errno::NOMEM => ("maskinen har ikke nok minne", "frigjør minne, eller kjør med færre --threads"),
        Errno::BUSY => ("den er i bruk", "finn ut hva som bruker den, og vent til det er ferdig"),
        Errno::UCLEAN => ("filsystemet er skadet", "kontroller og reparer filsystemet (fsck)"),
        _ => return None,
    })
}

fn by_kind(kind: ErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ErrorKind::PermissionDenied => ("postgang har ikke tilgang", GIVE_RIGHTS),
        ErrorKind::StorageFull => ("disken er full", MAKE_ROOM),
        ErrorKind::QuotaExceeded => ("diskkvoten er brukt opp", "frigjør plass, eller hev kvoten"),
        ErrorKind::FileTooLarge => ("filen er større enn systemet tillater", "hev grensen for filstørrelse"),
        ErrorKind::ReadOnlyFilesystem => ("filsystemet er skrivebeskyttet", MAKE_WRITABLE),
        ErrorKind::StaleNetworkFileHandle => {
            ("mappen eller filen er byttet ut på serveren", "monter nettverksområdet på nytt")
        }
        ErrorKind::InvalidFilename => {
            ("navnet er for langt eller har tegn som filsystemet ikke tar", "gi den et kortere navn")
        }
        ErrorKind::CrossesDevices => (
            "den ligger på et annet filsystem eller monteringspunkt",
            "legg den på samme filsystem som resten av roten",
        ),
        ErrorKind::NotFound => ("den finnes ikke", "finn ut hvem som har flyttet den, og legg den tilbake"),
        ErrorKind::AlreadyExists => ("navnet er tatt", "flytt det som har navnet"),
        ErrorKind::NotADirectory => ("det er ikke en mappe", "flytt det som ligger der en mappe skulle vært"),
        ErrorKind::IsADirectory => ("det er en mappe og ikke en fil", "flytt mappen som ligger der en fil skulle vært"),
        ErrorKind::DirectoryNotEmpty => ("mappen er ikke tom", "se hva som ligger i den"),
        ErrorKind::OutOfMemory => ("maskinen har ikke nok minne", "frigjør minne, eller kjør med færre --threads"),
        ErrorKind::TimedOut => ("det svarte ikke i tide", "kontroller disken eller området som er montert der"),
        ErrorKind::Interrupted => ("lesingen ble avbrutt", "prøv på nytt"),
        ErrorKind::UnexpectedEof => ("filen tok slutt for tidlig", "finn ut hvem som endrer den"),
        ErrorKind::ResourceBusy => ("den er i bruk", "finn ut hva som bruker den, og vent til det er ferdig"),
        ErrorKind::TooManyLinks => ("mappen har for mange undermapper", "rydd i mappen"),
        _ => return None,
    })
}

/// What we say ourselves stands as it is; what only the system has a text for is told by its number.
fn unnamed(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("systemet melder feil nummer {number}"),
        None => error.to_string(),
    }
}

pub fn ledger_cause(error: &rusqlite::Error) -> String {
    let Some(code) = error.sqlite_error().copied() else { return "innholdet kan ikke forstås".to_owned() };
    let cause = match (code.code, code.extended_code) {
        (ErrorCode::DiskFull, _) | (_, rusqlite::ffi::SQLITE_IOERR_SHMSIZE) => "disken er full",
        (ErrorCode::SystemIoFailure, _) => "disken kan ikke leses eller skrives her",
        (ErrorCode::ReadOnly, _) => "filen eller filsystemet er skrivebeskyttet",
        (ErrorCode::CannotOpen, _) => "filen kan ikke åpnes",
        (ErrorCode::PermissionDenied, _) => "postgang har ikke tilgang",
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => "et annet program holder filen",
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => "filen er ødelagt",
        (ErrorCode::OutOfMemory, _) => "maskinen har ikke nok minne",
        (ErrorCode::ConstraintViolation, _) => "noe står der fra før",
        (_, number) => return format!("databasen melder feil nummer {number}"),
    };
    cause.to_owned()
}

pub fn ledger_remedy(error: &rusqlite::Error) -> &'static str {
    let Some(code) = error.sqlite_error().copied() else { return "legg tilbake filen fra en sikkerhetskopi" };
    match (code.code, code.extended_code) {
        (ErrorCode::DiskFull, _) | (_, rusqlite::ffi::SQLITE_IOERR_SHMSIZE) => MAKE_ROOM,
        (ErrorCode::SystemIoFailure, _) => EXAMINE_THE_DISK,
        (ErrorCode::ReadOnly, _) => {
            "gi postgang skrivetilgang til filen og mappen, og kontroller at filsystemet er skrivbart"
        }
        (ErrorCode::CannotOpen | ErrorCode::PermissionDenied, _) => GIVE_RIGHTS,
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => "vent til det andre programmet er ferdig",
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => {
            "flytt filen unna, så bygges den opp igjen fra outbox/"
        }
        _ => LOOK_AT_THE_DISK,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    fn os(errno: Errno) -> io::Error {
        errno.into()
    }

    #[test]
    fn what_the_system_says_is_told_without_its_numbers() {
        for errno in [
            Errno::ACCESS,
            Errno::PERM,
            Errno::NOSPC,
            Errno::DQUOT,
            Errno::ROFS,
            Errno::IO,
            Errno::MFILE,
            Errno::STALE,
            Errno::NAMETOOLONG,
            Errno::XDEV,
            Errno::NOTDIR,
            Errno::LOOP,
            Errno::NOTCONN,
            Errno::NOENT,
            Errno::EXIST,
            Errno::INTR,
            Errno::NOTEMPTY,
            Errno::FBIG,
            Errno::NOMEM,
            Errno::BUSY,
            Errno::TIMEDOUT,
        ] {
            let cause = cause(&os(errno));
            assert!(!cause.contains("os error") && !cause.contains(|c: char| c.is_ascii_digit()), "{errno}: {cause}");
            assert!(!remedy(&os(errno)).is_empty());
        }
        assert_eq!(cause(&os(Errno::NOSPC)), "disken er full");
        assert_eq!(cause(&io::Error::other("lesingen stoppet uventet")), "lesingen stoppet uventet");
        assert_eq!(cause(&os(Errno::BADE)), "systemet melder feil nummer 52");
    }

    #[test]
    fn a_chain_is_told_to_its_end() {
        let error = Err::<(), _>(os(Errno::ROFS)).context("kan ikke skrive listen").unwrap_err();
        assert_eq!(chain(&error), "kan ikke skrive listen: filsystemet er skrivebeskyttet");
        assert_eq!(chain_remedy(&error), MAKE_WRITABLE);
        let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        let error = anyhow::Error::new(rusqlite::Error::SqliteFailure(full, None)).context("protokollen");
        assert_eq!((chain(&error).as_str(), chain_remedy(&error)), ("protokollen: disken er full", MAKE_ROOM));
    }
}
