//! A relay as tutorials for tokio show it, axum's chat example among them: a
//! broadcast channel, and per member a task that sends what it hears.
#![expect(clippy::print_stdout, reason = "whoever starts it reads where it listens")]

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

/// Messages that a member may be behind. Chosen: more than any case has under
/// way, so that nobody is skipped.
const BEHIND_MAX_MESSAGES: usize = 4096;

#[tokio::main]
async fn main() -> Result<()> {
    let port = std::env::args().nth(1).context("the port is missing")?;
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    let (room, _) = broadcast::channel(BEHIND_MAX_MESSAGES);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // Whoever is gone leaves; the others go on.
        tokio::spawn(talk(stream, room.clone()));
    }
}

async fn talk(stream: TcpStream, room: broadcast::Sender<Message>) -> Result<()> {
    let mut heard = room.subscribe();
    let (mut writer, mut reader) = accept_async(stream).await?.split();
    loop {
        tokio::select! {
            message = heard.recv() => writer.send(message?).await?,
            message = reader.next() => match message {
                Some(Ok(message)) if message.is_text() || message.is_binary() => {
                    room.send(message).context("nobody hears")?;
                }
                // The library answers pings by itself, with the next flush.
                Some(Ok(Message::Ping(_))) => writer.flush().await?,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(()),
            },
        }
    }
}
