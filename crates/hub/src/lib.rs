//! The relay core: rooms, tapes, members and fan-out.
//!
//! Whoever speaks in a room is heard by all its members, in one order. A
//! message is appended to the [`Store`] first, then encoded once per wire
//! format onto that format's [`tape`], and from there written to every member
//! that reads the format: encoded once, copied never.
//!
//! This crate knows no socket and no protocol. A door of the server gives it
//! a [`Sink`] per connection (how bytes leave) and an [`Encode`] per format
//! (how an event looks on the wire); `history` gives it a [`Store`].
//!
//! Suggested reading order: [`message`], [`store`], [`nodes`], [`tape`], [`outbox`],
//! [`session`], [`room`], [`queue`], [`Hub`].

mod catch_up;
mod follow;
pub mod format;
mod hub;
pub mod leave;
pub mod limits;
pub mod message;
pub mod name;
pub mod nodes;
pub mod outbox;
mod pump;
pub mod queue;
mod refusals;
pub mod room;
pub mod session;
pub mod store;
mod tails;
pub mod tape;
pub mod tape_space;
mod track;
mod writer;

pub use format::{Encode, Event, Format, Formats, Happening};
pub use hub::{Hub, Join, Reading, RoomError, Seat, Since, Welcome};
pub use leave::Leave;
pub use limits::HubLimits;
pub use message::{AsSent, BlobId, Body, Dialect, Draft, Epoch, Message, Offset, Position, SharedImage, Timestamp};
pub use name::{NameError, PersonName, RoomName};
pub use nodes::{Here, News, Nodes, There};
pub use outbox::{Ends, Piece};
pub use queue::{EncodeReply, PublishError, Receipt, Reply};
pub use room::Room;
pub use session::{Session, Sink};
pub use store::{Append, Appended, Blob, DedupKey, Durability, Head, Page, Store, StoreError, Usage};
