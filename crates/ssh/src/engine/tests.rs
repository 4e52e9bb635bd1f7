//! Two engines in memory, taken to each of their states.

mod early;
