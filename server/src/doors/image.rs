//! The image WebSocket `/ws/image`: a picture in, its negative out, in order,
//! and nothing else.

use std::collections::VecDeque;
use std::future;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::base64_image::Notation;
use wire::error_code::ErrorCode;
use wire::image_json;
use wire::websocket::{CloseCode, Opcode, Utf8, put_frame_with};

use super::upgrade::upgrade;
use crate::app::App;
use crate::error::{ApiError, image_error_code};
use crate::images::{ImageError, Owner};
use crate::input::MessageBounds;
use crate::metrics::Speaks;
use crate::pieces::{Answer, Held, pieces};
use crate::rate::Bucket;
use crate::session::{Close, Door, Reads};
use crate::sink::Session;

/// `GET /ws/image`.
pub(crate) async fn open(State(app): State<Arc<App>>, mut request: Request) -> Result<Response, ApiError> {
    let bounds = MessageBounds {
        message_max_bytes: app.limits.session.image_max_bytes,
        text_max_bytes: app.limits.session.text_frame_max_bytes,
    };
    let enter = |app, session| future::ready(Ok(ImageDoor::new(app, session)));
    Ok(upgrade(&app, Speaks::Image, &mut request, bounds, enter))
}

struct ImageDoor {
    app: Arc<App>,
    session: Arc<Session>,
    owner: Owner,
    under_way: Arc<Semaphore>,
    /// Read, but more pictures than may be under way; the client is not read
    /// meanwhile.
    waiting: VecDeque<Asked>,
    answers: FuturesOrdered<BoxFuture<'static, Answer>>,
    bucket: Bucket,
    nonsense: Bucket,
}

/// What a client sent, in its place.
enum Asked {
    Picture { file: Bytes, notation: Option<Notation> },
    Nonsense { code: ErrorCode, message: String },
}

impl ImageDoor {
    fn new(app: Arc<App>, session: Arc<Session>) -> Self {
        Self {
            owner: app.images.owner(),
            under_way: Arc::new(Semaphore::new(app.limits.session.images_max)),
            waiting: VecDeque::new(),
            answers: FuturesOrdered::new(),
            bucket: Bucket::new(app.limits.rates.messages),
            nonsense: Bucket::of_nonsense(&app.limits.session),
            app,
            session,
        }
    }

    fn ask(&mut self, asked: Asked) {
        self.bucket.charge();
        self.waiting.push_back(asked);
        self.advance();
    }

    /// Begins with what waits, as far as it may be under way.
    fn advance(&mut self) {
        while let Some(asked) = self.waiting.pop_front() {
            match asked {
                Asked::Nonsense { code, message } => self.refuse(code, &message),
                Asked::Picture { file, notation } => match Arc::clone(&self.under_way).try_acquire_owned() {
                    Ok(permit) => self.invert(file, notation, permit),
                    Err(_) => return self.waiting.push_front(Asked::Picture { file, notation }),
                },
            }
        }
    }

    fn invert(&mut self, file: Bytes, notation: Option<Notation>, permit: OwnedSemaphorePermit) {
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
                    Answer::Negative(pieces(opcode, Bytes::from_owner(Held::new(payload, permit)), fragment_max_bytes))
                }
                Err(error) => Answer::Refusal(refusal(image_error_code(&error), &error.to_string())),
            }
        }));
    }

    fn refuse(&mut self, code: ErrorCode, message: &str) {
        let frame = refusal(code, message);
        self.answers.push_back(Box::pin(async move { Answer::Refusal(frame) }));
    }
}

fn refusal(code: ErrorCode, message: &str) -> Bytes {
    let mut out = BytesMut::new();
    put_frame_with(&mut out, Opcode::Text, |out| image_json::put_error(out, code, message));
    out.freeze()
}

impl Door for ImageDoor {
    async fn text(&mut self, text: Utf8) -> Result<(), Close> {
        match image_json::parse(text.as_str(), self.app.limits.image.file_max_bytes) {
            Ok(image) => self.ask(Asked::Picture { file: image.bytes, notation: Some(image.notation) }),
            Err(error) => {
                self.ask(Asked::Nonsense { code: error.code(), message: error.to_string() });
                if !self.nonsense.take() {
                    return Err(Close::new(CloseCode::POLICY, "too many messages that make no sense"));
                }
            }
        }
        Ok(())
    }

    async fn binary(&mut self, file: Bytes) -> Result<(), Close> {
        self.ask(Asked::Picture { file, notation: None });
        Ok(())
    }

    async fn answer(&mut self) {
        self.advance();
        tokio::select! {
            Some(answer) = self.answers.next(), if !self.answers.is_empty() => answer.queue(&self.session),
            _ = self.under_way.acquire(), if !self.waiting.is_empty() => {}
            else => future::pending().await,
        }
    }

    /// Over the rate the client is not read until the rate allows.
    fn reads(&self) -> Reads {
        let may_read = self.waiting.is_empty() && self.answers.len() < self.app.limits.session.answers_max;
        if may_read { Reads::from(self.bucket.next_at()) } else { Reads::AfterAnAnswer }
    }

    fn too_slow(&self) -> Close {
        Close::new(CloseCode::OVERLOADED, "too slow: your answers do not drain")
    }
}
