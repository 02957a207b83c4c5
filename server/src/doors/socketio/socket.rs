//! One client, whatever its transport: Engine.IO messages in, events out.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};
use wire::engineio;
use wire::error_code::ErrorCode;
use wire::socketio::{Args, DecodeError, Decoder, Limits, Namespace, Packet, Payload, put_connect_error};
use wire::websocket::CloseCode;

use super::command::{self, Command, Refusal, Say};
use super::member::{At, Member};
use super::out::Out;
use super::pictures::Pictures;
use super::reply::Asked;
use crate::app::App;
use crate::peer::Client;
use crate::rate::Bucket;
use crate::session::Close;

/// A socket that was opened.
pub(super) struct Socket {
    app: Arc<App>,
    client: Client,
    out: Out,
    decoder: Decoder,
    /// Once it has entered the main namespace, and until it leaves it.
    member: Option<Member>,
    /// When it has to have entered.
    enter_by: Instant,
    bucket: Bucket,
    nonsense: Bucket,
    pictures: Pictures,
}

impl Socket {
    pub(super) fn new(app: Arc<App>, client: Client, out: Out) -> Self {
        let limits = &app.limits.socketio;
        Self {
            decoder: Decoder::new(Limits {
                attachments_max: limits.attachments_max,
                packet_max_bytes: limits.packet_max_bytes,
                ..Limits::default()
            }),
            member: None,
            enter_by: Instant::now() + limits.enter_max,
            bucket: Bucket::new(app.limits.rates.messages),
            nonsense: Bucket::of_nonsense(&app.limits.session),
            pictures: Pictures::new(&app),
            app,
            client,
            out,
        }
    }

    /// Takes a packet from the client.
    ///
    /// # Errors
    ///
    /// When the session is to be closed for it, or it says good-bye.
    pub(super) async fn take(&mut self, packet: engineio::Packet) -> Result<(), Close> {
        let packet = match packet {
            engineio::Packet::Message(text) => self.decoder.text(&text),
            engineio::Packet::Binary(bytes) => self.decoder.binary(bytes),
            engineio::Packet::Close => return Err(Close::new(CloseCode::NORMAL, "")),
            // That it came is the sign of life.
            engineio::Packet::Pong(_) | engineio::Packet::Noop => return Ok(()),
            engineio::Packet::Open(_) | engineio::Packet::Ping(_) | engineio::Packet::Upgrade => {
                return Err(protocol("a packet that a client does not send here"));
            }
        };
        match packet.map_err(|error| undecodable(&error))? {
            None => Ok(()),
            Some(packet) => self.obey(packet).await,
        }
    }

    async fn obey(&mut self, packet: Packet) -> Result<(), Close> {
        match packet {
            Packet::Connect { namespace, .. } if !namespace.is_main() => {
                self.out.send(|out| put_connect_error(out, &namespace, "Invalid namespace"));
                Ok(())
            }
            Packet::Connect { .. } if self.member.is_none() => {
                self.enter().await;
                Ok(())
            }
            Packet::Disconnect { namespace } if namespace.is_main() && self.member.is_some() => {
                self.member = None;
                self.enter_by = Instant::now() + self.app.limits.socketio.enter_max;
                Ok(())
            }
            Packet::Event { namespace, id, payload } if namespace.is_main() && self.member.is_some() => {
                self.event(&payload, id).await
            }
            // Nothing of ours asks for an ack.
            Packet::Ack { namespace, .. } if namespace.is_main() && self.member.is_some() => Ok(()),
            Packet::Connect { .. } => Err(protocol("the namespace was entered before")),
            Packet::ConnectError { .. } => Err(protocol("a packet that a client does not send")),
            Packet::Disconnect { .. } | Packet::Event { .. } | Packet::Ack { .. } => {
                Err(protocol("a packet in a namespace that was not entered"))
            }
        }
    }

    /// Enters the main namespace and the default room.
    async fn enter(&mut self) {
        let at = At { app: &self.app, client: &self.client, out: &self.out };
        match Member::enter(at).await {
            Ok(member) => self.member = Some(member),
            Err(Refusal { message, .. }) => {
                self.out.send(|out| put_connect_error(out, &Namespace::default(), &message));
            }
        }
    }

    async fn event(&mut self, payload: &Payload, id: Option<u64>) -> Result<(), Close> {
        let args = Args::of(payload);
        let name = args.as_ref().map_or("", |args| &args.name);
        let asked = Asked::new(name, id);
        if !self.bucket.take() {
            let refusal = Refusal::new(ErrorCode::RateLimited, "too many events in a short time");
            self.out.session.push(asked.refusal(&self.out, &refusal));
            return Ok(());
        }
        let command = match &args {
            Some(args) => command::parse(args, &self.app.limits.native),
            None => Err(Refusal::new(ErrorCode::BadField, "bytes stand for a whole argument each")),
        };
        match command {
            Ok(command) => self.command(command, asked).await,
            Err(refusal) => {
                self.out.session.push(asked.refusal(&self.out, &refusal));
                if !self.nonsense.take() {
                    return Err(Close::new(CloseCode::POLICY, "too many events that make no sense"));
                }
            }
        }
        Ok(())
    }

    async fn command(&mut self, command: Command, asked: Asked) {
        let Some(member) = &mut self.member else { return };
        let at = At { app: &self.app, client: &self.client, out: &self.out };
        let done = match command {
            Command::Image(file) => {
                self.pictures.take(file, asked);
                return;
            }
            Command::Say(say) => {
                let Say { spoken, room, name, body, as_sent } = say;
                member.speak(spoken, &self.app, &self.out);
                member.say(at, (room, name), (body, as_sent), asked.clone()).await
            }
            Command::Join { username, room, since } => member.join(at, username, &room, since, &asked).await,
            Command::Leave { room } => member.leave(at, &room, &asked).await,
        };
        if let Err(refusal) = done {
            self.out.session.push(asked.refusal(&self.out, &refusal));
        }
    }

    /// Queues the next answer that took its time; ends the session of who
    /// never enters. Loses nothing when it is cancelled.
    pub(super) async fn answer(&mut self) {
        tokio::select! {
            () = self.pictures.answer(&self.out) => {}
            () = sleep_until(self.enter_by), if self.member.is_none() => self.out.session.end(hub::Leave::Silent),
        }
    }

    /// Whether so many answers wait that the client is not read.
    pub(super) fn is_full(&self) -> bool {
        self.pictures.waiting() >= self.app.limits.session.answers_max
    }

    /// Puts what was said in its rooms before whatever it is sent next.
    pub(super) fn settle(&self) {
        self.member.iter().for_each(Member::settle);
    }

    /// Has it be written to elsewhere from here on; what its rooms say there
    /// waits for [`go_on`](Self::go_on). Returns the old way out, by which the
    /// rest of what was said so far comes.
    pub(super) fn move_to(&mut self, out: Out) -> Out {
        if let Some(member) = &mut self.member {
            member.move_to(&self.app, &out);
        }
        std::mem::replace(&mut self.out, out)
    }

    /// See [`move_to`](Self::move_to).
    pub(super) fn go_on(&self) {
        self.member.iter().for_each(Member::go_on);
    }
}

fn protocol(reason: &'static str) -> Close {
    Close::new(CloseCode::PROTOCOL, reason)
}

fn undecodable(error: &DecodeError) -> Close {
    let code = match error {
        DecodeError::TooLarge { .. } => CloseCode::TOO_BIG,
        DecodeError::UnknownKind
        | DecodeError::BadAttachments
        | DecodeError::TooManyAttachments { .. }
        | DecodeError::NamespaceTooLong { .. }
        | DecodeError::BadId
        | DecodeError::BadPayload
        | DecodeError::AttachmentsMissing { .. }
        | DecodeError::UnexpectedBinary => CloseCode::PROTOCOL,
    };
    Close::new(code, error.to_string())
}
