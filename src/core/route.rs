//! Which channel a letter goes to: one table, the first row that fits.
//!
//! Source: eForvaltningsforskriften §§ 8, 9 and 32, forvaltningsloven § 15 a, and Digdir's order for the use of KRR.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::code::{Code, Refusal};
use super::facts::{Mailbox, OrganisationFacts, PersonFacts};

/// Where a letter can go; the name of its folder under `outbox/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Digipost,
    Eboks,
    Altinn,
    Svarinn,
    Print,
    Avvist,
}

impl Channel {
    /// The channel of a folder's name or of a receipt's `kanal`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str().eq_ignore_ascii_case(name))
    }

    pub fn is_mailbox(self) -> bool {
        matches!(self, Self::Digipost | Self::Eboks)
    }

    pub const ALL: [Self; 6] = [Self::Digipost, Self::Eboks, Self::Altinn, Self::Svarinn, Self::Print, Self::Avvist];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Digipost => "digipost",
            Self::Eboks => "eboks",
            Self::Altinn => "altinn",
            Self::Svarinn => "svarinn",
            Self::Print => "print",
            Self::Avvist => "avvist",
        }
    }
}

/// SvarUt's words for the state of a letter; those from `SENDT_SDP` on stand in its events only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    Akseptert,
    KlarForMottak,
    Avvist,
    IkkeLevert,
    Varslet,
    Lest,
    LevertSdp,
    SendtPrint,
    Printet,
    SendtDigitalt,
    ManueltHandtert,
    SendtSdp,
    Sendt,
    Levert,
    Feil,
    MottattSvarinn,
    Retur,
    Publisert,
    LevetidUtlopt,
    VarselFeilet,
    Slettet,
}

impl State {
    /// The word as it stands in `status.yaml` and in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Akseptert => "AKSEPTERT",
            Self::KlarForMottak => "KLAR_FOR_MOTTAK",
            Self::Avvist => "AVVIST",
            Self::IkkeLevert => "IKKE_LEVERT",
            Self::Varslet => "VARSLET",
            Self::Lest => "LEST",
            Self::LevertSdp => "LEVERT_SDP",
            Self::SendtPrint => "SENDT_PRINT",
            Self::Printet => "PRINTET",
            Self::SendtDigitalt => "SENDT_DIGITALT",
            Self::ManueltHandtert => "MANUELT_HANDTERT",
            Self::SendtSdp => "SENDT_SDP",
            Self::Sendt => "SENDT",
            Self::Levert => "LEVERT",
            Self::Feil => "FEIL",
            Self::MottattSvarinn => "MOTTATT_SVARINN",
            Self::Retur => "RETUR",
            Self::Publisert => "PUBLISERT",
            Self::LevetidUtlopt => "LEVETID_UTLOPT",
            Self::VarselFeilet => "VARSEL_FEILET",
            Self::Slettet => "SLETTET",
        }
    }
}

/// What the registers say of the recipient; nobody is looked up without a `digitalId`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Facts {
    NoDigitalId,
    Person(PersonFacts),
    /// `None`: in neither enheter nor underenheter.
    Organisation(Option<OrganisationFacts>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub channel: Channel,
    pub state: State,
    pub code: Code,
    /// The reason in bokmål.
    pub sentence: String,
    /// What an operator should know though the letter goes its way.
    pub warnings: Vec<String>,
}

impl Decision {
    pub fn refused(refusal: &Refusal) -> Self {
        let undelivered = refusal.code == Code::DigitalOnlyUndeliverable;
        Self {
            channel: Channel::Avvist,
            state: if undelivered { State::IkkeLevert } else { State::Avvist },
            code: refusal.code,
            sentence: refusal.sentence(),
            warnings: Vec::new(),
        }
    }

    fn routed(channel: Channel, code: Code) -> Self {
        let state = if channel == Channel::Svarinn { State::KlarForMottak } else { State::Akseptert };
        Self { channel, state, code, sentence: code.entry().sentence.to_owned(), warnings: Vec::new() }
    }

    fn because(self, sentence: &str) -> Self {
        Self { sentence: sentence.to_owned(), ..self }
    }

    fn warn(mut self, warning: &str) -> Self {
        self.warnings.push(warning.to_owned());
        self
    }
}

/// The channel table. `uses_mailboxes`: the sender sends to digital mailboxes on `today`.
pub fn route(facts: &Facts, uses_mailboxes: bool, digital_only: bool, today: NaiveDate) -> Decision {
    let decision = match facts {
        Facts::NoDigitalId => Decision::routed(Channel::Print, Code::NoDigitalId),
        Facts::Person(person) => route_person(person, uses_mailboxes),
        Facts::Organisation(organisation) => route_organisation(organisation.as_ref(), today),
    };
    if digital_only && decision.channel == Channel::Print {
        // Which row said print is worth knowing: it tells the sender why nobody was reached.
        let refusal = Refusal::new(Code::DigitalOnlyUndeliverable, decision.code.as_str());
        return Decision::refused(&refusal);
    }
    decision
}

fn route_person(person: &PersonFacts, uses_mailboxes: bool) -> Decision {
    let print = |code| Decision::routed(Channel::Print, code);
    let mailbox = |channel| Decision::routed(channel, Code::DigitalMailbox);
    let altinn = || Decision::routed(Channel::Altinn, Code::NoDigitalMailbox);
    if person.reserved {
        return print(Code::Reserved);
    }
    if !person.in_krr {
        return print(Code::NotInKrr);
    }
    if !person.notifiable {
        return print(Code::NotNotifiable);
    }
    match person.mailbox {
        None => altinn(),
        Some(_) if !uses_mailboxes => {
            altinn().because("Mottakeren kan varsles, men avsenderen bruker ikke digital postkasse.")
        }
        Some(Mailbox::Digipost) => mailbox(Channel::Digipost),
        Some(Mailbox::Eboks) => mailbox(Channel::Eboks),
        Some(Mailbox::Other) => altinn()
            .because("Mottakeren kan varsles, men har digital postkasse hos en leverandør det ikke sendes til her.")
            .warn("Ukjent postkasseleverandør i krr.csv; brevet går til Altinn."),
    }
}

fn route_organisation(organisation: Option<&OrganisationFacts>, today: NaiveDate) -> Decision {
    let Some(organisation) = organisation else {
        return Decision::refused(&Refusal::new(Code::OrganisationUnknown, ""));
    };
    if let Some(day) = organisation.closed_from.filter(|day| *day <= today) {
        return Decision::refused(&Refusal::new(Code::OrganisationClosed, format!("nedlagt {day}")));
    }
    let decision = if organisation.bankrupt {
        Decision::routed(Channel::Print, Code::OrganisationBankrupt)
    } else if organisation.own_receiving_system {
        Decision::routed(Channel::Svarinn, Code::OwnReceivingSystem)
    } else {
        Decision::routed(Channel::Altinn, Code::Organisation)
    };
    if organisation.reserved {
        return decision.warn("Organisasjonen står i reservasjoner.csv; reservasjon gjelder bare personer, og har ingen virkning her (eForvaltningsforskriften § 9).");
    }
    decision
}
