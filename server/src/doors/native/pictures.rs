//! Pictures of one native client: answered in the order in which they came,
//! errors in their places.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use hub::{Blob, Body, DedupKey, Draft, PersonName, Reply, SharedImage};
use invert::Inverted;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::base64_image;
use wire::error_code::ErrorCode;
use wire::native::Message;
use wire::websocket::Opcode;

use super::{answer, frame};
use crate::app::App;
use crate::error::image_error_code;
use crate::images::{ImageError, Owner};
use crate::pieces::{Answer, Held, pieces};
use crate::sink::{Room, Session};

/// What the room of a shared picture is told.
pub(super) struct Share {
    pub(super) room: Arc<Room>,
    pub(super) from: PersonName,
    pub(super) origin: Arc<str>,
    pub(super) dedup: Option<DedupKey>,
}

/// The pictures that are under way, and the answers that wait for their turn.
pub(super) struct Pictures {
    app: Arc<App>,
    session: Arc<Session>,
    owner: Owner,
    under_way: Arc<Semaphore>,
    answers: FuturesOrdered<BoxFuture<'static, Answer>>,
    /// Binary pictures so far.
    count: u64,
}

/// Which picture an answer is about.
#[derive(Clone)]
enum Which {
    Binary(u64),
    Json(Option<Arc<str>>),
}

impl Pictures {
    pub(super) fn new(app: &Arc<App>, session: &Arc<Session>) -> Self {
        Self {
            app: Arc::clone(app),
            session: Arc::clone(session),
            owner: app.images.owner(),
            under_way: Arc::new(Semaphore::new(app.limits.session.images_max)),
            answers: FuturesOrdered::new(),
            count: 0,
        }
    }

    /// Answers that wait.
    pub(super) fn waiting(&self) -> usize {
        self.answers.len()
    }

    /// Queues the next answer for the peer; for ever where none waits.
    pub(super) async fn answer(&mut self) {
        match self.answers.next().await {
            Some(answer) => answer.queue(&self.session),
            None => std::future::pending().await,
        }
    }

    /// Inverts a binary picture.
    pub(super) fn take_binary(&mut self, file: Bytes) {
        self.count += 1;
        self.take(file, Which::Binary(self.count), None);
    }

    /// Counts a binary picture that is not inverted.
    pub(super) fn refuse_binary(&mut self, code: ErrorCode, message: &str) {
        self.count += 1;
        self.refuse(&Which::Binary(self.count), code, message);
    }

    /// Inverts a base64 picture, and shares the negative if asked to.
    pub(super) fn take_json(&mut self, data: &str, id: Option<Arc<str>>, share: Option<Share>) {
        let which = Which::Json(id);
        match base64_image::decode(data, self.app.limits.image.file_max_bytes) {
            Ok(image) => self.take(image.bytes, which, share),
            Err(error) => self.refuse(&which, error.code(), &error.to_string()),
        }
    }

    fn take(&mut self, file: Bytes, which: Which, share: Option<Share>) {
        let Ok(permit) = Arc::clone(&self.under_way).try_acquire_owned() else {
            let message = "too many pictures of this connection are under way";
            return self.refuse(&which, ErrorCode::Overloaded, message);
        };
        let pending = match self.app.images.submit(self.owner, file) {
            Ok(pending) => pending,
            Err(error) => return self.refuse(&which, image_error_code(&error), &error.to_string()),
        };
        let (app, session) = (Arc::clone(&self.app), Arc::clone(&self.session));
        self.answers.push_back(Box::pin(async move {
            match pending.await.unwrap_or(Err(ImageError::Internal)) {
                Ok(inverted) => {
                    if let (Some(share), Which::Json(id)) = (share, &which) {
                        publish(&app, &session, share, id.clone(), &inverted).await;
                    }
                    negative(&which, inverted, permit, app.limits.session.fragment_max_bytes)
                }
                Err(error) => Answer::Refusal(refusal(&which, image_error_code(&error), &error.to_string())),
            }
        }));
    }

    fn refuse(&mut self, which: &Which, code: ErrorCode, message: &str) {
        let frame = refusal(which, code, message);
        self.answers.push_back(Box::pin(async move { Answer::Refusal(frame) }));
    }
}

/// The negative on its way; it counts as under way until it is written.
fn negative(which: &Which, inverted: Inverted, permit: OwnedSemaphorePermit, fragment_max_bytes: usize) -> Answer {
    let (opcode, payload) = match which {
        Which::Binary(_) => (Opcode::Binary, inverted.bytes),
        Which::Json(id) => {
            let format = inverted.format.name();
            let mut json = BytesMut::new();
            Message::Negative { id: id.as_deref(), format, data: &inverted.bytes }.put(&mut json);
            (Opcode::Text, json.into())
        }
    };
    Answer::Negative(pieces(opcode, Bytes::from_owner(Held::new(payload, permit)), fragment_max_bytes))
}

fn refusal(which: &Which, code: ErrorCode, message: &str) -> Bytes {
    let (id, image) = match which {
        Which::Binary(image) => (None, Some(*image)),
        Which::Json(id) => (id.as_deref(), None),
    };
    frame(&Message::Error { code, message, id, image })
}

async fn publish(app: &App, session: &Arc<Session>, share: Share, id: Option<Arc<str>>, inverted: &Inverted) {
    let blob = Blob { bytes: Bytes::copy_from_slice(&inverted.bytes), mime_type: inverted.format.mime_type().into() };
    let blob = match app.hub.store().put_blob(share.room.name(), blob).await {
        Ok(blob) => blob,
        Err(error) => {
            session.push(answer(id.as_deref(), Err(error.into())).unwrap_or_default());
            return;
        }
    };
    let (format, width, height) = (inverted.format.name(), inverted.width, inverted.height);
    let image = SharedImage { blob, format: format.into(), width, height, origin: share.origin };
    let draft = Draft { from: share.from, body: Body::Image(image), as_sent: None, id: id.clone() };
    let reply = Reply::To(Arc::clone(session), Box::new(move |result| answer(id.as_deref(), result)));
    app.hub.publish(&share.room, draft, share.dedup, reply).await;
}
