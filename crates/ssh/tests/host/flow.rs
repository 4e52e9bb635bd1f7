//! Flow control end to end: readers that stop, readers that go, and everybody else meanwhile.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use crate::bed::{Bed, filter, is_running, noise, patiently, pid, success, until};
use crate::master::Master;

on_both_routes!(
    an_endless_output_whose_reader_goes,
    a_followed_file_whose_reader_goes,
    a_stalled_upload_leaves_the_others_alone,
    a_long_download_arrives,
);

/// `ssh … cat /dev/zero | head -c 1000`
async fn an_endless_output_whose_reader_goes(bed: &Bed) -> Result<()> {
    let mut client = bed.ssh().args(["target", "echo $$; exec cat /dev/zero"]).spawn()?;
    let mut stdout = BufReader::new(client.stdout.take().context("no output")?);
    let mut number = String::new();
    patiently("the program", stdout.read_line(&mut number)).await??;
    patiently("1000 bytes", stdout.read_exact(&mut [1; 1000])).await??;
    drop(stdout);
    patiently("ssh to end", client.wait()).await??;
    until("cat to end", || !is_running(&number)).await
}

/// `ssh … tail -f | grep -m1`: the file grows until the reader has what it wants, and once more.
async fn a_followed_file_whose_reader_goes(bed: &Bed) -> Result<()> {
    let line = "touch log; echo $$; exec tail -f log";
    let path = bed.path("log");
    let mut client = bed.ssh().args(["target", &format!("cd {} && {line}", bed.path("").display())]).spawn()?;
    let mut stdout = BufReader::new(client.stdout.take().context("no output")?);
    let mut number = String::new();
    patiently("the program", stdout.read_line(&mut number)).await??;
    tokio::fs::write(&path, b"first\n").await?;
    let mut first = String::new();
    patiently("the first line", stdout.read_line(&mut first)).await??;
    assert_eq!(first, "first\n");
    drop(stdout);
    let mut growing = tokio::fs::OpenOptions::new().append(true).open(&path).await?;
    patiently("ssh to end", async {
        // tail and ssh each feel that nobody reads only when they write.
        while client.try_wait()?.is_none() || is_running(&number) {
            growing.write_all(b"more\n").await?;
            growing.flush().await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    })
    .await?
}

async fn a_stalled_upload_leaves_the_others_alone(bed: &Bed) -> Result<()> {
    let master = Master::start(bed).await?;
    let mut stalled = master.session().args(["target", "exec sleep 600"]).stdin(Stdio::piped()).spawn()?;
    let mut stdin = stalled.stdin.take().context("no input")?;
    let chunk = noise(64 * 1024);
    let mut taken = 0_usize;
    // Nobody takes a byte: what the windows and the pipes hold is all that leaves us.
    while let Ok(written) = timeout(Duration::from_secs(3), stdin.write(&chunk)).await {
        taken += written?;
        ensure!(taken < 64 << 20, "{taken} bytes and more are taken in for a program that reads nothing");
    }
    for _ in 0..3 {
        assert_eq!(success(master.session().args(["target", "echo alive"])).await?, "alive\n");
    }
    let mut other = master.session();
    other.args(["target", "cat"]);
    let output = filter(&mut other, noise(10_000_000)).await?;
    assert!(output.stdout == noise(10_000_000), "another transfer beside the stalled one is damaged");
    kill_process(pid(&stalled)?, Signal::TERM)?;
    patiently("ssh to end", stalled.wait()).await??;
    master.end().await
}

async fn a_long_download_arrives(bed: &Bed) -> Result<()> {
    let mut client = bed.ssh().args(["target", "head -c 200000000 /dev/zero"]).spawn()?;
    let mut stdout = client.stdout.take().context("no output")?;
    let mut buffer = vec![0; 1 << 20];
    let mut count = 0_u64;
    loop {
        let read = patiently("more", stdout.read(&mut buffer)).await??;
        if read == 0 {
            break;
        }
        ensure!(buffer[..read].iter().all(|byte| *byte == 0), "other bytes than were sent");
        count += u64::try_from(read)?;
    }
    assert_eq!(count, 200_000_000);
    assert!(patiently("ssh to end", client.wait()).await??.success());
    Ok(())
}
