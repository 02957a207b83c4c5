//! What is compared.

use std::time::Duration;

use crate::crowd::Talk;
use crate::relay::Kind::{self, *};

/// A room full of clients in which something is said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// Short, for `--only`.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) clients: usize,
    pub(crate) message_bytes: usize,
    pub(crate) talk: Talk,
    pub(crate) relays: &'static [Kind],
}

/// Those that come near each other.
const FAST: &[Kind] = &[NegaphoneRaw, BunRaw, NegaphoneNative, BunJson];
/// The bytes of a message where nothing else is said.
const SMALL: usize = 100;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "32-1000",
        title: "32 clients, 1000 messages under way",
        clients: 32,
        message_bytes: SMALL,
        talk: Talk::Flood { window: 1000 },
        relays: &[
            NegaphoneRaw,
            BunRaw,
            NegaphoneNative,
            NegaphoneStored,
            BunJson,
            Broadcast,
            NodeWs,
            NodeSocketIo,
            FlaskSocketIo,
        ],
    },
    Case {
        name: "1000-64",
        title: "1000 clients, 64 messages under way",
        clients: 1000,
        message_bytes: SMALL,
        talk: Talk::Flood { window: 64 },
        relays: &[NegaphoneRaw, BunRaw, NegaphoneNative, BunJson, Broadcast, NodeWs, NodeSocketIo],
    },
    Case {
        name: "32-32",
        title: "32 clients, 32 messages under way",
        clients: 32,
        message_bytes: SMALL,
        talk: Talk::Flood { window: 32 },
        relays: FAST,
    },
    Case {
        name: "1000-8",
        title: "1000 clients, 8 messages under way",
        clients: 1000,
        message_bytes: SMALL,
        talk: Talk::Flood { window: 8 },
        relays: FAST,
    },
    Case {
        name: "5000-8",
        title: "5000 clients, 8 messages under way",
        clients: 5000,
        message_bytes: SMALL,
        talk: Talk::Flood { window: 8 },
        relays: FAST,
    },
    Case {
        name: "64KiB",
        title: "100 clients, messages of 64 KiB, 16 of them under way",
        clients: 100,
        message_bytes: 64 << 10,
        talk: Talk::Flood { window: 16 },
        relays: &[NegaphoneRaw, BunRaw, NodeWs],
    },
    Case {
        name: "moderate",
        title: "100 clients, 1000 messages a second: a moderate load of 100,000 deliveries a second",
        clients: 100,
        message_bytes: SMALL,
        talk: Talk::Paced { interval: Duration::from_millis(1) },
        relays: FAST,
    },
];

/// Whose idle connections are weighed, and how many there are.
pub(crate) const IDLE: &[Kind] = &[NegaphoneRaw, NegaphoneNative, BunRaw, NodeWs, Broadcast];
pub(crate) const IDLE_CONNECTIONS: usize = 10_000;

/// Connections to one process: of its 20,000 descriptors some are for others.
pub(crate) const OPENED: usize = 19_000;

/// Rooms opened one after another.
pub(crate) const ROOMS: usize = 1_000_000;
