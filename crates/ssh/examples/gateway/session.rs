//! One client, one target, and the relay between them.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use sallyport_ssh::auth::{Attempt, ClientAuthEvent, ServerAuthEvent};
use sallyport_ssh::connection::{ConnectionEvent, GlobalRequest};
use sallyport_ssh::driver::{Link, either, now};
use sallyport_ssh::engine::{Engine, Event, Phase};
use sallyport_ssh::entropy::SystemEntropy;
use sallyport_ssh::error::{Error, Reason};
use sallyport_ssh::key::Presented;
use sallyport_ssh::relay::{NoTap, Relay, RelayEvent, Side, Tap};
use tokio::net::TcpStream;

use crate::Gateway;
use crate::door::Place;
use crate::record::Recording;

/// From the first byte to the last.
pub(crate) async fn run(stream: TcpStream, source: SocketAddr, place: Place, gateway: &Gateway) -> Result<()> {
    stream.set_nodelay(true)?;
    let engine = Engine::server(&gateway.server_config(source), Box::new(SystemEntropy), now())?;
    let mut client = Link::new(stream, engine);
    let Some(user) = welcome(&mut client, gateway).await? else {
        return Ok(());
    };
    drop(place);
    let target = match reach(gateway, gateway.user.as_ref().unwrap_or(&user)).await {
        Ok(target) => target,
        Err(error) => {
            client.engine.end(Reason::BY_APPLICATION, &format!("the target cannot be reached: {error:#}"));
            client.finish().await;
            return Err(error);
        }
    };
    match &gateway.record {
        Some(folder) => bridge(client, target, &mut Recording::start(folder)?).await,
        None => bridge(client, target, &mut NoTap).await,
    }
}

/// Lets the client in if its key is one that we know. Answers the name it came with, or nothing if it went away.
async fn welcome(client: &mut Link<TcpStream>, gateway: &Gateway) -> Result<Option<String>> {
    let known = |presented: &Presented| matches!(presented, Presented::Key(key) if gateway.authorized.contains(key));
    loop {
        let event = match client.next().await {
            Some(Event::ServerAuth(event)) => event,
            Some(Event::Ended(Error::Disconnected { .. })) | None => return Ok(None),
            Some(Event::Ended(error)) => bail!(error),
            Some(_) => continue,
        };
        if let ServerAuthEvent::Succeeded { user, .. } = event {
            return Ok(Some(user.to_string()));
        }
        let Phase::ServerAuth(mut login) = client.engine.phase() else {
            continue;
        };
        match event {
            ServerAuthEvent::Offered(offer) if known(offer.presented()) => login.acceptable(offer)?,
            ServerAuthEvent::Offered(offer) => login.reject_offer(offer, now())?,
            ServerAuthEvent::Verified(identity) if known(identity.presented()) => login.accept(identity)?,
            ServerAuthEvent::Verified(attempt) => reject(&mut login, attempt)?,
            ServerAuthEvent::None(attempt) => reject(&mut login, attempt)?,
            ServerAuthEvent::Password(attempt) => reject(&mut login, attempt)?,
            ServerAuthEvent::InteractiveStart(attempt) | ServerAuthEvent::InteractiveResponse(attempt) => {
                reject(&mut login, attempt)?;
            }
            ServerAuthEvent::InteractiveAbandoned { .. }
            | ServerAuthEvent::Refused(_)
            | ServerAuthEvent::Succeeded { .. } => {}
        }
    }
}

fn reject(login: &mut sallyport_ssh::engine::ServerLogin<'_>, attempt: impl Attempt) -> Result<(), Error> {
    login.reject(attempt, now())
}

/// Signs in to the target with the gateway's own key.
async fn reach(gateway: &Gateway, user: &str) -> Result<Link<TcpStream>> {
    let stream = TcpStream::connect(gateway.target).await.with_context(|| gateway.target.to_string())?;
    stream.set_nodelay(true)?;
    let engine = Engine::client(&gateway.client, Box::new(SystemEntropy), now())?;
    let mut target = Link::new(stream, engine);
    let identity = Presented::Key(gateway.identity.public_key().clone());
    loop {
        let event = match target.next().await {
            Some(Event::ClientAuth(event)) => event,
            Some(Event::Ended(error)) => bail!(error),
            None => bail!("the target went away"),
            Some(_) => continue,
        };
        match (event, target.engine.phase()) {
            (ClientAuthEvent::Ready, Phase::ClientAuth(mut login)) => login.public_key(user, &identity)?,
            (ClientAuthEvent::Sign(request), Phase::ClientAuth(mut login)) => {
                let signature = gateway.identity.sign(request.data());
                login.signature(request, &signature)?;
            }
            (ClientAuthEvent::Succeeded { .. }, _) => return Ok(target),
            (ClientAuthEvent::Failure { methods, .. }, _) => {
                bail!("the target does not let {user} in with this key (it would take: {})", methods.join(", "))
            }
            _ => {}
        }
    }
}

/// Until either side is gone. The other is told with the words that the first one used.
async fn bridge(mut client: Link<TcpStream>, mut target: Link<TcpStream>, tap: &mut (dyn Tap + Send)) -> Result<()> {
    let mut relay = Relay::new();
    loop {
        let Some(event) = relay.turn(&mut client.engine, &mut target.engine, tap, now()) else {
            either(&mut client, &mut target).await;
            continue;
        };
        match event {
            // The target's host keys are between it and us.
            RelayEvent::Event(
                Side::B,
                Event::Connection(ConnectionEvent::Global { request: GlobalRequest::HostKeys { .. }, .. }),
            ) => {}
            RelayEvent::Event(side, Event::Connection(event)) => {
                relay.pass(side, event, &mut client.engine, &mut target.engine);
            }
            RelayEvent::Event(side, Event::Ended(error)) => {
                let other = if side == Side::A { &mut target.engine } else { &mut client.engine };
                let (reason, text) = match &error {
                    Error::Disconnected { reason, text } => (*reason, text.clone()),
                    error => (Reason::BY_APPLICATION, error.to_string()),
                };
                other.end(reason, &text);
                tokio::join!(client.finish(), target.finish());
                return match error {
                    Error::Disconnected { .. } => Ok(()),
                    error => Err(error.into()),
                };
            }
            RelayEvent::Stopped { .. } => {
                bail!("the recording could not be written: session stopped")
            }
            RelayEvent::Event(..) | RelayEvent::Data { .. } => {}
        }
    }
}
