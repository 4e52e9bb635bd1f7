//! Forwards of TCP ports and unix sockets, in both directions, with each half ending by itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::bed::{Bed, filter, noise, output, patiently, until};
use crate::master::Master;

on_both_routes!(
    to_the_host,
    from_the_host,
    what_cannot_be_reached_is_refused,
    many_at_once,
    what_was_sent_before_a_close_arrives,
);

/// Reads to the end, and only then says how much came: both halves of a connection are needed.
async fn count(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
    let mut buffer = vec![0; 1 << 16];
    let mut count = 0;
    loop {
        match stream.read(&mut buffer).await? {
            0 => break,
            read => count += read,
        }
    }
    stream.write_all(format!("{count} bytes").as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

/// The other end of it.
async fn counted(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: usize) -> Result<()> {
    let mut answer = String::new();
    patiently("an answer", async {
        stream.write_all(&noise(bytes)).await?;
        stream.shutdown().await?;
        stream.read_to_string(&mut answer).await
    })
    .await??;
    ensure!(answer == format!("{bytes} bytes"), "{bytes} bytes were sent, and the answer is {answer:?}");
    Ok(())
}

/// Counts for everybody who connects, until the test ends.
struct Counter {
    port: u16,
    socket: PathBuf,
    _tasks: JoinSet<()>,
}

impl Counter {
    async fn start(bed: &Bed) -> Result<Self> {
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await?;
        let socket = bed.path("counter");
        let unix = UnixListener::bind(&socket)?;
        let port = tcp.local_addr()?.port();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut each = JoinSet::new();
            while let Ok((stream, _)) = tcp.accept().await {
                each.spawn(count(stream));
            }
        });
        tasks.spawn(async move {
            let mut each = JoinSet::new();
            while let Ok((stream, _)) = unix.accept().await {
                each.spawn(count(stream));
            }
        });
        Ok(Self { port, socket, _tasks: tasks })
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

async fn to_the_host(bed: &Bed) -> Result<()> {
    let counter = Counter::start(bed).await?;
    let output = filter(bed.ssh().args(["-W", &counter.address(), "target"]), noise(7_000_000)).await?;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "7000000 bytes");

    let master = Master::start(bed).await?;
    for far in [counter.address(), counter.socket.display().to_string()] {
        // A socket on this side, because ssh does not choose local ports.
        let near = bed.path("near");
        master.control(&["forward", "-L", &format!("{}:{far}", near.display())]).await?;
        for bytes in [0, 1, 9_000_000] {
            counted(UnixStream::connect(&near).await?, bytes).await.with_context(|| far.clone())?;
        }
        master.control(&["cancel", "-L", &format!("{}:{far}", near.display())]).await?;
        tokio::fs::remove_file(&near).await.ok();
    }
    master.end().await
}

async fn from_the_host(bed: &Bed) -> Result<()> {
    let counter = Counter::start(bed).await?;
    let master = Master::start(bed).await?;
    let spec = format!("0:{}", counter.address());
    let port = master.control(&["forward", "-R", &spec]).await?;
    let port: u16 = port.trim().parse().with_context(|| port.clone())?;
    for bytes in [0, 1, 9_000_000] {
        counted(TcpStream::connect(("127.0.0.1", port)).await?, bytes).await.context("a port")?;
    }
    master.control(&["cancel", "-R", &spec]).await?;
    // ssh does not wait for the host to have done it. To connect would be to be forwarded once more.
    until("the forward to be gone", || std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()).await?;

    let far = bed.path("far");
    let spec = format!("{}:{}", far.display(), counter.socket.display());
    master.control(&["forward", "-R", &spec]).await?;
    for bytes in [0, 1, 9_000_000] {
        counted(UnixStream::connect(&far).await?, bytes).await.context("a socket")?;
    }
    // What is there already is not replaced.
    let mut second = bed.ssh();
    second.args(["-o", "ControlPath=none", "-o", "ExitOnForwardFailure=yes", "-R", &spec, "target", "true"]);
    assert_eq!(output(&mut second).await?.status.code(), Some(255));
    counted(UnixStream::connect(&far).await?, 1).await.context("the first socket")?;
    master.control(&["cancel", "-R", &spec]).await?;
    gone(&far).await?;

    // The end of the connection ends what it listened on.
    master.control(&["forward", "-R", &spec]).await?;
    master.end().await?;
    gone(&far).await
}

async fn gone(path: &Path) -> Result<()> {
    until("a socket to be removed", || !path.exists()).await
}

async fn what_cannot_be_reached_is_refused(bed: &Bed) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?.to_string();
    drop(listener);
    for address in [address.as_str(), "nonesuch.invalid:80"] {
        let output = output(bed.ssh().args(["-W", address, "target"])).await?;
        assert_eq!(output.status.code(), Some(255), "{address}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("forwarding failed"), "{address}");
    }
    Ok(())
}

async fn many_at_once(bed: &Bed) -> Result<()> {
    let counter = Counter::start(bed).await?;
    let master = Master::start(bed).await?;
    let near = bed.path("near");
    master.control(&["forward", "-L", &format!("{}:{}", near.display(), counter.address())]).await?;
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let near = near.clone();
        tasks.spawn(async move { counted(UnixStream::connect(&near).await?, number * 20_000).await });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome??;
    }
    master.end().await
}

/// The far end says at once that it has nothing to say, so that the client closes as soon as it has sent everything, long before
/// the slow far end has taken it.
async fn what_was_sent_before_a_close_arrives(bed: &Bed) -> Result<()> {
    let far = bed.path("slow");
    let listener = UnixListener::bind(&far)?;
    let reading = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        stream.shutdown().await?;
        let mut bytes: Vec<u8> = Vec::new();
        let mut buffer = vec![0; 1 << 14];
        loop {
            match stream.read(&mut buffer).await? {
                0 => return anyhow::Ok(bytes),
                read => bytes.extend_from_slice(&buffer[..read]),
            }
            sleep(Duration::from_millis(1)).await;
        }
    });
    let master = Master::start(bed).await?;
    let near = bed.path("near");
    master.control(&["forward", "-L", &format!("{}:{}", near.display(), far.display())]).await?;
    let mut stream = UnixStream::connect(&near).await?;
    patiently("everything to be sent", stream.write_all(&noise(8_000_000))).await??;
    drop(stream);
    let bytes = patiently("everything to arrive", reading).await???;
    assert!(bytes == noise(8_000_000), "{} bytes arrived", bytes.len());
    master.end().await
}
