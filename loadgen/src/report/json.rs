//! The machine-readable result.

use serde_json::Value;

use crate::outcome::Outcome;

/// What a run without messages does not have; a figure that a scenario does not have is absent.
const OF_MESSAGES: [&str; 7] = ["scheduled", "sent", "expected", "received", "refused", "errors", "lost"];

pub(super) fn make(outcome: &Outcome) -> std::io::Result<Vec<u8>> {
    let mut json = if outcome.scenario == "connect" {
        let mut value = serde_json::to_value(outcome)?;
        if let Value::Object(fields) = &mut value {
            fields.retain(|name, _| !OF_MESSAGES.contains(&name.as_str()));
        }
        serde_json::to_vec_pretty(&value)?
    } else {
        serde_json::to_vec_pretty(outcome)?
    };
    json.push(b'\n');
    Ok(json)
}
