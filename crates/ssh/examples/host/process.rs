//! Programs, run as the user who runs the host.
//!
//! Owns: how a program is started, told and ended. Invariants: it leads a process group of its own; the group is told (SIGHUP)
//! when its session goes before it; no other group is ever told, because the program's number stays taken until then.
//! Must not know: channels.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::task::{Context, Poll};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid};
use rustix::termios::{Winsize, tcsetwinsize};
use sallyport_ssh::connection::{Pty, WindowSize};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Changes, SignalKind, signal};

use super::stream::{Sink, Source};
use super::terminal;

/// What of the host's own environment its programs are given. The last one marks what a run of the tests has started.
const INHERITED: [&str; 8] = ["HOME", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER", "SALLYPORT_TEST_RUN"];
/// Where systems keep the server of the sftp subsystem.
const SFTP_SERVERS: [&str; 4] = [
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/libexec/sftp-server",
    "/usr/lib/ssh/sftp-server",
];

/// What is to run.
pub(crate) enum Program {
    /// The user's shell, as at a login.
    Shell,
    /// A command line, for the user's shell.
    Command(OsString),
    /// A program without arguments.
    File(PathBuf),
}

/// What it is to run with.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) terminal: Option<Pty>,
}

/// A program that was started.
pub(crate) struct Process {
    /// Takes the program's number back when it is dropped: at once, or when the program ends.
    _child: Child,
    group: Option<Pid>,
    changes: Changes,
    terminal: Option<OwnedFd>,
}

/// The ends of its standard streams that are ours. A terminal has no standard error of its own.
pub(crate) struct Streams {
    pub(crate) input: Sink,
    pub(crate) output: Source,
    pub(crate) errors: Option<Source>,
}

impl Process {
    /// Starts a program.
    pub(crate) fn start(program: &Program, setup: &Setup) -> io::Result<(Self, Streams)> {
        // Before the program starts, so that its end cannot be missed.
        let changes = signal(SignalKind::child())?;
        let mut command = command(program);
        command.env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command.envs(setup.variables.iter().map(|(name, value)| (name, value)));
        if let Some(home) = env::var_os("HOME").filter(|home| Path::new(home).is_dir()) {
            command.current_dir(home);
        }
        match &setup.terminal {
            Some(terminal) => on_terminal(command, terminal, changes),
            None => on_pipes(command, changes),
        }
    }

    /// Sends a signal to the program and to those that it started.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        let group = self.group.ok_or(io::ErrorKind::NotFound)?;
        Ok(kill_process_group(group, signal)?)
    }

    /// The terminal has another size now.
    pub(crate) fn resize(&self, size: WindowSize) -> io::Result<()> {
        let terminal = self.terminal.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        Ok(tcsetwinsize(terminal, winsize(size))?)
    }

    /// How the program ended, once it has; not those that it started.
    pub(crate) fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<WaitIdStatus>> {
        // A change may concern any program of this host. Before the first one, there is nothing to look at.
        while let Poll::Ready(Some(())) = self.changes.poll_recv(cx) {
            let group = self.group.ok_or(io::ErrorKind::NotFound)?;
            // NOWAIT leaves the program's number taken, so that its group is still its own.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            if let Some(status) = waitid(WaitId::Pid(group), options)? {
                return Poll::Ready(Ok(status));
            }
        }
        Poll::Pending
    }

    /// The session ended as it should. What the program may have left behind is meant to stay.
    pub(crate) fn let_go(mut self) {
        self.group = None;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended just now, and then there is nobody to tell.
        let _ = self.signal(Signal::HUP);
    }
}

/// The server of the sftp subsystem, if this system has it.
pub(crate) fn sftp_server() -> Option<PathBuf> {
    SFTP_SERVERS.iter().map(PathBuf::from).find(|path| path.is_file())
}

fn command(program: &Program) -> Command {
    let shell = env::var_os("SHELL").filter(|shell| Path::new(shell).is_file());
    let shell = shell.unwrap_or_else(|| OsString::from("/bin/sh"));
    match program {
        Program::Shell => {
            let name = Path::new(&shell).file_name().unwrap_or(OsStr::new("sh"));
            let mut login = OsString::from("-");
            login.push(name);
            let mut command = Command::new(&shell);
            command.arg0(login);
            command
        }
        Program::Command(line) => {
            let mut command = Command::new(&shell);
            command.arg("-c").arg(line);
            command
        }
        Program::File(path) => Command::new(path),
    }
}

fn on_pipes(mut command: Command, changes: Changes) -> io::Result<(Process, Streams)> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()?;
    let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::other("a stream of the program is missing"));
    };
    let streams = Streams { input: Box::new(input), output: Box::new(output), errors: Some(Box::new(errors)) };
    Ok((Process::of(child, changes, None), streams))
}

fn on_terminal(mut command: Command, wanted: &Pty, changes: Changes) -> io::Result<(Process, Streams)> {
    let (pty, pts) = pty_process::open().map_err(io::Error::other)?;
    let control = pty.as_fd().try_clone_to_owned()?;
    tcsetwinsize(&control, winsize(wanted.size))?;
    terminal::apply(&wanted.modes, &pts)?;
    let term = String::from_utf8_lossy(&wanted.term).into_owned();
    command.env("TERM", if term.is_empty() { "dumb" } else { &term });
    let child = pty_process::Command::from(command).spawn(pts).map_err(io::Error::other)?;
    let (output, input) = pty.into_split();
    let streams = Streams { input: Box::new(input), output: Box::new(output), errors: None };
    Ok((Process::of(child, changes, Some(control)), streams))
}

impl Process {
    fn of(child: Child, changes: Changes, terminal: Option<OwnedFd>) -> Self {
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { _child: child, group, changes, terminal }
    }
}

fn winsize(size: WindowSize) -> Winsize {
    let short = |cells| u16::try_from(cells).unwrap_or(u16::MAX);
    Winsize {
        ws_row: short(size.rows),
        ws_col: short(size.columns),
        ws_xpixel: short(size.width),
        ws_ypixel: short(size.height),
    }
}
