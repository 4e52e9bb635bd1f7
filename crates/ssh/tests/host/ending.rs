//! What becomes of programs when the client, its session or the host ends.

use std::process::Stdio;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::bed::{Bed, Route, is_running, patiently, pid, success, until};

on_both_routes!(
    a_client_that_goes_takes_its_program_along,
    what_a_program_starts_goes_along_too,
    what_is_left_in_the_background_stays,
);

async fn a_client_that_goes_takes_its_program_along(bed: &Bed) -> Result<()> {
    for options in [&["-T"][..], &["-tt"]] {
        let mut ssh = bed.ssh();
        ssh.args(options).args(["target", "echo $$; exec sleep 600"]);
        let (mut client, number) = started(ssh).await?;
        assert!(is_running(&number));
        kill_process(pid(&client)?, Signal::TERM)?;
        patiently("ssh to end", client.wait()).await??;
        until("the program to end", || !is_running(&number)).await?;
    }
    Ok(())
}

/// The shell has ended, and what it started holds the session open, as it does with any SSH server.
async fn what_a_program_starts_goes_along_too(bed: &Bed) -> Result<()> {
    let mut ssh = bed.ssh();
    ssh.args(["target", "sleep 600 & echo $!"]);
    let (mut client, number) = started(ssh).await?;
    assert!(is_running(&number));
    kill_process(pid(&client)?, Signal::TERM)?;
    patiently("ssh to end", client.wait()).await??;
    until("the program to end", || !is_running(&number)).await
}

async fn what_is_left_in_the_background_stays(bed: &Bed) -> Result<()> {
    let line = "sleep 600 >/dev/null 2>&1 </dev/null & echo $!";
    let number = success(bed.ssh().args(["target", line])).await?;
    // Whoever were told to end has the time of another session for it.
    success(bed.ssh().args(["target", "true"])).await?;
    let left = is_running(&number);
    if left {
        kill_process(Pid::from_raw(number.trim().parse()?).context("0")?, Signal::TERM)?;
    }
    assert!(left, "it ended with its session");
    Ok(())
}

#[tokio::test]
async fn a_host_that_ends_takes_its_programs_along() -> Result<()> {
    let bed = Bed::start(Route::Direct, &[]).await?;
    let mut ssh = bed.ssh();
    ssh.args(["target", "echo $$; exec sleep 600"]);
    let (mut client, number) = started(ssh).await?;
    bed.end().await?;
    until("the program to end", || !is_running(&number)).await?;
    let status = patiently("ssh to end", client.wait()).await??;
    assert_eq!(status.code(), Some(255));
    Ok(())
}

/// Starts a client, and waits for the number of its program.
async fn started(mut ssh: tokio::process::Command) -> Result<(Child, String)> {
    let mut client = ssh.stdin(Stdio::piped()).spawn()?;
    let mut line = String::new();
    let mut stdout = BufReader::new(client.stdout.take().context("no output")?);
    patiently("the program", stdout.read_line(&mut line)).await??;
    // Kept open: that nobody reads must not be what ends the program.
    client.stdout = Some(stdout.into_inner());
    Ok((client, line))
}
