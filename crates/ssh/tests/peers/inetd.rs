//! Servers that serve one connection on their standard input and output, behind a listener of ours.
//!
//! Owns: a free port, and a process for each connection. There is no port to agree on and nothing to wait for: the
//! listener is there before anybody connects. Must not know: which servers these are.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A listener that gives each connection to a new process.
pub(crate) struct Inetd {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
    children: Arc<Mutex<Vec<Child>>>,
}

impl Inetd {
    /// `command` makes the process for one connection.
    pub(crate) fn start(command: impl Fn() -> Command + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let children = Arc::new(Mutex::new(Vec::new()));
        let (stopped, started) = (stop.clone(), children.clone());
        let acceptor = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                stream.set_nodelay(true).unwrap();
                let input: OwnedFd = stream.try_clone().unwrap().into();
                let output: OwnedFd = stream.into();
                let mut command = command();
                command.stdin(Stdio::from(input)).stdout(Stdio::from(output));
                let child = command.spawn().unwrap_or_else(|cause| panic!("{command:?}: {cause}"));
                started.lock().unwrap().push(child);
            }
        });
        Self { address, stop, acceptor: Some(acceptor), children }
    }
}

impl Drop for Inetd {
    /// Connections end when the other side goes away, which the test has dropped before this. What does not end by itself within
    /// a few seconds is ended.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        let Ok(mut children) = self.children.lock() else {
            return;
        };
        let deadline = Instant::now() + Duration::from_secs(5);
        for child in children.iter_mut() {
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(5));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
