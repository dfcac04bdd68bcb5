//! `status.yaml`: what a letter's folder says of itself. It holds no identity number, and no name or address of a
//! person; `adresse` is an organisation's, from the public register.

use chrono::{NaiveDate, SecondsFormat};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::calendar::{Calendar, Time, parse_time};
use super::facts::{Address, Mailbox};
use super::identity::redact;
use super::judge::{Judgement, Read};
use super::letter::{Carried, Letter, Link, hex};
use super::names::shown;
use super::route::{Channel, Facts, State};
use super::senders::{Group, Limit, Rule, Then};
use super::snapshot::SnapshotUsed;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(non_snake_case, reason = "the field names are the contract's")]
pub struct Status {
    pub forsendelsesId: String,
    pub status: State,
    pub kanal: Channel,
    pub kode: String,
    pub begrunnelse: String,
    pub hjemmel: Option<String>,
    pub avsender: Option<String>,
    pub eksternReferanse: Option<String>,
    pub mottatt: Stamp,
    pub plassert: Stamp,
    pub varslet: Option<Stamp>,
    /// When it could first be read in its channel, which informs nobody; absent until that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tilgjengelig: Option<Stamp>,
    pub underrettet: Option<Stamp>,
    pub lesefrist: Option<Stamp>,
    pub deretter: Option<Then>,
    pub purret: Option<Stamp>,
    pub kunDigitalLevering: bool,
    #[serde(flatten)]
    pub carried: Carried,
    pub fakta: Option<RecordedFacts>,
    pub adresse: Option<Address>,
    pub registre: Vec<SnapshotUsed>,
    pub regel: Option<RecordedRule>,
    pub dokumenter: Vec<RecordedDocument>,
    pub advarsler: Vec<String>,
    /// Where the letter has been before, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tidligere: Vec<Stay>,
    pub hendelser: Vec<Event>,
}

/// A channel that a letter has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    pub kanal: Channel,
    pub fra: Stamp,
    pub til: Stamp,
    pub kode: String,
}

/// What a decision was made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mottakertype", rename_all = "kebab-case")]
pub enum RecordedFacts {
    UtenDigitalId,
    #[serde(rename_all = "snake_case")]
    Person {
        i_krr: bool,
        reservert: bool,
        kan_varsles: bool,
        postkasse: Option<String>,
    },
    #[serde(rename_all = "snake_case")]
    Organisasjon {
        i_enhetsregisteret: bool,
        nedlagt: Option<NaiveDate>,
        konkurs: bool,
        eget_mottakssystem: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRule {
    pub gruppe: Group,
    pub fra: NaiveDate,
    pub lesefrist: Limit,
    pub purring: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedDocument {
    pub filnavn: String,
    pub sha256: Option<String>,
    pub bytes: Option<u64>,
    pub sider: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub tidspunkt: Stamp,
    pub status: State,
    pub tekst: String,
    /// The channel it happened in, when it happened after the letter was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kanal: Option<Channel>,
    /// The sealed batch that it came into by this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bunke: Option<String>,
}

/// A moment as RFC 3339 with whole seconds and the Norwegian offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub Time);

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, false))
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_time(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

/// What a placed letter's `status.yaml` is made of.
pub struct Placing<'a> {
    pub id: String,
    pub letter: Option<&'a Letter>,
    pub reference: Option<&'a str>,
    pub judgement: &'a Judgement,
    pub facts: Option<&'a Facts>,
    pub snapshots: Vec<SnapshotUsed>,
    pub reads: &'a [Read],
    pub calendar: &'a Calendar,
    pub now: Time,
}

impl Status {
    pub fn of(placing: Placing) -> Self {
        let Placing { id, letter, reference, judgement, facts, snapshots, reads, calendar, now } = placing;
        let decision = &judgement.decision;
        let waits = decision.channel == Channel::Altinn;
        // To a mailbox letter a deadline means nothing; that the sender puts nothing on paper does, should it fail.
        let then = |rule: &Rule| match decision.channel {
            Channel::Altinn | Channel::Svarinn => true,
            channel => channel.is_mailbox() && rule.then == Then::DigitalOnly,
        };
        let rule = judgement.rule.as_ref();
        let now_stamp = Stamp(now);
        Self {
            forsendelsesId: id,
            status: decision.state,
            kanal: decision.channel,
            kode: decision.code.as_str().to_owned(),
            begrunnelse: decision.sentence.clone(),
            hjemmel: decision.code.entry().paragraph.map(str::to_owned),
            avsender: judgement.sender.map(|number| number.to_string()),
            eksternReferanse: reference.map(shown),
            mottatt: now_stamp,
            plassert: now_stamp,
            varslet: None,
            tilgjengelig: None,
            underrettet: None,
            lesefrist: rule.filter(|_| waits).map(|rule| Stamp(calendar.deadline(now, rule.limit.limit))),
            deretter: rule.filter(|rule| then(rule)).map(|rule| rule.then),
            purret: None,
            kunDigitalLevering: letter.is_some_and(|letter| letter.digital_only),
            carried: letter.map(|letter| redacted(&letter.carried)).unwrap_or_default(),
            fakta: facts.map(RecordedFacts::of),
            adresse: judgement.address.clone(),
            registre: snapshots,
            regel: rule.map(RecordedRule::of),
            dokumenter: reads.iter().map(RecordedDocument::of).collect(),
            advarsler: decision.warnings.clone(),
            tidligere: Vec::new(),
            hendelser: vec![Event {
                tidspunkt: now_stamp,
                status: decision.state,
                tekst: placed_text(decision.channel).to_owned(),
                kanal: None,
                bunke: None,
            }],
        }
    }

    /// The code that the letter had when this happened to it.
    pub fn code_at(&self, event: &Event) -> &str {
        let earlier = self.tidligere.iter().map(|stay| (stay.kanal, stay.fra, stay.kode.as_str()));
        let stays: Vec<_> = earlier.chain([(self.kanal, self.plassert, self.kode.as_str())]).collect();
        let before = || stays.iter().rev().filter(|(_, from, _)| *from <= event.tidspunkt);
        // A receipt may come late, for a channel that the letter has left.
        let there = before().find(|(channel, ..)| event.kanal.is_none_or(|kanal| kanal == *channel));
        let stay = there.or_else(|| before().next()).or_else(|| stays.first());
        stay.map_or(self.kode.as_str(), |(_, _, code)| code)
    }

    /// The channel that the letter was in at `at`; the first one for a time before it was placed at all.
    pub fn channel_at(&self, at: Time) -> Channel {
        let earlier = self.tidligere.iter().map(|stay| (stay.kanal, stay.fra.0));
        let stays: Vec<_> = earlier.chain([(self.kanal, self.plassert.0)]).collect();
        let then = stays.iter().rev().find(|(_, from)| *from <= at).or_else(|| stays.first());
        then.map_or(self.kanal, |(channel, _)| *channel)
    }

    pub fn was_in_mailbox(&self) -> bool {
        self.kanal.is_mailbox() || self.tidligere.iter().any(|stay| stay.kanal.is_mailbox())
    }

    pub fn from_yaml(bytes: &[u8]) -> Result<Self, serde_yaml::Error> {
        serde_yaml::from_slice(bytes)
    }

    pub fn to_yaml(&self) -> String {
        serde_yaml::to_string(self).expect("texts, numbers and times always serialise")
    }
}

fn placed_text(channel: Channel) -> &'static str {
    match channel {
        Channel::Svarinn => "Klar for mottak i organisasjonens eget mottakssystem",
        Channel::Avvist => "Avvist; se begrunnelsen",
        _ => "Akseptert for ekspedering",
    }
}

fn redacted(carried: &Carried) -> Carried {
    let hide = |text: &Option<String>| text.as_deref().map(redact);
    let hide_link =
        |link: &Link| Link { url: redact(&link.url), tekst: redact(&link.tekst), ledetekst: hide(&link.ledetekst) };
    Carried {
        konteringskode: hide(&carried.konteringskode),
        forsendelsestype: hide(&carried.forsendelsestype),
        korrelasjonsid: hide(&carried.korrelasjonsid),
        avgivende_system: hide(&carried.avgivende_system),
        lenker: carried.lenker.iter().map(hide_link).collect(),
        ..carried.clone()
    }
}

impl RecordedFacts {
    fn of(facts: &Facts) -> Self {
        match facts {
            Facts::NoDigitalId => Self::UtenDigitalId,
            Facts::Person(person) => Self::Person {
                i_krr: person.in_krr,
                reservert: person.reserved,
                kan_varsles: person.notifiable,
                postkasse: person.mailbox.map(|mailbox| {
                    match mailbox {
                        Mailbox::Digipost => "digipost",
                        Mailbox::Eboks => "eboks",
                        Mailbox::Other => "annen",
                    }
                    .to_owned()
                }),
            },
            Facts::Organisation(organisation) => {
                let known = organisation.as_ref();
                Self::Organisasjon {
                    i_enhetsregisteret: known.is_some(),
                    nedlagt: known.and_then(|o| o.closed_from),
                    konkurs: known.is_some_and(|o| o.bankrupt),
                    eget_mottakssystem: known.is_some_and(|o| o.own_receiving_system),
                }
            }
        }
    }
}

impl RecordedRule {
    fn of(rule: &Rule) -> Self {
        Self {
            gruppe: rule.group,
            fra: rule.from,
            lesefrist: rule.limit.clone(),
            purring: rule.reminder_days.map(|days| format!("{days} dager")),
        }
    }
}

impl RecordedDocument {
    fn of(read: &Read) -> Self {
        let content = read.content.as_ref();
        Self {
            filnavn: shown(&read.document.name),
            sha256: content.map(|content| hex(content.digest)),
            bytes: content.map(|content| content.bytes),
            sider: content.and_then(|content| content.pdf).and_then(Result::ok),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A person's letter as the intake places it: two working days, then paper.
    pub(in crate::core) fn letter_in(channel: Channel, at: Time) -> Status {
        let stamp = Stamp(at);
        Status {
            forsendelsesId: "6e1d0f4c-0000-8000-8000-000000000000".to_owned(),
            status: if channel == Channel::Svarinn { State::KlarForMottak } else { State::Akseptert },
            kanal: channel,
            kode: "no-digital-mailbox".to_owned(),
            begrunnelse: String::new(),
            hjemmel: None,
            avsender: Some("910077473".to_owned()),
            eksternReferanse: None,
            mottatt: stamp,
            plassert: stamp,
            varslet: None,
            tilgjengelig: None,
            underrettet: None,
            lesefrist: (channel == Channel::Altinn)
                .then(|| Stamp(Calendar::default().deadline(at, "2 virkedager".parse().unwrap()))),
            deretter: Some(Then::Print),
            purret: None,
            kunDigitalLevering: false,
            carried: Carried::default(),
            fakta: None,
            adresse: None,
            registre: Vec::new(),
            regel: Some(RecordedRule {
                gruppe: Group::Persons,
                fra: "2016-09-20".parse().unwrap(),
                lesefrist: Limit { text: "2 virkedager".to_owned(), limit: "2 virkedager".parse().unwrap() },
                purring: None,
            }),
            dokumenter: Vec::new(),
            advarsler: Vec::new(),
            tidligere: Vec::new(),
            hendelser: vec![Event {
                tidspunkt: stamp,
                status: State::Akseptert,
                tekst: String::new(),
                kanal: None,
                bunke: None,
            }],
        }
    }

    #[test]
    fn what_is_carried_hides_identity_numbers_and_is_silent_where_nothing_is_said() {
        let none = serde_yaml::to_string(&Carried::default()).unwrap();
        for name in ["avgivendeSystem", "svarPaForsendelse", "inneholderPersonsensitivInformasjon", "lenker"] {
            assert!(!none.contains(name), "{name}");
        }
        let text = "https://example.com/20914695016".to_owned();
        let link = Link { url: text.clone(), tekst: text.clone(), ledetekst: Some(text.clone()) };
        let carried = redacted(&Carried { avgivende_system: Some(text), lenker: vec![link], ..Carried::default() });
        let status = Status { carried, ..letter_in(Channel::Altinn, parse_time("2026-11-23T09:00:00+01:00").unwrap()) };
        let yaml = status.to_yaml();
        assert!(!yaml.contains("20914695016") && yaml.contains("ledetekst: https://example.com/XXXXXXXXXXX"), "{yaml}");
        assert_eq!(Status::from_yaml(yaml.as_bytes()).unwrap(), status);
    }
}
