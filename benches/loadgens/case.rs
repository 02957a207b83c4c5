//! What is compared.

use std::time::Duration;

use crate::generator::Kind::{self, *};
use crate::generator::{Load, Pace};

/// Messages that are sent and received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// Short, for `--only`.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What a figure of processor time is for.
    pub(crate) unit: &'static str,
    pub(crate) load: Load,
    /// The first is what the others are held against.
    pub(crate) kinds: &'static [Kind],
}

const CLIENTS: usize = 100;
const RATE: f64 = 10_000.0;

const fn load(pace: Pace, rate: f64, is_broadcast: bool) -> Load {
    Load { pace, clients: CLIENTS, rate, length: Duration::ZERO, is_broadcast }
}

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "closed",
        title: "Echo, closed loop: 100 clients, each sends when its message has come back",
        unit: "message sent and received",
        load: load(Pace::Answer, RATE, false),
        kinds: &[Floor, Loadgen, K6Ws, K6Websockets, Artillery],
    },
    Case {
        name: "open",
        title: "Echo, open loop: 100 clients, 10,000 messages a second",
        unit: "message sent and received",
        load: load(Pace::Timer, RATE, false),
        kinds: &[Floor, SleepyFloor, Loadgen, K6Ws, K6Websockets, Artillery],
    },
    Case {
        name: "broadcast",
        title: "Broadcast: 100 clients hear all of 100 messages a second",
        unit: "message received",
        load: load(Pace::Timer, RATE / CLIENTS as f64, true),
        kinds: &[Floor, SleepyFloor, Loadgen, K6Ws, K6Websockets],
    },
];

/// Runs that only one round has: they are far from the floor.
pub(crate) fn is_far(kind: Kind) -> bool {
    match kind {
        Floor | SleepyFloor | Loadgen => false,
        K6Ws | K6Websockets | Artillery => true,
    }
}

/// Whose idle connections are weighed, and how many there are. k6's older
/// module needs a virtual user for each, Artillery some milliseconds.
pub(crate) const IDLE: [(Kind, usize); 4] =
    [(Floor, 10_000), (Loadgen, 10_000), (K6Websockets, 10_000), (Artillery, 1_000)];

/// Connections that are made as fast as may be, and held.
pub(crate) fn idle(clients: usize) -> Load {
    Load { pace: Pace::Idle, clients, rate: RATE, length: Duration::from_secs(20), is_broadcast: false }
}
