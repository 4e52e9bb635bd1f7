//! Our client role towards servers that others wrote.

mod algorithm;
mod host_key;
mod signal;
mod user_key;
