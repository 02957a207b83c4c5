//! A real Redis Cluster of three servers, each in a process of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use super::port::lasting_address;
use super::redis_server::RedisServer;

/// What each keeps at first.
const SLOTS: [(u16, u16); 3] = [(0, 5460), (5461, 10_922), (10_923, 16_383)];
/// They agree within this time, or never.
const AGREE_MAX: Duration = Duration::from_secs(30);

/// Three masters without replicas; killed when it is dropped.
#[derive(Debug)]
pub struct RedisCluster {
    servers: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts three servers in folders of this one, and waits until they are
    /// one cluster.
    ///
    /// # Panics
    ///
    /// When they do not start or do not find each other.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        let mut servers: Vec<RedisServer> = Vec::new();
        for (number, (first, last)) in SLOTS.into_iter().enumerate() {
            let own = folder.join(number.to_string());
            std::fs::create_dir(&own).expect("a new folder");
            let bus = lasting_address().port().to_string();
            let server =
                RedisServer::start(&own, lasting_address(), &["--cluster-enabled", "yes", "--cluster-port", &bus]);
            let told = |command: String| assert_eq!(server.ask(&command), "+OK\r\n", "{command}");
            told(format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
            // Two that claim the same would settle it by this number.
            told(format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1));
            if let Some(first) = servers.first() {
                let address = server.address();
                assert_eq!(first.ask(&format!("CLUSTER MEET {} {} {bus}", address.ip(), address.port())), "+OK\r\n");
            }
            servers.push(server);
        }
        let cluster = Self { servers };
        cluster.wait_until("they are one cluster", |server| {
            let info = server.ask("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        });
        cluster
    }

    /// How a server is told to use it: the address of one of them.
    #[must_use]
    pub fn url(&self) -> String {
        self.servers[0].url()
    }

    /// All of them.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The one that keeps a hash tag at first.
    ///
    /// # Panics
    ///
    /// When a server does not answer as it should.
    pub fn server_of(&mut self, tag: &str) -> &mut RedisServer {
        let index = first_index_of(self.slot_of(tag));
        &mut self.servers[index]
    }

    /// Forgets everything that is kept.
    ///
    /// # Panics
    ///
    /// When a server does not answer.
    pub fn flush(&self) {
        for server in &self.servers {
            assert_eq!(server.ask("FLUSHALL"), "+OK\r\n");
        }
    }

    /// Moves the slot of a hash tag, with what is in it, to the next server.
    ///
    /// # Panics
    ///
    /// When a server does not answer as it should.
    pub fn move_slot_of(&self, tag: &str) {
        let slot = self.slot_of(tag);
        let from = first_index_of(slot);
        let (source, target) = (&self.servers[from], &self.servers[(from + 1) % SLOTS.len()]);
        let id = |server: &RedisServer| server.ask("CLUSTER MYID").lines().nth(1).expect("an id").to_owned();
        let (source_id, target_id) = (id(source), id(target));
        let told = |server: &RedisServer, command: String| assert!(server.ask(&command).starts_with('+'), "{command}");
        told(target, format!("CLUSTER SETSLOT {slot} IMPORTING {source_id}"));
        told(source, format!("CLUSTER SETSLOT {slot} MIGRATING {target_id}"));
        let keys = source.ask(&format!("CLUSTER GETKEYSINSLOT {slot} 1000"));
        let keys: Vec<_> = keys.lines().filter(|line| !line.starts_with(['*', '$'])).collect();
        if !keys.is_empty() {
            let address = target.address();
            told(source, format!("MIGRATE {} {} \"\" 0 5000 KEYS {}", address.ip(), address.port(), keys.join(" ")));
        }
        // The new one first, so that the slot is never without a server.
        for server in [target, source] {
            told(server, format!("CLUSTER SETSLOT {slot} NODE {target_id}"));
        }
        self.wait_until("all know it", |server| {
            server.ask("CLUSTER NODES").lines().any(|line| {
                line.starts_with(&target_id) && line.split(' ').skip(8).any(|range| range == slot.to_string())
            })
        });
    }

    fn slot_of(&self, tag: &str) -> u16 {
        self.servers[0].ask(&format!("CLUSTER KEYSLOT {tag}"))[1..].trim().parse().expect("a slot")
    }

    fn wait_until(&self, what: &str, is_so: impl Fn(&RedisServer) -> bool) {
        let begin = Instant::now();
        while !self.servers.iter().all(&is_so) {
            assert!(begin.elapsed() < AGREE_MAX, "in vain: {what}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

fn first_index_of(slot: u16) -> usize {
    SLOTS.iter().position(|(first, last)| (*first..=*last).contains(&slot)).expect("a server")
}
