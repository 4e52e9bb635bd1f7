//! Two engines in memory, taken to each of their states; and the page that says what each state admits.

mod early;
mod keepalive;
pub(crate) mod pair;
mod states;
