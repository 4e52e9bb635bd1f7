//! Terminals: `ssh` runs on a terminal of its own, which the test types into and reads.

use std::os::fd::AsFd;

use anyhow::{Result, bail};
use pty_process::{Pty, Size};
use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use crate::bed::{Bed, patiently};

on_both_routes!(a_shell_at_a_terminal, another_size, an_interrupt, modes_of_the_clients_terminal);

/// `ssh` at a terminal.
struct Screen {
    pty: Pty,
    client: Child,
    /// What was printed and not yet looked for.
    text: String,
}

impl Screen {
    fn start(bed: &Bed, arguments: &[&str], prepare: impl FnOnce(&Pty) -> Result<()>) -> Result<Self> {
        let (pty, pts) = pty_process::open()?;
        pty.resize(Size::new(24, 80))?;
        prepare(&pty)?;
        let config = bed.path("config").display().to_string();
        let command = pty_process::Command::new("ssh").args(["-F", &config]).args(arguments);
        let client = command.env("TERM", "vt100").kill_on_drop(true).spawn(pts)?;
        Ok(Self { pty, client, text: String::new() })
    }

    async fn type_in(&mut self, text: &str) -> Result<()> {
        Ok(self.pty.write_all(text.as_bytes()).await?)
    }

    /// Reads until `words` were printed; what came before them is gone then.
    async fn expect(&mut self, words: &str) -> Result<()> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.text.find(words) {
                self.text.drain(..at + words.len());
                return Ok(());
            }
            let read = patiently(words, self.pty.read(&mut buffer)).await?.unwrap_or(0);
            if read == 0 {
                bail!("ended without {words:?}, with {:?}", self.text);
            }
            self.text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    }

    /// Reads to the end. Answers how `ssh` ended.
    async fn end(mut self) -> Result<Option<i32>> {
        let mut buffer = [0; 4096];
        // A terminal that nobody holds any more ends with an error.
        while patiently("the end", self.pty.read(&mut buffer)).await?.is_ok_and(|read| read > 0) {}
        Ok(patiently("ssh to end", self.client.wait()).await??.code())
    }
}

async fn a_shell_at_a_terminal(bed: &Bed) -> Result<()> {
    let mut screen = Screen::start(bed, &["target"], |_| Ok(()))?;
    // Computed, so that the echo of what was typed is not taken for its output.
    screen.type_in("echo terminal $((6 * 7)) $(stty size) $TERM\n").await?;
    screen.expect("terminal 42 24 80 vt100").await?;
    screen.type_in("test -t 0 && test -t 1 && test -t 2 && echo all $((6 * 8))\n").await?;
    screen.expect("all 48").await?;
    screen.type_in("exit 5\n").await?;
    assert_eq!(screen.end().await?, Some(5));
    Ok(())
}

async fn another_size(bed: &Bed) -> Result<()> {
    let line = "trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.05; done";
    let mut screen = Screen::start(bed, &["-t", "target", line], |_| Ok(()))?;
    screen.expect("ready").await?;
    screen.pty.resize(Size::new(50, 132))?;
    screen.expect("50 132").await?;
    assert_eq!(screen.end().await?, Some(3));
    Ok(())
}

async fn an_interrupt(bed: &Bed) -> Result<()> {
    let line = "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.05; done";
    let mut screen = Screen::start(bed, &["-t", "target", line], |_| Ok(()))?;
    screen.expect("ready").await?;
    screen.type_in("\x03").await?;
    screen.expect("caught").await?;
    assert_eq!(screen.end().await?, Some(9));
    Ok(())
}

/// The client's interrupt character is ^X, and one is switched off.
async fn modes_of_the_clients_terminal(bed: &Bed) -> Result<()> {
    let prepare = |pty: &Pty| {
        let mut modes = tcgetattr(pty.as_fd())?;
        modes.special_codes[SpecialCodeIndex::VINTR] = 0x18;
        modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
        Ok(tcsetattr(pty.as_fd(), OptionalActions::Now, &modes)?)
    };
    let line = "stty -a; trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.05; done";
    let mut screen = Screen::start(bed, &["-t", "target", line], prepare)?;
    screen.expect("intr = ^X").await?;
    screen.expect("susp = <undef>").await?;
    screen.expect("ready").await?;
    screen.type_in("\x18").await?;
    screen.expect("caught").await?;
    assert_eq!(screen.end().await?, Some(9));
    Ok(())
}
