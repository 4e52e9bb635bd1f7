//! Which side of the protocol an engine plays.

/// The side of this engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// It connected.
    Client,
    /// It was connected to.
    Server,
}
