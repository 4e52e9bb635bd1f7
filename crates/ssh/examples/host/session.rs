//! A session channel: what the client asks for, and the program that it starts (RFC 4254, section 6).
//!
//! Owns: the order of a session: preparations, one program, its end. Invariants: every request is answered; at most one program is
//! started; the channel closes when the program has ended and everything it wrote was sent. Must not know: other channels.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::process::{Signal, WaitIdStatus};
use sallyport_ssh::connection::{ChannelId, Open, Outcome, ReplyToken, Request, Stream, WantReply};
use sallyport_ssh::error::Error;

use super::connection::Turn;
use super::login::Rights;
use super::process::{Process, Program, Setup, sftp_server};
use super::stream::{Inward, Outward};

/// Variables that a client may set for one session.
const VARIABLES_MAX: usize = 64;
/// Bytes of the value of one of them.
const VARIABLE_BYTES_MAX: usize = 4096;

/// Names of signals on the wire (RFC 4254, section 6.10).
const SIGNALS: [(&str, Signal); 13] = [
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("FPE", Signal::FPE),
    ("HUP", Signal::HUP),
    ("ILL", Signal::ILL),
    ("INT", Signal::INT),
    ("KILL", Signal::KILL),
    ("PIPE", Signal::PIPE),
    ("QUIT", Signal::QUIT),
    ("SEGV", Signal::SEGV),
    ("TERM", Signal::TERM),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
];

/// A session channel.
pub(crate) struct Session {
    channel: ChannelId,
    rights: Arc<Rights>,
    stage: Stage,
    input: Inward,
    output: Outward,
    errors: Outward,
}

enum Stage {
    Preparing(Setup),
    Running(Process),
    /// The program has ended, and what it wrote has not been sent yet. Others may still hold its output.
    Exited(Process),
    Over,
}

impl Session {
    /// Nothing was asked for yet. `variables` tell the program of its connection.
    pub(crate) fn new(channel: ChannelId, rights: Arc<Rights>, variables: Vec<(OsString, OsString)>) -> Self {
        let setup = Setup { variables, terminal: None };
        Self {
            channel,
            rights,
            stage: Stage::Preparing(setup),
            input: Inward::awaiting(),
            output: Outward::new(Stream::Data, None),
            errors: Outward::new(Stream::STDERR, None),
        }
    }

    /// Does what a request asks, and answers it.
    pub(crate) fn request(
        &mut self,
        request: Request,
        reply: Option<ReplyToken>,
        open: &mut Open<'_>,
    ) -> Result<(), Error> {
        let outcome = match request {
            Request::Pty(_) if !self.rights.permit_terminal() => Outcome::Failure,
            Request::Pty(pty) => self.prepare(|setup| {
                setup.terminal = Some(pty);
                Outcome::Success
            }),
            Request::Env { name, value } => self.prepare(|setup| setup.set(name, value)),
            Request::Shell => self.start(&Program::Shell, open)?,
            Request::Exec { command } => self.start(&Program::Command(OsString::from_vec(command)), open)?,
            Request::Subsystem { name } => self.subsystem(&name, open)?,
            Request::WindowChange(size) => self.tell(|process| process.resize(size).is_ok()),
            Request::Signal { name } => match SIGNALS.iter().find(|(known, _)| *known == name) {
                Some((_, signal)) => self.tell(|process| process.signal(*signal).is_ok()),
                None => Outcome::Failure,
            },
            // There is no line to break.
            Request::Break { .. } => Outcome::Success,
            // The reader went away: the program is to feel it (SIGPIPE).
            Request::EndOfWrite => {
                self.output.give_up();
                Outcome::Success
            }
            _ => Outcome::Failure,
        };
        match reply {
            Some(token) => open.reply(token, outcome),
            None => Ok(()),
        }
    }

    /// Answers how many bytes are not held here.
    pub(crate) fn data(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> usize {
        self.input.data(bytes, cx)
    }

    pub(crate) fn eof(&mut self) {
        self.input.eof();
    }

    /// The client closed the channel. One that has heard all that the program had to say waits for its end; any other gives the
    /// program up, which is told when it is dropped.
    pub(crate) fn closed(&mut self, open: &mut Open<'_>) -> Result<Turn, Error> {
        let heard_all = self.output.is_over() && self.errors.is_over();
        if heard_all && matches!(self.stage, Stage::Running(_)) {
            return Ok(Turn::Idle);
        }
        let waiting = self.input.give_up();
        open.consume(self.channel, waiting)?;
        open.close(self.channel)?;
        Ok(Turn::Over)
    }

    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        open: &mut Open<'_>,
        scratch: &mut [u8],
    ) -> Result<Turn, Error> {
        if matches!(self.stage, Stage::Preparing(_)) {
            return Ok(Turn::Idle);
        }
        let taken = self.input.poll(cx);
        open.consume(self.channel, taken.count)?;
        if taken.lost {
            self.input_lost(open)?;
        }
        let exited = self.poll_exit(cx, open)?;
        let output = self.output.poll(cx, open, self.channel, scratch)?;
        let errors = self.errors.poll(cx, open, self.channel, scratch)?;
        if self.output.is_over() && self.errors.is_over() {
            open.eof(self.channel)?;
            if matches!(self.stage, Stage::Exited(_)) {
                self.finish();
                open.close(self.channel)?;
                return Ok(Turn::Over);
            }
        }
        Ok(Turn::moved(taken.count > 0 || exited || output || errors))
    }

    /// The program reads no more. The client is told, so that what writes there feels it.
    fn input_lost(&self, open: &mut Open<'_>) -> Result<(), Error> {
        open.request(self.channel, &Request::EndOfWrite, WantReply::No).map(|_| ())
    }

    fn finish(&mut self) {
        if let Stage::Exited(process) = std::mem::replace(&mut self.stage, Stage::Over) {
            process.let_go();
        }
    }

    fn prepare(&mut self, act: impl FnOnce(&mut Setup) -> Outcome) -> Outcome {
        match &mut self.stage {
            Stage::Preparing(setup) => act(setup),
            _ => Outcome::Failure,
        }
    }

    fn tell(&self, act: impl FnOnce(&Process) -> bool) -> Outcome {
        match &self.stage {
            Stage::Running(process) if act(process) => Outcome::Success,
            _ => Outcome::Failure,
        }
    }

    fn subsystem(&mut self, name: &[u8], open: &mut Open<'_>) -> Result<Outcome, Error> {
        if name != b"sftp" {
            return Ok(Outcome::Failure);
        }
        match sftp_server() {
            Some(path) => self.start(&Program::File(path), open),
            None => self.explain("sftp-server is not installed on this host", open),
        }
    }

    fn start(&mut self, program: &Program, open: &mut Open<'_>) -> Result<Outcome, Error> {
        let Stage::Preparing(setup) = &mut self.stage else {
            return Ok(Outcome::Failure);
        };
        let forced = self.rights.forced_command().map(|line| Program::Command(line.into()));
        if let (Some(_), Program::Command(line)) = (&forced, program) {
            setup.variables.push(("SSH_ORIGINAL_COMMAND".into(), line.clone()));
        }
        match Process::start(forced.as_ref().unwrap_or(program), setup) {
            Ok((process, streams)) => {
                self.stage = Stage::Running(process);
                self.input.connect(streams.input);
                self.output = Outward::new(Stream::Data, Some(streams.output));
                self.errors = Outward::new(Stream::STDERR, streams.errors);
                Ok(Outcome::Success)
            }
            Err(error) => self.explain(&format!("the program cannot be started: {error}"), open),
        }
    }

    /// A failure has no words of its own; standard error does.
    fn explain(&self, text: &str, open: &mut Open<'_>) -> Result<Outcome, Error> {
        open.send(self.channel, Stream::STDERR, format!("{text}\r\n").as_bytes())?;
        Ok(Outcome::Failure)
    }

    /// Tells how the program ended, once.
    fn poll_exit(&mut self, cx: &mut Context<'_>, open: &mut Open<'_>) -> Result<bool, Error> {
        let Stage::Running(process) = &mut self.stage else {
            return Ok(false);
        };
        let Poll::Ready(status) = process.poll_exit(cx) else {
            return Ok(false);
        };
        if let Stage::Running(process) = std::mem::replace(&mut self.stage, Stage::Over) {
            self.stage = Stage::Exited(process);
        }
        let waiting = self.input.give_up();
        open.consume(self.channel, waiting)?;
        // What cannot be known is not made up: the channel then closes without a status.
        if let Ok(status) = status {
            open.request(self.channel, &exit(&status), WantReply::No)?;
        }
        Ok(true)
    }
}

impl Setup {
    /// Language and format of numbers, dates and texts; nothing that could change what is run.
    fn set(&mut self, name: Vec<u8>, value: Vec<u8>) -> Outcome {
        let allowed = name == b"LANG" || name.starts_with(b"LC_");
        let odd = name.contains(&b'=') || name.contains(&0) || value.contains(&0);
        let full = self.variables.len() >= VARIABLES_MAX || value.len() > VARIABLE_BYTES_MAX;
        if !allowed || odd || full {
            return Outcome::Failure;
        }
        self.variables.push((OsString::from_vec(name), OsString::from_vec(value)));
        Outcome::Success
    }
}

fn exit(status: &WaitIdStatus) -> Request {
    if let Some(number) = status.terminating_signal() {
        return Request::ExitSignal {
            name: signal_name(number),
            core_dumped: status.dumped(),
            message: Vec::new(),
            language: Vec::new(),
        };
    }
    let code = status.exit_status().and_then(|code| u32::try_from(code).ok());
    Request::ExitStatus { status: code.unwrap_or(255) }
}

/// Those that the RFC does not list have names with a domain.
fn signal_name(number: i32) -> String {
    let known = SIGNALS.iter().find(|(_, signal)| signal.as_raw() == number);
    match known {
        Some((name, _)) => (*name).to_owned(),
        None => "SIG@openssh.com".to_owned(),
    }
}
