//! `init`: makes the folders, and the marker that tells an inbox from a share that is not mounted.

use super::{Answer, Call};
use crate::shell::pass::PassError;

pub fn init(call: &Call) -> Result<Answer, PassError> {
    call.root.init(call.network_root)?;
    let dir = call.root.dir().display();
    let text = format!("{dir} er gjort klar. Legg avsendere.yaml og registrene i {dir}/registry/.");
    Ok(Answer::new(&serde_json::json!({ "root": call.root.dir() }), text)?)
}
