//! The image WebSocket `/ws/image`: a picture in, its negative out, in order,
//! and nothing else.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use hub::Piece;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use wire::base64_image::Notation;
use wire::error_code::ErrorCode;
use wire::image_json;
use wire::websocket::{CloseCode, Opcode, Utf8, put_frame_with};

use super::upgrade::upgrade;
use crate::app::App;
use crate::error::{ApiError, image_error_code};
use crate::images::{ImageError, Owner};
use crate::input::MessageBounds;
use crate::limits::Rate;
use crate::pieces::{Held, pieces};
use crate::rate::Bucket;
use crate::session::{Close, Connection, Door};
use crate::sink::Session;

/// `GET /ws/image`.
pub(crate) async fn open(State(app): State<Arc<App>>, mut request: Request) -> Result<Response, ApiError> {
    let bounds = MessageBounds {
        message_max_bytes: app.limits.session.image_max_bytes,
        text_max_bytes: app.limits.session.text_frame_max_bytes,
    };
    let talk = {
        let app = Arc::clone(&app);
        move |connection: Connection| async move {
            let door = ImageDoor::new(app, Arc::clone(connection.session()));
            connection.run(door).await;
        }
    };
    Ok(upgrade(&app, &mut request, bounds, talk))
}

struct ImageDoor {
    app: Arc<App>,
    session: Arc<Session>,
    owner: Owner,
    under_way: Arc<Semaphore>,
    answers: FuturesOrdered<BoxFuture<'static, Vec<Piece>>>,
    bucket: Bucket,
    nonsense: Bucket,
}

impl ImageDoor {
    fn new(app: Arc<App>, session: Arc<Session>) -> Self {
        Self {
            owner: app.images.owner(),
            under_way: Arc::new(Semaphore::new(app.limits.session.images_max)),
            answers: FuturesOrdered::new(),
            bucket: Bucket::new(app.limits.rates.messages),
            nonsense: Bucket::new(Some(Rate::per_minute(app.limits.session.nonsense_max_per_minute))),
            app,
            session,
        }
    }

    async fn take(&mut self, file: Bytes, notation: Option<Notation>) {
        let permit = self.permit().await;
        let pending = match self.app.images.submit(self.owner, file) {
            Ok(pending) => pending,
            Err(error) => return self.refuse(image_error_code(&error), &error.to_string()),
        };
        let fragment_max_bytes = self.app.limits.session.fragment_max_bytes;
        self.answers.push_back(Box::pin(async move {
            match pending.await.unwrap_or(Err(ImageError::Internal)) {
                Ok(inverted) => {
                    let (opcode, payload) = match notation {
                        None => (Opcode::Binary, inverted.bytes),
                        Some(notation) => {
                            let mut json = BytesMut::new();
                            image_json::put_image(&mut json, notation, inverted.format.mime_type(), &inverted.bytes);
                            (Opcode::Text, json.into())
                        }
                    };
                    pieces(opcode, Bytes::from_owner(Held::new(payload, permit)), fragment_max_bytes)
                }
                Err(error) => vec![refusal(image_error_code(&error), &error.to_string())],
            }
        }));
    }

    /// Waits until the client may have one more picture under way; it is not
    /// read meanwhile.
    async fn permit(&mut self) -> OwnedSemaphorePermit {
        loop {
            tokio::select! {
                permit = Arc::clone(&self.under_way).acquire_owned() => {
                    return permit.expect("the semaphore is never closed");
                }
                Some(pieces) = self.answers.next() => {
                    self.session.push_pieces(pieces);
                    self.session.flush();
                }
            }
        }
    }

    fn refuse(&mut self, code: ErrorCode, message: &str) {
        let piece = refusal(code, message);
        self.answers.push_back(Box::pin(async move { vec![piece] }));
    }
}

fn refusal(code: ErrorCode, message: &str) -> Piece {
    let mut out = BytesMut::new();
    put_frame_with(&mut out, Opcode::Text, |out| image_json::put_error(out, code, message));
    Piece::message(out.freeze())
}

impl Door for ImageDoor {
    async fn text(&mut self, text: Utf8) -> Result<(), Close> {
        self.bucket.charge();
        match image_json::parse(text.as_str(), self.app.limits.image.file_max_bytes) {
            Ok(image) => self.take(image.bytes, Some(image.notation)).await,
            Err(error) => {
                self.refuse(error.code(), &error.to_string());
                if !self.nonsense.take() {
                    return Err(Close::new(CloseCode::POLICY, "too many messages that make no sense"));
                }
            }
        }
        Ok(())
    }

    async fn binary(&mut self, bytes: Bytes) -> Result<(), Close> {
        self.bucket.charge();
        self.take(bytes, None).await;
        Ok(())
    }

    async fn answer(&mut self) {
        match self.answers.next().await {
            Some(pieces) => self.session.push_pieces(pieces),
            None => std::future::pending().await,
        }
    }

    /// Over the rate the client is not read until the rate allows.
    fn reads_at(&self) -> Option<Instant> {
        (self.answers.len() < self.app.limits.session.answers_max).then(|| self.bucket.next_at())
    }

    fn too_slow(&self) -> Close {
        Close::new(CloseCode::OVERLOADED, "too slow: your answers do not drain")
    }
}
