//! Our client role towards servers that others wrote.

mod algorithm;
mod host_key;
mod keepalive;
mod rekey;
mod signal;
mod user_key;
