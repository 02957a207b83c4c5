//! What a room needs of the other nodes that share its store.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::message::{Epoch, Message, Position};
use crate::name::RoomName;
use crate::store::StoreError;

/// Something that happened elsewhere.
#[derive(Debug, Clone)]
pub enum News {
    /// Another node stored these in a followed room.
    Stored {
        /// Where.
        room: RoomName,
        /// In which life of the room.
        epoch: Epoch,
        /// In their order, without holes.
        messages: Vec<Arc<Message>>,
    },
    /// Something was missed, nobody knows what: positions must be compared.
    Missed,
}

/// Where this node stands in a room.
#[derive(Debug, Clone)]
pub struct Here {
    /// Which room.
    pub room: RoomName,
    /// The last message that it saw.
    pub known: Position,
    /// Its own members.
    pub members: usize,
}

/// Where the store and the others stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct There {
    /// The newest message; of a room of which nothing is stored offset 0, in
    /// the epoch that all nodes take.
    pub position: Position,
    /// The members of all other nodes that were heard of lately.
    pub members: usize,
}

/// The other nodes over the same store.
#[async_trait]
pub trait Nodes: fmt::Debug + Send + Sync {
    /// From here on there is news of these rooms.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn follow(&self, rooms: &[RoomName]) -> Result<(), StoreError>;

    /// From here on there need not be.
    async fn unfollow(&self, rooms: &[RoomName]);

    /// What comes next, if anything came. News of a room keeps its order; what
    /// [`append`](crate::Store::append) answers comes after the news of all
    /// messages before it.
    fn take_news(&self) -> Option<News>;

    /// Waits until there may be news.
    async fn news_came(&self);

    /// Compares positions, one for one, and tells the others of the members
    /// here. A node that knows more than is stored has seen what is lost: then
    /// the room's generation is raised.
    async fn compare(&self, rooms: &[Here]) -> Vec<Result<There, StoreError>>;
}
