//! Programs, run as the user who runs the host.
//!
//! Owns: how a program is started, told and ended. Invariants: it leads a process group of its own; when its session goes,
//! the group is told (SIGHUP). Must not know: channels.

use std::env;
use std::ffi::{OsStr, OsString};
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll};

use rustix::process::{Pid, Signal, kill_process_group};
use rustix::termios::{Winsize, tcsetwinsize};
use sallyport_ssh::connection::{Pty, WindowSize};
use tokio::process::{Child, Command};

use super::stream::{Sink, Source};

/// What of the host's own environment its programs are given. The last one marks what a run of the tests has started.
const INHERITED: [&str; 8] = [
    "HOME",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TMPDIR",
    "TZ",
    "USER",
    "SALLYPORT_TEST_RUN",
];
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
    child: Child,
    group: Option<Pid>,
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
        let mut command = command(program);
        command.env_clear();
        command.envs(
            INHERITED
                .iter()
                .filter_map(|name| Some((name, env::var_os(name)?))),
        );
        command.envs(setup.variables.iter().map(|(name, value)| (name, value)));
        if let Some(home) = env::var_os("HOME").filter(|home| Path::new(home).is_dir()) {
            command.current_dir(home);
        }
        match &setup.terminal {
            Some(terminal) => on_terminal(command, terminal),
            None => on_pipes(command),
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

    /// Waits for the end of the program; not for the end of those that it started.
    pub(crate) fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        let status = pin!(self.child.wait()).poll(cx);
        if status.is_ready() {
            // From here on the number may come to belong to somebody else.
            self.group = None;
        }
        status
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
    SFTP_SERVERS
        .iter()
        .map(PathBuf::from)
        .find(|path| path.is_file())
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

fn on_pipes(mut command: Command) -> io::Result<(Process, Streams)> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let (Some(input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::other("a stream of the program is missing"));
    };
    let streams = Streams {
        input: Box::new(input),
        output: Box::new(output),
        errors: Some(Box::new(errors)),
    };
    Ok((Process::of(child, None), streams))
}

fn on_terminal(mut command: Command, wanted: &Pty) -> io::Result<(Process, Streams)> {
    let (pty, pts) = pty_process::open().map_err(io::Error::other)?;
    let control = pty.as_fd().try_clone_to_owned()?;
    tcsetwinsize(&control, winsize(wanted.size))?;
    let term = String::from_utf8_lossy(&wanted.term).into_owned();
    command.env("TERM", if term.is_empty() { "dumb" } else { &term });
    let child = pty_process::Command::from(command)
        .spawn(pts)
        .map_err(io::Error::other)?;
    let (output, input) = pty.into_split();
    let streams = Streams {
        input: Box::new(input),
        output: Box::new(output),
        errors: None,
    };
    Ok((Process::of(child, Some(control)), streams))
}

impl Process {
    fn of(child: Child, terminal: Option<OwnedFd>) -> Self {
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        Self {
            child,
            group,
            terminal,
        }
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
