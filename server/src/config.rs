//! The only place that reads arguments and environment; everybody else gets
//! values.

use std::fmt;
use std::net::{self, IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use history::{RedisOpenError, RedisStore, Sync};
use hub::{NameError, RoomName};
use ipnet::{AddrParseError, IpNet};
use jiff::tz::TimeZone;
use thiserror::Error;

use crate::limits::{ConnectionLimits, Limits};

/// An image-inverting WebSocket relay: chat in rooms, and the negative of
/// every picture.
#[derive(Debug, Parser)]
#[command(name = "negaphone", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; without one the server is started.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to start it.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server (what happens without a command, too).
    Serve(Box<ServeArgs>),
    /// Invert picture files.
    Invert(InvertArgs),
    /// Save messages and shared pictures, or bring them back.
    #[command(subcommand)]
    History(HistoryCommand),
}

/// Backups: one JSON object a line.
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Write all messages and shared pictures into a file; a server may have
    /// them open.
    Export(ExportArgs),
    /// Bring them back; no server may have the folder open.
    Import(ImportArgs),
}

/// What to save, and where to.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The folder of the server's files.
    #[arg(long, env = "NEGAPHONE_DATA_DIR", default_value = DATA_DIR, value_name = "FOLDER")]
    pub data_dir: PathBuf,
    /// The file to write, or - for standard output.
    #[arg(short, long, default_value = "-", value_name = "FILE")]
    pub output: PathBuf,
    /// Replace a file that exists already.
    #[arg(short, long)]
    pub force: bool,
}

/// What to bring back, and where to.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// What `negaphone history export` wrote, or - for standard input.
    #[arg(default_value = "-", value_name = "FILE")]
    pub input: PathBuf,
    /// The folder of the server's files; made if need be.
    #[arg(long, env = "NEGAPHONE_DATA_DIR", default_value = DATA_DIR, value_name = "FOLDER")]
    pub data_dir: PathBuf,
}

/// How the server is started.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen for HTTP and WebSocket; port 0 takes a free one.
    #[arg(long, env = "NEGAPHONE_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Where messages are kept: sqlite (in files), memory (gone with the
    /// process), or redis://HOST:PORT, which several servers share; rediss://
    /// for TLS, with USER:PASSWORD@ before the host where they are asked for.
    /// Rooms whose name begins with ~ are always in memory.
    #[arg(
        long,
        env = "NEGAPHONE_HISTORY",
        hide_env_values = true,
        default_value = "sqlite",
        value_name = "sqlite|memory|redis://…"
    )]
    pub history: HistoryKind,
    /// The folder of these files; made if need be.
    #[arg(long, env = "NEGAPHONE_DATA_DIR", default_value = DATA_DIR, value_name = "FOLDER")]
    pub data_dir: PathBuf,
    /// When a message counts as stored: os (it survives a killed process) or
    /// disk (it survives the loss of power, and takes longer).
    #[arg(long, env = "NEGAPHONE_SYNC", value_enum, default_value_t = SyncArg::Os)]
    pub sync: SyncArg,
    /// The path under which a proxy shows the server, such as /chat.
    #[arg(long, env = "NEGAPHONE_BASE_PATH", default_value = "", value_name = "PATH")]
    pub base_path: String,
    /// The address under which people reach the server, such as
    /// `https://chat.example`; else it is taken from each request.
    #[arg(long, env = "NEGAPHONE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Largest message of the raw relay.
    #[arg(long, env = "NEGAPHONE_RAW_MESSAGE_MAX", default_value = "1MiB", value_name = "SIZE")]
    pub raw_message_max: ByteSize,
    /// How far a reader may lag behind its room before it is closed as too
    /// slow; at least eight times --raw-message-max.
    #[arg(long, env = "NEGAPHONE_TAPE_TAIL_MAX", default_value = "32MiB", value_name = "SIZE")]
    pub tape_tail_max: ByteSize,
    /// Where to listen for TCP pairs, the private talks of two; off: nowhere.
    #[arg(long, env = "NEGAPHONE_TCP_PAIR", default_value = "127.0.0.1:5555", value_name = "ADDRESS:PORT|off")]
    pub tcp_pair: TcpDoor,
    /// Between two fields that a client of TCP pairs receives one right after
    /// the other.
    #[arg(long, env = "NEGAPHONE_TCP_PAIR_GAP", default_value = "250ms", value_name = "TIME")]
    pub tcp_pair_gap: humantime::Duration,
    /// Where to listen for the TCP room; off: nowhere.
    #[arg(long, env = "NEGAPHONE_TCP_ROOM", default_value = "127.0.0.1:5002", value_name = "ADDRESS:PORT|off")]
    pub tcp_room: TcpDoor,
    /// The room into which the TCP room leads.
    #[arg(long, env = "NEGAPHONE_TCP_ROOM_NAME", default_value = "lobby", value_name = "ROOM")]
    pub tcp_room_name: String,
    /// The time zone of the times that the TCP room shows, such as Europe/Oslo.
    #[arg(long, env = "NEGAPHONE_TZ", default_value = "UTC", value_name = "ZONE")]
    pub tz: String,
    /// Lift the bounds on how often a peer may do something, for load tests;
    /// sizes stay bounded.
    #[arg(long, env = "NEGAPHONE_NO_RATE_LIMIT")]
    pub no_rate_limit: bool,
    /// Most connections at a time; else as many as the system has descriptors
    /// for, less 512.
    #[arg(long, env = "NEGAPHONE_CONNECTIONS_MAX", value_name = "N")]
    pub connections_max: Option<usize>,
    /// Most connections at a time from one address (for IPv6: one /64
    /// network). Loopback and trusted proxies are not counted; the clients
    /// behind them are.
    #[arg(long, env = "NEGAPHONE_CONNECTIONS_PER_ADDRESS_MAX", default_value_t = 256, value_name = "N")]
    pub connections_per_address_max: usize,
    /// An address or network, such as 10.0.0.0/8, whose X-Forwarded-For, -Host
    /// and -Proto are believed, beside loopback; several with commas between.
    #[arg(
        long = "trusted-proxy",
        env = "NEGAPHONE_TRUSTED_PROXY",
        value_name = "ADDRESS",
        value_delimiter = ',',
        value_parser = parse_network
    )]
    pub trusted_proxies: Vec<IpNet>,
}

/// Which pictures to invert.
#[derive(Debug, Args)]
#[command(after_help = INVERT_EXAMPLES)]
pub struct InvertArgs {
    /// JPEG, PNG, GIF, WebP, BMP, TIFF, PNM or QOI files, folders with them, or
    /// - for standard input.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Where the negatives go: a file for one picture, a folder for several,
    /// which then keep their names and sub-folders, or - for standard output;
    /// else each is written beside its picture as NAME-negative.EXT.
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Replace files that exist already; never the pictures themselves.
    #[arg(short, long)]
    pub force: bool,
    /// Leave out what may tell a place and a time: EXIF, XMP, comments,
    /// thumbnails. Orientation and colour profile stay.
    #[arg(long)]
    pub strip: bool,
    /// Make PNG files smaller, in several times the time.
    #[arg(long)]
    pub png_small: bool,
    /// Pictures at a time; one per core unless told.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
}

const INVERT_EXAMPLES: &str = "\
Examples:
  negaphone invert photo.jpg                      writes photo-negative.jpg
  negaphone invert photos/ -o negatives/          the whole folder, with its sub-folders
  negaphone invert *.png -o out/ --force --strip  replaces older negatives, without metadata
  negaphone invert - < in.gif > out.gif           from standard input to standard output";

/// Where data lies unless told otherwise.
pub(crate) const DATA_DIR: &str = "./data";

/// Which store keeps messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryKind {
    /// In files of SQLite.
    Sqlite,
    /// In memory.
    Memory,
    /// In Redis.
    Redis(RedisUrl),
}

/// An address of Redis, with a password perhaps.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(pub(crate) Arc<str>);

impl RedisUrl {
    /// Where it leads: without user and password.
    ///
    /// # Panics
    ///
    /// Never: it was checked.
    #[must_use]
    pub fn address(&self) -> String {
        RedisStore::address(&self.0).expect("it was checked when it was read")
    }
}

impl FromStr for RedisUrl {
    type Err = RedisOpenError;

    fn from_str(url: &str) -> Result<Self, RedisOpenError> {
        RedisStore::address(url)?;
        Ok(Self(url.into()))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisUrl").field(&self.address()).finish()
    }
}

impl FromStr for HistoryKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sqlite" => Ok(Self::Sqlite),
            "memory" => Ok(Self::Memory),
            url if url.starts_with("redis://") || url.starts_with("rediss://") => {
                url.parse().map(Self::Redis).map_err(|error: RedisOpenError| error.to_string())
            }
            _ => Err("write sqlite, memory or redis://HOST:PORT".to_owned()),
        }
    }
}

/// Where a door of plain TCP is, if it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpDoor {
    /// It is not.
    Off,
    /// There; port 0 takes a free one.
    At(SocketAddr),
}

impl FromStr for TcpDoor {
    type Err = net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, net::AddrParseError> {
        if text == "off" { Ok(Self::Off) } else { text.parse().map(Self::At) }
    }
}

/// When a message counts as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SyncArg {
    /// When the operating system has it.
    Os,
    /// When the disk has it.
    Disk,
}

/// Where messages are kept, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum History {
    /// In memory: gone with the process.
    Memory,
    /// In files of SQLite.
    Sqlite {
        /// The folder of the files.
        data_dir: PathBuf,
        /// When a message counts as stored.
        sync: Sync,
    },
    /// In Redis, which other nodes may share.
    Redis {
        /// Which.
        url: RedisUrl,
    },
}

impl ServeArgs {
    fn history(&self) -> History {
        let sync = match self.sync {
            SyncArg::Os => Sync::Os,
            SyncArg::Disk => Sync::Disk,
        };
        match &self.history {
            HistoryKind::Memory => History::Memory,
            HistoryKind::Sqlite => History::Sqlite { data_dir: self.data_dir.clone(), sync },
            HistoryKind::Redis(url) => History::Redis { url: url.clone() },
        }
    }
}

/// The server's settings, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where messages are kept.
    pub history: History,
    /// Empty, or begins with `/` and does not end with one.
    pub base_path: String,
    /// Scheme and authority, without a path.
    pub public_url: Option<Arc<str>>,
    /// Bytes.
    pub raw_message_max_bytes: usize,
    /// Bytes.
    pub tape_tail_max_bytes: u64,
    /// Where TCP pairs are.
    pub tcp_pair: TcpDoor,
    /// Between fields that are received one right after the other.
    pub tcp_pair_gap: Duration,
    /// Where the TCP room is.
    pub tcp_room: TcpDoor,
    /// Into which room it leads.
    pub tcp_room_name: RoomName,
    /// In which its times are shown.
    pub time_zone: TimeZone,
    /// Whether the bounds on how often hold.
    pub rates: RateLimiting,
    /// Where it is not told, as many as there are descriptors for.
    pub connections_max: Option<usize>,
    /// Of one address.
    pub connections_per_address_max: usize,
    /// Whose word about their clients counts, beside loopback.
    pub trusted_proxies: Vec<IpNet>,
}

/// Whether the bounds on how often a peer may do something hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimiting {
    /// They do.
    On,
    /// They do not.
    Off,
}

/// A setting that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Not a path.
    #[error("--base-path {0:?}: write it as /name or /name/name, of letters, digits, - and _")]
    BasePath(String),
    /// Not scheme and authority.
    #[error("--public-url {0:?}: write it as https://host or https://host:port, without a path")]
    PublicUrl(String),
    /// Larger than a frame may be.
    #[error("--raw-message-max {0}: at most 1GiB")]
    RawMessageMax(ByteSize),
    /// So long that nobody would wait.
    #[error("--tcp-pair-gap {0}: at most 10s")]
    TcpPairGap(humantime::Duration),
    /// Not the name of a room.
    #[error("--tcp-room-name {name:?}: {source}")]
    TcpRoomName {
        /// What it is.
        name: String,
        /// Why it is none.
        source: NameError,
    },
    /// Not in the list of time zones.
    #[error("--tz {0:?}: not a time zone; write it as Europe/Oslo or UTC")]
    TimeZone(String),
}

/// More would not fit the process-wide bound on messages under way twice.
const RAW_MESSAGE_MAX: ByteSize = ByteSize::gib(1);
/// Chosen: no connection needs a tenth of that.
const TCP_PAIR_GAP_MAX: Duration = Duration::from_secs(10);

impl TryFrom<ServeArgs> for Config {
    type Error = ConfigError;

    fn try_from(args: ServeArgs) -> Result<Self, ConfigError> {
        let base_path = args.base_path.strip_suffix('/').unwrap_or(&args.base_path);
        if !is_base_path(base_path) {
            return Err(ConfigError::BasePath(args.base_path));
        }
        if args.raw_message_max > RAW_MESSAGE_MAX {
            return Err(ConfigError::RawMessageMax(args.raw_message_max));
        }
        let history = args.history();
        if *args.tcp_pair_gap > TCP_PAIR_GAP_MAX {
            return Err(ConfigError::TcpPairGap(args.tcp_pair_gap));
        }
        let tcp_room_name = RoomName::parse(&args.tcp_room_name)
            .map_err(|source| ConfigError::TcpRoomName { name: args.tcp_room_name, source })?;
        let public_url = args.public_url.map(|url| parse_public_url(&url).ok_or(ConfigError::PublicUrl(url)));
        Ok(Self {
            listen: args.listen,
            history,
            base_path: base_path.to_owned(),
            public_url: public_url.transpose()?,
            raw_message_max_bytes: usize::try_from(args.raw_message_max.as_u64()).unwrap_or(usize::MAX),
            tape_tail_max_bytes: args.tape_tail_max.as_u64(),
            tcp_pair: args.tcp_pair,
            tcp_pair_gap: *args.tcp_pair_gap,
            tcp_room: args.tcp_room,
            tcp_room_name,
            time_zone: TimeZone::get(&args.tz).map_err(|_| ConfigError::TimeZone(args.tz))?,
            rates: if args.no_rate_limit { RateLimiting::Off } else { RateLimiting::On },
            connections_max: args.connections_max,
            connections_per_address_max: args.connections_per_address_max,
            trusted_proxies: args.trusted_proxies,
        })
    }
}

impl Config {
    /// All bounds, as set, for a process that may have `descriptors` open.
    #[must_use]
    pub fn limits(&self, descriptors: u64) -> Limits {
        let mut limits = Limits::new(self.raw_message_max_bytes, self.tape_tail_max_bytes);
        limits.connections.max = self.connections_max.unwrap_or_else(|| ConnectionLimits::max_for(descriptors));
        limits.connections.per_address_max = self.connections_per_address_max;
        if self.rates == RateLimiting::Off {
            limits.rates.messages = None;
            limits.rates.new_rooms = None;
        }
        limits
    }
}

/// A network, or an address as the network of its own.
fn parse_network(text: &str) -> Result<IpNet, AddrParseError> {
    let text = text.trim();
    text.parse().or_else(|error| text.parse::<IpAddr>().map(IpNet::from).map_err(|_| error))
}

fn is_base_path(path: &str) -> bool {
    let is_segment = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    path.is_empty() || path.strip_prefix('/').is_some_and(|segments| segments.split('/').all(is_segment))
}

fn parse_public_url(url: &str) -> Option<Arc<str>> {
    let url = url.trim_end_matches('/');
    let uri: http::Uri = url.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#']));
    (is_web && uri.authority().is_some() && !has_path).then(|| url.into())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn config(args: &[&str]) -> Result<Config, ConfigError> {
        let cli = Cli::try_parse_from([&["negaphone"], args].concat()).unwrap();
        Config::try_from(cli.serve)
    }

    #[test]
    fn the_server_listens_on_loopback_unless_told() {
        let config = config(&[]).unwrap();
        assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
        let limits = config.limits(20_000);
        assert_eq!(limits.hub.tape_tail_max_bytes, 32 << 20);
        assert_eq!(limits.hub.message_max_bytes, 4 << 20);
        assert_eq!((limits.connections.max, limits.connections.per_address_max), (19_488, 256));
    }

    #[test]
    fn messages_are_kept_in_files_unless_told() {
        let data_dir = |folder: &str| PathBuf::from(folder);
        let default = config(&[]).unwrap().history;
        assert_eq!(default, History::Sqlite { data_dir: data_dir("./data"), sync: Sync::Os });
        let disk = config(&["--history", "sqlite", "--data-dir", "/srv/x", "--sync", "disk"]).unwrap().history;
        assert_eq!(disk, History::Sqlite { data_dir: data_dir("/srv/x"), sync: Sync::Disk });
        assert_eq!(config(&["--history", "memory"]).unwrap().history, History::Memory);
        for bad in ["postgres://localhost", "redis://", "redis://localhost/first"] {
            let error = Cli::try_parse_from(["negaphone", "--history", bad]).unwrap_err();
            assert!(error.to_string().contains("redis://"), "{error}");
        }
    }

    #[test]
    fn a_password_of_redis_is_nowhere_shown() {
        let config = config(&["--history", "rediss://ada:secret@cache.example:6380/3"]).unwrap();
        let History::Redis { url } = &config.history else { panic!("{:?}", config.history) };
        assert_eq!(url.address(), "cache.example:6380");
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[test]
    fn the_tail_holds_eight_raw_messages() {
        let limits = config(&["--raw-message-max", "17MiB"]).unwrap().limits(20_000);
        assert_eq!(limits.hub.tape_tail_max_bytes, 8 * (17 << 20));
        assert_eq!(limits.hub.message_max_bytes, 17 << 20);
    }

    #[test]
    fn connections_are_bounded_as_told() {
        let limits = config(&["--connections-max", "7", "--connections-per-address-max", "3"]).unwrap().limits(20_000);
        assert_eq!((limits.connections.max, limits.connections.per_address_max), (7, 3));
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let proxies = config(&["--trusted-proxy", "10.0.0.0/8, 192.0.2.7", "--trusted-proxy", "2001:db8::/32"]);
        let expected = ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"].map(|network| network.parse().unwrap());
        assert_eq!(proxies.unwrap().trusted_proxies, expected);
        assert!(Cli::try_parse_from(["negaphone", "--trusted-proxy", "proxy.example"]).is_err());
    }

    #[test]
    fn doors_of_plain_tcp_are_open_on_loopback_and_can_be_moved_and_switched_off() {
        let open = config(&[]).unwrap();
        assert_eq!(open.tcp_pair, TcpDoor::At("127.0.0.1:5555".parse().unwrap()));
        assert_eq!(open.tcp_room, TcpDoor::At("127.0.0.1:5002".parse().unwrap()));
        assert_eq!((open.tcp_pair_gap, open.tcp_room_name.as_str()), (Duration::from_millis(250), "lobby"));
        let set = config(&["--tcp-pair", "off", "--tcp-room", "[::1]:7", "--tcp-pair-gap", "1s"]).unwrap();
        assert_eq!((set.tcp_pair, set.tcp_room), (TcpDoor::Off, TcpDoor::At("[::1]:7".parse().unwrap())));
        assert_eq!(set.tcp_pair_gap, Duration::from_secs(1));
        assert!(Cli::try_parse_from(["negaphone", "--tcp-room", "5002"]).is_err());
        for bad in [["--tcp-pair-gap", "11s"], ["--tcp-room-name", "a b"], ["--tz", "Europe/Atlantis"]] {
            assert!(config(&bad).is_err_and(|error| error.to_string().starts_with(bad[0])), "{bad:?}");
        }
    }

    #[test]
    fn time_zones_are_known_by_their_names_on_every_machine() {
        let offset = |args: &[&str]| config(args).unwrap().time_zone.to_offset(Timestamp::UNIX_EPOCH).seconds();
        assert_eq!((offset(&[]), offset(&["--tz", "Asia/Tokyo"])), (0, 9 * 3600));
    }

    #[test]
    fn paths_and_urls_are_checked() {
        for good in ["", "/", "/chat", "/chat/", "/a/b-c_1"] {
            assert!(config(&["--base-path", good]).is_ok(), "{good:?}");
        }
        for bad in ["chat", "//", "/a//b", "/a b", "/..", "/{x}"] {
            assert!(config(&["--base-path", bad]).is_err(), "{bad:?}");
        }
        for good in ["https://chat.example", "http://localhost:8080/"] {
            assert!(config(&["--public-url", good]).is_ok(), "{good:?}");
        }
        for bad in ["chat.example", "ftp://x", "https://x/y", "https://"] {
            assert!(config(&["--public-url", bad]).is_err(), "{bad:?}");
        }
    }
}
