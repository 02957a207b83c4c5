//! Arguments of which no run can be made.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::arguments::MESSAGES_MAX;
use crate::payload::RUN_ID_MAX_BYTES;
use crate::threshold::ThresholdError;

/// The arguments make no sense, or the run could not be reported.
#[derive(Debug, Error)]
pub enum PlanError {
    /// `--rooms` without a place for their names.
    #[error("--rooms {rooms}: the URL needs {{room}} where the room's name goes: {url}")]
    NoRoomInUrl {
        /// That many.
        rooms: u32,
        /// As given.
        url: String,
    },
    /// Fewer clients than rooms, or none.
    #[error("--clients {clients} --rooms {rooms}: every room needs a client, and there must be a room")]
    EmptyRooms {
        /// That many.
        clients: u32,
        /// That many.
        rooms: u32,
    },
    /// Outside what can be scheduled.
    #[error("--rate {rate} for {duration_s} s: the rate must be above 0 and the run have 1 to {MESSAGES_MAX} messages")]
    Messages {
        /// As given.
        rate: f64,
        /// As given.
        duration_s: f64,
    },
    /// A message is too small for what it must carry, or too large.
    #[error("--size {size}: from {size_min} bytes, which a message needs to be accounted for, to 64MiB")]
    Size {
        /// As given.
        size: u64,
        /// What the run id and the rest take.
        size_min: usize,
    },
    /// The scheme does not fit the scenario.
    #[error("--url {url}: the address must begin with {expected}")]
    Scheme {
        /// As given.
        url: String,
        /// What would do.
        expected: &'static str,
    },
    /// Not an address.
    #[error("--url {url}: {reason}")]
    Url {
        /// As given.
        url: String,
        /// Why not.
        reason: hyper::http::uri::InvalidUri,
    },
    /// A run's name is put into room names.
    #[error("--run-id {0:?}: 1 to {RUN_ID_MAX_BYTES} letters, digits and -")]
    RunId(String),
    /// A threshold cannot be read.
    #[error(transparent)]
    Threshold(#[from] ThresholdError),
    /// A threshold on something that the scenario does not have.
    #[error("--threshold {expression:?}: `{scenario}` does not measure that")]
    NotMeasured {
        /// As given.
        expression: String,
        /// Its name.
        scenario: &'static str,
    },
    /// A closed loop would wait for ever.
    #[error("--pace closed --others-only: a client that never hears of its own message cannot wait for it")]
    NoReply,
    /// A stage or rate from which nothing follows.
    #[error("--warm-up {0:?}: as long as the run, or longer")]
    WarmUp(Duration),
    /// Processes without a client.
    #[error("--processes {processes}: 1 to {most}, a client for each")]
    Processes {
        /// As given.
        processes: u32,
        /// Of so many.
        most: u32,
    },
    /// Clients that make trouble are WebSockets.
    #[error("--slow, --half-open and --abrupt: go with the protocols of WebSockets")]
    Trouble,
    /// Only one protocol has positions.
    #[error("--resume and --churn: go with the protocol native")]
    Resume,
    /// Not a rate.
    #[error("--churn: a positive number of clients per second")]
    Churn,
    /// Not a percentage.
    #[error("--max-drift: a number of per cent")]
    Drift,
    /// Text that travels inside JSON.
    #[error("--binary: goes with the protocols raw and echo")]
    Binary,
    /// A header field or cookie that cannot be sent.
    #[error("{flag} {text:?}: {expected}")]
    Field {
        /// Which flag.
        flag: &'static str,
        /// As given.
        text: String,
        /// What would do.
        expected: &'static str,
    },
    /// The result would be lost.
    #[error("{flag} {path}: cannot be written: {source}")]
    Unwritable {
        /// Which flag.
        flag: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
