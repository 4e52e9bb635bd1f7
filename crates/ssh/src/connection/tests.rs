//! Two connections back to back, without transport.
