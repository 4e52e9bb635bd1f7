//! Many sessions over one connection of OpenSSH's (`ControlMaster`).

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::bed::{Bed, noise, output, patiently, until};

on_both_routes!(twenty_sessions_at_once, the_status_after_everything_else_has_ended);

/// A connection that others use.
pub(crate) struct Master<'b> {
    bed: &'b Bed,
    process: Child,
}

impl<'b> Master<'b> {
    pub(crate) async fn start(bed: &'b Bed) -> Result<Self> {
        let mut process = bed.ssh().args(["-M", "-N", "target"]).stdout(Stdio::null()).spawn()?;
        let socket = bed.path("master");
        until("the master's socket", || socket.exists() || process.try_wait().is_ok_and(|status| status.is_some()))
            .await?;
        Ok(Self { bed, process })
    }

    /// An `ssh` that must use the connection.
    pub(crate) fn session(&self) -> Command {
        let mut command = self.bed.ssh();
        // Without the master, this fails instead of making a connection of its own.
        command.args(["-o", "ControlMaster=no", "-o", "ProxyCommand=false"]);
        command
    }

    pub(crate) async fn control(&self, command: &[&str]) -> Result<String> {
        let output = output(self.bed.ssh().arg("-O").args(command).arg("target")).await?;
        ensure!(output.status.success(), "-O {command:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    pub(crate) async fn end(mut self) -> Result<()> {
        self.control(&["exit"]).await?;
        patiently("the master to end", self.process.wait()).await??;
        let mut errors = String::new();
        let stderr = self.process.stderr.take().context("no errors")?;
        patiently("its words", BufReader::new(stderr).read_line(&mut errors)).await??;
        ensure!(errors.is_empty(), "the master says: {errors}");
        Ok(())
    }
}

async fn twenty_sessions_at_once(bed: &Bed) -> Result<()> {
    let master = Master::start(bed).await?;
    tokio::fs::write(bed.path("noise"), noise(1_000_000)).await?;
    let mut sessions = JoinSet::new();
    for number in 1..=20 {
        let mut session = master.session();
        session.args(["target", &format!("cat {}; exit {number}", bed.path("noise").display())]);
        sessions.spawn(async move { (number, output(&mut session).await) });
    }
    while let Some(ended) = sessions.join_next().await {
        let (number, output) = ended?;
        let output = output?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(number), "session {number}: {errors}");
        assert!(output.stdout == noise(1_000_000), "session {number} got other bytes");
    }
    master.end().await
}

/// The master closes its side as soon as it has heard the end of data in both directions; the program ends only then.
async fn the_status_after_everything_else_has_ended(bed: &Bed) -> Result<()> {
    let master = Master::start(bed).await?;
    for status in [0, 7] {
        // The program gives the master time to close first. If it does not, the order is the usual one, and as right.
        let line = format!("exec >&- 2>&-; sleep 0.3; exit {status}");
        let output = output(master.session().args(["target", &line])).await?;
        assert_eq!(output.status.code(), Some(status));
    }
    master.end().await
}
