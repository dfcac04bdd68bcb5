//! From what rows say to what can be said of an identity at one moment.

use std::collections::HashMap;

use super::Lookup;
use super::findings::{Doubts, RowNotes};
use super::gather::{HELD, Says};
use super::register::Register;
use super::table::Damaged;
use crate::core::calendar::Time;
use crate::core::identity::RecipientId;

/// What rows say of those who were asked about, each with its line and in that order.
pub type Rows = HashMap<RecipientId, Vec<(u64, Says<'static>)>>;

/// Takes up what one more row says. What has been said before says no more, but each row that cannot be understood is
/// told.
pub fn add(rows: &mut Rows, id: RecipientId, line: u64, says: Says<'_>) {
    let said = rows.entry(id).or_default();
    if matches!(says, Says::Unclear(_)) || said.iter().all(|(_, before)| *before != says) {
        said.push((line, says.into_owned()));
    }
}

/// What a snapshot says of those who were asked about.
pub struct Answers<F> {
    found: HashMap<RecipientId, Answer<F>>,
    doubts: Doubts,
}

enum Answer<F> {
    Row(F),
    Held,
}

impl<F> Answers<F> {
    /// Notes which rows hold somebody; damaged where what was kept of a row is not what a row is made into.
    pub fn new<R: Register<Facts = F>>(
        rows: &Rows,
        doubts: Doubts,
        now: Time,
        notes: &mut RowNotes,
    ) -> Result<Self, Damaged>
    where
        F: PartialEq,
    {
        let found = rows.iter().map(|(id, said)| Ok((*id, settle::<R>(said, now, notes)?)));
        Ok(Self { found: found.collect::<Result<_, _>>()?, doubts })
    }

    pub fn find(&self, id: &RecipientId) -> Lookup<Option<&F>> {
        match self.found.get(id) {
            // A row that cannot be read may be this one's.
            None if self.in_doubt(id) => Lookup::Held,
            None => Lookup::Known(None),
            Some(Answer::Row(facts)) => Lookup::Known(Some(facts)),
            Some(Answer::Held) => Lookup::Held,
        }
    }

    fn in_doubt(&self, id: &RecipientId) -> bool {
        match id {
            RecipientId::Person(person) => self.doubts.include(*person),
            RecipientId::Organisation(_) => false,
        }
    }
}

/// Two rows that say the same at `now` are one. One that cannot be understood, or says something else, holds.
fn settle<R: Register>(said: &[(u64, Says<'_>)], now: Time, notes: &mut RowNotes) -> Result<Answer<R::Facts>, Damaged> {
    let mut first = None;
    let mut held = false;
    for (line, says) in said {
        match says {
            Says::Facts(packed) => {
                let facts = R::facts(packed, now).ok_or(Damaged)?;
                match &first {
                    _ if held => {}
                    None => first = Some((facts, line)),
                    Some((other, first)) if *other != facts => {
                        notes.add(*line, &format!("raden sier noe annet enn linje {first} om samme mottaker"), HELD);
                        held = true;
                    }
                    Some(_) => {}
                }
            }
            Says::Unclear(why) => {
                notes.add(*line, why, HELD);
                held = true;
            }
            Says::Broken => held = true,
        }
    }
    Ok(match first {
        Some((facts, _)) if !held => Answer::Row(facts),
        _ => Answer::Held,
    })
}
