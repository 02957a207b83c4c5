//! Pictures of one client: answered in the order in which they came.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::error_code::ErrorCode;
use wire::socketio::{put_binary_ack, put_binary_event};

use super::command::Refusal;
use super::out::Out;
use super::reply::Asked;
use crate::app::App;
use crate::error::image_error_code;
use crate::images::{ImageError, Owner};

/// The pictures that are under way.
pub(super) struct Pictures {
    app: Arc<App>,
    owner: Owner,
    under_way: Arc<Semaphore>,
    answers: FuturesOrdered<BoxFuture<'static, Answer>>,
}

/// What became of a picture; written in the way of the moment.
struct Answer {
    asked: Asked,
    result: Result<(Vec<u8>, OwnedSemaphorePermit), Refusal>,
}

impl Pictures {
    pub(super) fn new(app: &Arc<App>) -> Self {
        Self {
            app: Arc::clone(app),
            owner: app.images.owner(),
            under_way: Arc::new(Semaphore::new(app.limits.session.images_max)),
            answers: FuturesOrdered::new(),
        }
    }

    /// Answers that wait.
    pub(super) fn waiting(&self) -> usize {
        self.answers.len()
    }

    /// Inverts a picture.
    pub(super) fn take(&mut self, file: Bytes, asked: Asked) {
        let Ok(permit) = Arc::clone(&self.under_way).try_acquire_owned() else {
            let message = "too many pictures of this connection are under way";
            return self.refuse(asked, Refusal::new(ErrorCode::Overloaded, message));
        };
        let pending = match self.app.images.submit(self.owner, file) {
            Ok(pending) => pending,
            Err(error) => return self.refuse(asked, error.into()),
        };
        self.answers.push_back(Box::pin(async move {
            let inverted = pending.await.unwrap_or(Err(ImageError::Internal));
            Answer { asked, result: inverted.map(|inverted| (inverted.bytes, permit)).map_err(Into::into) }
        }));
    }

    fn refuse(&mut self, asked: Asked, refusal: Refusal) {
        self.answers.push_back(Box::pin(async move { Answer { asked, result: Err(refusal) } }));
    }

    /// Queues the next answer; for ever where none waits.
    pub(super) async fn answer(&mut self, out: &Out) {
        let Some(Answer { asked, result }) = self.answers.next().await else {
            return std::future::pending().await;
        };
        match result {
            Ok((negative, permit)) => {
                let event = out.message(|out| put_binary_event(out, "image"));
                let ack = asked.id.map(|id| out.message(|out| put_binary_ack(out, id)));
                let headers: Vec<_> = std::iter::once(event).chain(ack).collect();
                out.send_binary(&headers, negative, permit, self.app.limits.session.fragment_max_bytes);
            }
            Err(refusal) => out.session.push(asked.refusal(out, &refusal)),
        }
    }
}

impl From<ImageError> for Refusal {
    fn from(error: ImageError) -> Self {
        Self::new(image_error_code(&error), error.to_string())
    }
}
