//! What the engine costs when there is no kernel: a gateway's two engines and its relay, fed from memory, in one thread.
//!
//! Owns: the command line, the runs and their table. It measures CPU time of the thread, so that other work on the machine makes
//! it slower but hardly dearer. The figures are those of the gateway alone: what its client and its host cost is kept apart.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};
use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use sallyport_ssh::cipher::Cipher;
use sallyport_ssh::time::Now;

mod bare;
mod chain;

use chain::{Chain, Cost};

/// Moves data through a gateway in memory and prints what that costs.
#[derive(Parser)]
struct Args {
    /// MiB to carry for each line of the table. Small packets carry less: at most half a million of them.
    #[arg(long, default_value_t = 512)]
    mib: u32,
    /// Ciphers by their names in the protocol, separated by commas.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com"
    )]
    cipher: Vec<String>,
    /// Bytes of data in a packet, separated by commas. OpenSSH fills packets up to 32 KiB; a keystroke is one byte.
    #[arg(long, value_delimiter = ',', default_value = "32768,8192,1024,64")]
    packet: Vec<u32>,
    /// Each line is measured so many times; the cheapest counts, as what disturbs only adds.
    #[arg(long, default_value_t = 3)]
    runs: u32,
}

const CIPHERS: [Cipher; 3] = [Cipher::Aes256Gcm, Cipher::Aes128Gcm, Cipher::ChaCha20Poly1305];
const PACKETS_MAX: u64 = 500_000;
const MIB: u64 = 1024 * 1024;

fn main() -> Result<()> {
    let args = Args::parse();
    ensure!(args.packet.iter().all(|bytes| (1..=32 * 1024).contains(bytes)), "a packet holds 1 to 32768 bytes");
    ensure!(args.mib > 0 && args.runs > 0, "nothing to measure");
    println!(
        "CPU time of the gateway's two engines and its relay; beside it that of the sender's and of the receiver's engine."
    );
    println!();
    println!(
        "| cipher | bytes a packet | GiB/s on one core | s/GiB | crypto alone | the rest | ns a packet | crypto alone | the rest \
         | sender s/GiB | receiver s/GiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for name in &args.cipher {
        let known = CIPHERS.into_iter().find(|cipher| cipher.name() == name);
        let Some(cipher) = known else {
            anyhow::bail!("{name} is not one of {}", CIPHERS.map(Cipher::name).join(", "));
        };
        for packet in &args.packet {
            println!("{}", row(cipher, *packet, &args)?);
        }
    }
    Ok(())
}

/// One line of the table.
fn row(cipher: Cipher, packet: u32, args: &Args) -> Result<String> {
    let bytes = (u64::from(args.mib) * MIB).min(PACKETS_MAX * u64::from(packet));
    let mut best: Option<Cost> = None;
    let mut crypto = Duration::MAX;
    for _ in 0..args.runs {
        // A connection of its own: windows and buffers start as they do for everybody.
        let cost = Chain::open(cipher)?.carry(bytes, usize::try_from(packet)?)?;
        if best.as_ref().is_none_or(|best| cost.gateway < best.gateway) {
            best = Some(cost);
        }
        crypto = crypto.min(bare::open_and_seal(cipher, usize::try_from(packet)?, bytes)?);
    }
    let Some(best) = best else { anyhow::bail!("no run") };
    let gib = u32::try_from(bytes).map_or(f64::from(args.mib) / 1024.0, |bytes| f64::from(bytes) / 1_073_741_824.0);
    let per_gib = |time: Duration| time.as_secs_f64() / gib;
    let per_packet =
        |time: Duration| Ok::<_, anyhow::Error>(time.as_secs_f64() * 1e9 / f64::from(u32::try_from(best.packets)?));
    let own = best.gateway.saturating_sub(crypto);
    Ok(format!(
        "| {} | {packet} | {:.2} | {:.3} | {:.3} | {:.3} | {:.0} | {:.0} | {:.0} | {:.3} | {:.3} |",
        cipher.name(),
        1.0 / per_gib(best.gateway),
        per_gib(best.gateway),
        per_gib(crypto),
        per_gib(own),
        per_packet(best.gateway)?,
        per_packet(crypto)?,
        per_packet(own)?,
        per_gib(best.sender),
        per_gib(best.receiver),
    ))
}

/// CPU time that this thread has used.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn cpu_since(before: Duration) -> Duration {
    cpu().saturating_sub(before)
}

/// Both clocks, as the driver hands them in.
fn now() -> Now {
    Now { monotonic: Instant::now(), wall: SystemTime::now() }
}
