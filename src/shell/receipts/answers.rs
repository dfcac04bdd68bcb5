//! The channels' own answers, as their systems gave them: `*.efm.json`, `*.altinn.json`, `*.svarut.json`, each also as
//! `.jsonl`, one answer or many, and `*.id.csv` for answers that know a letter by a foreign id.
//!
//! Answers carry addresses and identity numbers: only the fields named here are read, and nothing of them is quoted.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use uuid::Uuid;

use super::file::{Reading, Row};
use crate::core::answers::{Meaning, System, altinn, altinn_event, eformidling, svarut};
use crate::core::calendar::parse_time;
use crate::core::receipts::{Receipt, Word};

/// Bytes of one file of answers, some ten thousands of them. A larger one is not read at all.
const ANSWERS_BYTES_MAX: u64 = 16 << 20;

/// `forsendelsesId` by system and foreign id.
pub(super) type ForeignIds = HashMap<(System, String), u128>;

/// Whose answers a file holds, by its name; `None` for any other file.
pub(super) fn system_of(name: &str) -> Option<System> {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".json").or_else(|| name.strip_suffix(".jsonl"))?;
    System::named(stem.rsplit('.').next()?)
}

/// Reads a file of answers into `file`. Every answer counts that stands before a place that cannot be read.
pub(super) fn read(file: &mut Reading, path: &Path, system: System, ids: &ForeignIds) -> io::Result<()> {
    let opened = File::open(path)?;
    let about = opened.metadata()?;
    if about.len() > ANSWERS_BYTES_MAX {
        return Err(io::Error::other(format!("filen er større enn {} MB", ANSWERS_BYTES_MAX >> 20)));
    }
    let mut bytes = Vec::new();
    opened.take(ANSWERS_BYTES_MAX).read_to_end(&mut bytes)?;
    let mut answers = Answers { file, system, ids, number: 0 };
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    for answer in serde_json::Deserializer::from_slice(text).into_iter::<Listed>() {
        // The error may quote what stands there.
        let answer = answer.map_err(|error| {
            io::Error::other(format!("linje {}: ikke et helt svar i JSON fra systemet", error.line()))
        })?;
        answers.all(answer);
    }
    if file.is_understood() {
        file.written = Some(about.modified()?);
    }
    Ok(())
}

/// One answer, or a list of them in whichever wrapping the systems have.
#[derive(Deserialize)]
#[serde(untagged)]
enum Listed {
    Many(Vec<Answer>),
    Page {
        #[serde(alias = "statuser", alias = "items", alias = "correspondences")]
        content: Vec<Answer>,
    },
    One(Box<Answer>),
}

/// The fields of all systems' answers that are read; any may be absent, null or of another kind than it should be.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answer {
    #[serde(deserialize_with = "text")]
    message_id: String,
    #[serde(deserialize_with = "text")]
    conversation_id: String,
    #[serde(deserialize_with = "text")]
    senders_reference: String,
    #[serde(deserialize_with = "text")]
    correspondence_id: String,
    #[serde(deserialize_with = "text")]
    resourceinstance: String,
    #[serde(deserialize_with = "text", alias = "forsendelsesId", alias = "forsendelseId", alias = "forsendelsesid")]
    id: String,
    #[serde(deserialize_with = "text", alias = "forsendelseStatus")]
    status: String,
    #[serde(deserialize_with = "text")]
    description: String,
    /// A CloudEvent's.
    #[serde(deserialize_with = "text", rename = "type")]
    kind: String,
    /// A webhook's; other than `messages` it speaks of no letter.
    #[serde(deserialize_with = "text")]
    resource: String,
    #[serde(deserialize_with = "text")]
    direction: String,
    #[serde(
        deserialize_with = "text",
        alias = "createdTs",
        alias = "statusChanged",
        alias = "sisteStatusEndring",
        alias = "time"
    )]
    last_update: String,
    #[serde(deserialize_with = "many")]
    status_history: Vec<Change>,
    #[serde(deserialize_with = "many")]
    notifications: Vec<Notification>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Change {
    #[serde(deserialize_with = "text")]
    status: String,
    #[serde(deserialize_with = "text")]
    status_changed: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Notification {
    is_reminder: bool,
    #[serde(deserialize_with = "lenient")]
    notification_status_details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    #[serde(deserialize_with = "lenient")]
    email: Option<Notice>,
    #[serde(deserialize_with = "lenient")]
    sms: Option<Notice>,
    #[serde(deserialize_with = "many")]
    emails: Vec<Notice>,
    #[serde(deserialize_with = "many")]
    smses: Vec<Notice>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Notice {
    #[serde(deserialize_with = "lenient")]
    succeeded: Option<bool>,
    #[serde(deserialize_with = "lenient")]
    send_status: Option<SendStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SendStatus {
    #[serde(deserialize_with = "text")]
    status: String,
    #[serde(deserialize_with = "text")]
    last_update: String,
}

/// A text, or a number as it is written; empty for anything else.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

fn lenient<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

fn many<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(lenient(deserializer)?.unwrap_or_default())
}

struct Answers<'a> {
    file: &'a mut Reading,
    system: System,
    ids: &'a ForeignIds,
    /// Of the answer in its file, from 1.
    number: u32,
}

impl Answers<'_> {
    fn all(&mut self, listed: Listed) {
        let answers = match listed {
            Listed::Many(answers) | Listed::Page { content: answers } => answers,
            Listed::One(answer) => vec![*answer],
        };
        for answer in answers {
            self.number += 1;
            match self.system {
                System::Eformidling => self.eformidling(&answer),
                System::Altinn => self.altinn(&answer),
                System::Svarut => self.svarut(&answer),
            }
        }
    }

    fn eformidling(&mut self, answer: &Answer) {
        let of_other_things = !answer.resource.is_empty() && answer.resource != "messages";
        if of_other_things || answer.direction.eq_ignore_ascii_case("INCOMING") {
            return;
        }
        let letter = self.letter([&answer.message_id, &answer.conversation_id]);
        let meaning = eformidling(&answer.status, &answer.description);
        self.take(letter, meaning, &answer.last_update, "");
    }

    fn altinn(&mut self, answer: &Answer) {
        let letter = self.letter([&answer.senders_reference, &answer.correspondence_id, &answer.resourceinstance]);
        let channel = "altinn";
        if !answer.kind.is_empty() {
            return self.take(letter, Some(altinn_event(&answer.kind)), &answer.last_update, channel);
        }
        for change in &answer.status_history {
            self.take(letter, altinn(&change.status), &change.status_changed, channel);
        }
        if answer.status_history.is_empty() {
            self.take(letter, altinn(&answer.status), &answer.last_update, channel);
        }
        if let Some((word, at)) = notice(&answer.notifications) {
            self.take(letter, Some(Meaning::Receipt(word)), at, channel);
        }
    }

    fn svarut(&mut self, answer: &Answer) {
        let letter = self.letter([&answer.id]);
        self.take(letter, svarut(&answer.status), &answer.last_update, "");
    }

    /// The letter that one of these ids is of: a foreign one, or its own.
    fn letter<const N: usize>(&self, ids: [&String; N]) -> Option<u128> {
        let known = |id: &&String| self.ids.get(&(self.system, id.trim().to_ascii_lowercase())).copied();
        let own = |id: &&String| Uuid::try_parse(id.trim()).ok().map(|id| id.as_u128());
        ids.iter().find_map(known).or_else(|| ids.iter().find_map(own))
    }

    fn take(&mut self, letter: Option<u128>, meaning: Option<Meaning>, at: &str, channel: &str) {
        let (number, name) = (self.number, letter.map(|id| Uuid::from_u128(id).to_string()).unwrap_or_default());
        let (word, channel) = match meaning {
            Some(Meaning::Nothing) => return,
            Some(Meaning::Receipt(word)) => (word, channel),
            Some(Meaning::OnPaper(word)) => (word, "print"),
            None => return self.file.bad_row(name.as_bytes(), number, "statusen er ukjent"),
        };
        match (letter, moment(at)) {
            (Some(id), Some(at)) => {
                self.file.rows.push(Row { id, receipt: Receipt::new(at, word, channel), line: number })
            }
            (None, _) => {
                self.file.bad_row(b"", number, "svaret nevner ingen forsendelsesId, og ingen id fra en *.id.csv")
            }
            (_, None) => self.file.bad_row(name.as_bytes(), number, "tidspunktet kan ikke leses"),
        }
    }
}

/// RFC 3339, or milliseconds since 1970 as SvarUt's v1 gives them.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let millis = || text.parse().ok().and_then(DateTime::from_timestamp_millis);
    parse_time(text).map(|time| time.with_timezone(&Utc)).or_else(millis)
}

/// What the first round of notices came to: the first that arrived, else that all have failed.
fn notice(notifications: &[Notification]) -> Option<(Word, &str)> {
    let first = notifications.iter().filter(|notification| !notification.is_reminder);
    let details = first.filter_map(|notification| notification.notification_status_details.as_ref());
    let sent: Vec<(&Notice, &SendStatus)> = details
        .flat_map(|all| all.email.iter().chain(&all.sms).chain(&all.emails).chain(&all.smses))
        .filter_map(|notice| Some((notice, notice.send_status.as_ref()?)))
        .collect();
    let at = |(_, sent): &(&Notice, &SendStatus)| moment(&sent.last_update);
    let arrived = sent.iter().filter(|(notice, _)| notice.succeeded == Some(true)).min_by_key(|pair| at(pair));
    if let Some((_, sent)) = arrived {
        return Some((Word::Notified, &sent.last_update));
    }
    let has_failed = |sent: &SendStatus| sent.status.to_ascii_lowercase().contains("failed");
    let last = sent.iter().max_by_key(|pair| at(pair))?;
    sent.iter().all(|(_, sent)| has_failed(sent)).then_some((Word::NoticeFailed, last.1.last_update.as_str()))
}

/// Reads an `*.id.csv`: `forsendelsesId`, `system`, `eksternId`, in any order.
pub(super) fn read_ids(path: &Path, ids: &mut ForeignIds) -> Reading {
    let mut file = Reading::new(path, "linje");
    let read = read_id_rows(&mut file, path, ids);
    file.end(read);
    file
}

fn read_id_rows(file: &mut Reading, path: &Path, ids: &mut ForeignIds) -> io::Result<()> {
    let mut text = Vec::new();
    File::open(path)?.take(ANSWERS_BYTES_MAX).read_to_end(&mut text)?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let head = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = if head.contains(&b';') { b';' } else { b',' };
    let mut rows = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text);
    let header = rows.byte_headers().map_err(io::Error::other)?.clone();
    let find = |name: &str| header.iter().position(|field| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes()));
    let (Some(letter), Some(system), Some(foreign)) = (find("forsendelsesId"), find("system"), find("eksternId"))
    else {
        return Err(io::Error::other("kolonnene forsendelsesId, system og eksternId finnes ikke"));
    };
    for (number, row) in (2..).zip(rows.byte_records()) {
        let row = row.map_err(io::Error::other)?;
        let field = |at: usize| String::from_utf8_lossy(row.get(at).unwrap_or_default()).trim().to_owned();
        match (Uuid::try_parse(&field(letter)).ok(), System::named(&field(system)), field(foreign)) {
            (Some(id), Some(system), foreign) if !foreign.is_empty() => {
                ids.insert((system, foreign.to_ascii_lowercase()), id.as_u128());
            }
            _ => file.bad_row(row.as_slice(), number, "forsendelsesId, system eller eksternId kan ikke leses"),
        }
    }
    Ok(())
}
