//! Letters as an archive system drops them, and where each must end.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use rayon::prelude::*;

use crate::pdf::Template;
use crate::people::{self, Person, Standing};
use crate::random::{Purpose, Random};
use crate::units::{self, Unit};
use crate::words::{FIRST_NAMES, LAST_NAMES, PLACES, street};
use crate::{Place, Size};

const TEMPLATES: u64 = 16;
const TITLES: &[&str] = &[
    "Vedtak om barnehageplass",
    "Svar på søknad om byggetillatelse",
    "Varsel om tilsyn: brann og feiing",
    "Innkalling til møte om individuell plan",
    "Faktura for kommunale avgifter, 2. termin",
];

/// A letter before it is written. The same set and index always give the same letter.
pub struct Letter {
    /// Its folder's name in the inbox.
    pub drop: String,
    /// Where the channel rules put it, known because we chose the recipient.
    pub expected: Place,
    metadata: String,
    templates: [usize; 2],
    identifiers: [u128; 2],
}

/// Writes a whole set into `inbox`.
pub fn write_set(inbox: &Path, size: Size, set: u64, letters: u64) -> Result<()> {
    let templates = |first: u64, pages: usize| -> Result<Vec<Template>> {
        (first..first + TEMPLATES).into_par_iter().map(|index| Template::new(size.seed, index, pages)).collect()
    };
    let templates = [templates(0, 2)?, templates(TEMPLATES, 1)?];
    fs::create_dir_all(inbox)?;
    (0..letters).into_par_iter().try_for_each(|index| {
        let letter = Letter::nth(size, set, index);
        let folder = inbox.join(&letter.drop);
        letter.write(&folder, &templates).with_context(|| format!("cannot write {}", folder.display()))
    })
}

impl Letter {
    pub fn nth(size: Size, set: u64, index: u64) -> Self {
        let mut random = Random::new(size.seed, Purpose::Letter, set << 40 | index);
        let recipient = Recipient::draw(&mut random, size);
        let digital_only = random.percent(1);
        let expected = match recipient.expected {
            Place::Print if digital_only => Place::Avvist,
            place => place,
        };
        let metadata = metadata(&mut random, &recipient, digital_only, set, index);
        let template = || random.below(TEMPLATES) as usize;
        let templates = std::iter::repeat_with(template).take(2).collect::<Vec<_>>();
        let base = u128::from(set) << 64 | u128::from(index) << 8;
        Self {
            drop: format!("sak-{set}-{index:07}"),
            expected,
            metadata,
            templates: [templates[0], templates[1]],
            identifiers: [base | 1, base | 2],
        }
    }

    fn write(&self, folder: &Path, templates: &[Vec<Template>; 2]) -> Result<()> {
        fs::create_dir(folder)?;
        for (at, name) in ["vedtak.pdf", "vedlegg.pdf"].into_iter().enumerate() {
            let template = &templates[at][self.templates[at]];
            fs::write(folder.join(name), template.with_identifier(self.identifiers[at]))?;
        }
        fs::write(folder.join("forsendelse.yaml"), &self.metadata)?;
        fs::write(folder.join("KLAR"), "")?;
        Ok(())
    }
}

struct Recipient {
    digital_id: Option<String>,
    name: String,
    /// Left out for some organisations: the register's address fills it.
    has_address: bool,
    expected: Place,
}

impl Recipient {
    /// In a thousand: 800 persons (10 of them not in KRR), 150 organisations (2 not in any register), 50 without
    /// an identity.
    fn draw(random: &mut Random, size: Size) -> Self {
        match random.below(1000) {
            0..790 => Self::person(random.below(size.krr), size),
            790..800 => Self::person(size.krr + random.below(people::CAPACITY - size.krr), size),
            800..925 => Self::unit(random.below(size.units), size, random.percent(80)),
            925..940 => Self::unit(random.below(size.units.div_ceil(800)) * 800, size, true),
            940..948 => {
                let sub_units = size.sub_units();
                let index = sub_units.start + random.below(sub_units.end - sub_units.start);
                Self::unit(index, size, random.percent(80))
            }
            948..950 => Self::unit(units::FIRST_UNKNOWN + random.below(units::UNKNOWN), size, true),
            _ => {
                let name = format!("{} {}", random.pick(FIRST_NAMES), random.pick(LAST_NAMES));
                Self { digital_id: None, name, has_address: true, expected: Place::Print }
            }
        }
    }

    fn person(index: u64, size: Size) -> Self {
        let person = Person::nth(size.seed, index);
        let expected = match person.standing {
            _ if index >= size.krr || people::in_reservations(index) => Place::Print,
            Standing::Digipost => Place::Digipost,
            Standing::Eboks => Place::Eboks,
            Standing::NoMailbox => Place::Altinn,
            _ => Place::Print,
        };
        let name = format!("{} {}", person.first_name, person.last_name);
        Self { digital_id: Some(person.number), name, has_address: true, expected }
    }

    fn unit(index: u64, size: Size, has_address: bool) -> Self {
        let unit = Unit::nth(size.seed, index);
        let expected = if index >= units::FIRST_UNKNOWN {
            Place::Avvist
        } else if index >= units::FIRST_SUB_UNIT {
            if units::is_closed(index) { Place::Avvist } else { Place::Altinn }
        } else if unit.bankrupt {
            Place::Print
        } else if unit.own_receiving_system {
            Place::Svarinn
        } else {
            Place::Altinn
        };
        Self { digital_id: Some(unit.number), name: unit.name, has_address, expected }
    }
}

fn metadata(random: &mut Random, recipient: &Recipient, digital_only: bool, set: u64, index: u64) -> String {
    let case = 1 + index / 10;
    let document = 1 + index % 10;
    let title = random.pick(TITLES);
    let mut mottaker = format!("  navn: \"{}\"\n", recipient.name);
    if let Some(id) = &recipient.digital_id {
        // One archive system in eight forgets the quotes.
        let quote = if random.below(8) == 0 { "" } else { "\"" };
        mottaker += &format!("  digitalId: {quote}{id}{quote}\n");
    }
    if recipient.has_address {
        let [postcode, city, ..] = PLACES[random.below(PLACES.len() as u64) as usize];
        let street = street(random);
        mottaker += &format!("  adresselinje1: {street}\n  postnummer: \"{postcode}\"\n  poststed: {city}\n");
    }
    let colour = random.percent(20);
    let duplex = random.percent(70);
    let confidential = random.percent(15);
    let code = 1000 + random.below(8000);
    let official = format!("{} {}", random.pick(FIRST_NAMES), random.pick(LAST_NAMES));
    format!(
        r#"tittel: "{title} - sak 2026/{case}"
mottaker:
{mottaker}avgivendeSystem: Storevik sakarkiv
konteringskode: "{code}"
forsendelsestype: vedtak
eksternReferanse: "{set}:2026/{case}-{document}"
korrelasjonsid: "{set:08x}-0000-4000-8000-{index:012x}"
kunDigitalLevering: {digital_only}
krevNiva4Innlogging: {confidential}
taushetsbelagtPost: {confidential}
utskriftskonfigurasjon:
  utskriftMedFarger: {colour}
  tosidig: {duplex}
metadataFraAvleverendeSystem:
  saksaar: 2026
  sakssekvensnummer: {case}
  journalaar: 2026
  journalsekvensnummer: {index}
  journalpostnummer: {document}
  journalposttype: U
  journalstatus: E
  journaldato: "2026-11-20T12:00:00+01:00"
  dokumentetsDato: "2026-11-20T12:00:00+01:00"
  tittel: "{title}"
  saksbehandler: "{official}"
dokumenter:
  - filnavn: vedtak.pdf
    mimeType: application/pdf
    dokumentType: vedtak
  - filnavn: vedlegg.pdf
    mimeType: application/pdf
    dokumentType: vedlegg
"#
    )
}
