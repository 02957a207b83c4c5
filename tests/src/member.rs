//! Somebody in a room, whatever the door: what every door has in common, so
//! that one test body holds for all of them.
//!
//! A door is one line of `doors!` below, and a type that is a [`Member`].

use async_trait::async_trait;
use serde_json::Value;

use crate::TestServer;
use crate::member_http::HttpMember;
use crate::member_socketio::SocketIoMember;
use crate::member_sse::SseMember;
use crate::member_tcp::TcpRoomMember;
use crate::member_websocket::{ChannelsMember, HtmxMember, NativeMember, RawMember};
use crate::polling::Poller;
use crate::websocket::WsClient;

/// What a client of one door can do, as far as all doors can.
///
/// All methods panic when something else comes than they wait for.
#[async_trait]
pub trait Member: Send {
    /// Comes into a room. It hears all that is said from then on; where the
    /// door shows what was said before, that is passed over.
    async fn enter(server: &TestServer, room: &str) -> Self
    where
        Self: Sized;

    /// Says something.
    async fn say(&mut self, text: &str);

    /// What the next message says, as a person would see it and without its
    /// sender.
    async fn hears(&mut self) -> String;

    /// How the door tells its member that the last thing it said was refused.
    async fn refused(&mut self) -> Refusal;

    /// How the server ends the conversation; messages are passed over.
    async fn goodbye(&mut self) -> Goodbye;

    /// Goes, with a word where the door has one. Who is dropped goes without.
    async fn leave(self: Box<Self>);
}

/// How many messages of before follow this welcome.
pub(crate) fn earlier_messages(welcome: &Value) -> u64 {
    let place = |field: &str| welcome[field].as_u64().expect("a place");
    place("head") - place("offset")
}

/// A member at any door.
pub type AnyMember = Box<dyn Member>;

/// What a sender is told of a message that is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The reason, in words; the connection lives.
    Told(String),
    /// The end of the connection.
    Ended(Goodbye),
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goodbye {
    /// A WebSocket's close frame.
    Close(u16),
    /// The end of the stream.
    EndOfStream,
    /// A session that is polled is over: a poll is answered so, or refused.
    EndOfSession,
    /// There is no connection between two requests.
    NotConnected,
}

macro_rules! doors {
    ($($door:ident: $member:ty,)*) => {
        /// A door that leads into rooms.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Door {
            $(#[doc = concat!("A [`", stringify!($member), "`].")] $door,)*
        }

        impl Door {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$door),*];

            /// Somebody comes in by this door.
            pub async fn enter(self, server: &TestServer, room: &str) -> AnyMember {
                match self {
                    $(Self::$door => Box::new(<$member>::enter(server, room).await),)*
                }
            }
        }
    };
}

doors! {
    Native: NativeMember,
    Raw: RawMember,
    Http: HttpMember,
    Sse: SseMember,
    TcpRoom: TcpRoomMember,
    Channels: ChannelsMember,
    Htmx: HtmxMember,
    SocketIo: SocketIoMember<WsClient>,
    SocketIoPolling: SocketIoMember<Poller>,
}
