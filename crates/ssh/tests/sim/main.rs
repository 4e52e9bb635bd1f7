//! Engines against each other, under a random schedule, on a chosen clock: no sockets, no threads.
//!
//! Two engines back to back, and two with a gateway (server engine, relay, client engine) between them. A seed decides limits,
//! algorithms, fragmentation and everything that the users do; what arrives is held against what was sent. It must not know
//! how the engine is built: it uses what any user of the crate can use.
//!
//! | variable | meaning |
//! |---|---|
//! | `SALLYPORT_SIM_SEEDS` | how many seeds each test runs, instead of as many as take some seconds |
//! | `SALLYPORT_SIM_SEED` | one seed to run again |
//! | `SALLYPORT_SIM_FIRST` | where to start, instead of at 0 |

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failing test may panic: that is how it fails"
)]

mod actor;
mod gateway;
mod ledger;
mod login;
mod pipe;
mod plan;
mod random;
mod world;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ledger::Between;
use sallyport_ssh::driver::now;
use world::World;

/// How many seeds a test runs unless it is told otherwise: ten seconds without optimisation, less than one with.
const PAIR_SEEDS: u64 = 200;
const GATEWAY_SEEDS: u64 = 100;

/// Seeds that once failed, each with what it found.
const PAIR_REGRESSIONS: &[u64] = &[];
const GATEWAY_REGRESSIONS: &[u64] = &[];

#[test]
fn two_engines_carry_what_is_sent() {
    explore("two_engines", Between::Nobody, PAIR_REGRESSIONS, PAIR_SEEDS);
}

#[test]
fn a_gateway_between_them_carries_what_is_sent() {
    explore("a_gateway", Between::Relay, GATEWAY_REGRESSIONS, GATEWAY_SEEDS);
}

/// Runs the seeds that once failed, then new ones.
fn explore(name: &str, between: Between, regressions: &[u64], seeds: u64) {
    let begin = now().monotonic;
    if let Some(seed) = number("SALLYPORT_SIM_SEED") {
        let bytes = run(seed, between, name);
        eprintln!("seed {seed}: {bytes} bytes");
        return;
    }
    for seed in regressions {
        run(*seed, between, name);
    }
    let first = number("SALLYPORT_SIM_FIRST").unwrap_or(0);
    let end = first + number("SALLYPORT_SIM_SEEDS").unwrap_or(seeds);
    let bytes: usize = (first..end).map(|seed| run(seed, between, name)).sum();
    eprintln!("{name}: seeds {first} to {end}, {bytes} bytes on channels, {:?}", now().monotonic - begin);
    assert!(bytes > 0, "nothing was sent");
}

fn run(seed: u64, between: Between, name: &str) -> usize {
    let outcome = catch_unwind(AssertUnwindSafe(|| World::new(seed, between, now()).run()));
    let why = match outcome {
        Ok(Ok(bytes)) => return bytes,
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => "it panicked, see above".to_owned(),
    };
    panic!(
        "seed {seed}: {why}\nagain: SALLYPORT_SIM_SEED={seed} cargo test -p sallyport-ssh --test sim {name} -- --nocapture"
    );
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}
