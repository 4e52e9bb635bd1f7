//! Counts those who have not signed in, and shows the oldest of them out when there are too many.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sallyport_ssh::lobby::{Entry, Lobby, LobbyLimits, Seat};
use tokio::task::AbortHandle;

/// The lobby, and the tasks of those in it.
#[derive(Clone)]
pub(crate) struct Door(Arc<Mutex<Inside>>);

struct Inside {
    lobby: Lobby,
    tasks: BTreeMap<Seat, AbortHandle>,
}

impl Door {
    /// Programs that open many connections at once come from one address: more places than the engine's default.
    pub(crate) fn new() -> Self {
        let limits = LobbyLimits { per_address_max: 100, ..LobbyLimits::default() };
        Self(Arc::new(Mutex::new(Inside { lobby: Lobby::new(limits), tasks: BTreeMap::new() })))
    }

    /// Starts a connection if there is a place for it.
    pub(crate) fn enter(&self, address: IpAddr, start: impl FnOnce(Place) -> AbortHandle) {
        let mut inside = self.inside();
        let seat = match inside.lobby.enter(address) {
            Entry::Seated(seat) => seat,
            Entry::Instead(seat, oldest) => {
                if let Some(task) = inside.tasks.remove(&oldest) {
                    task.abort();
                }
                seat
            }
            Entry::Refused => return,
        };
        let task = start(Place { door: self.clone(), seat });
        inside.tasks.insert(seat, task);
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the lobby. It is given up when it is dropped: after the sign-in, or with the connection.
pub(crate) struct Place {
    door: Door,
    seat: Seat,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.door.inside();
        inside.lobby.leave(self.seat);
        inside.tasks.remove(&self.seat);
    }
}
