//! Terminals: their size, their modes, and what changes while they are open.

use pty_process::{Pty, Size};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use crate::gateway::Gateway;
use crate::peer::openssh;
use crate::program::soon;

/// A person at a terminal.
struct Person {
    terminal: Pty,
    ssh: Child,
    /// Everything on the screen so far.
    seen: String,
}

impl Person {
    /// Sits down at a terminal of 100 columns and 30 rows.
    fn at(gateway: &Gateway, command: &str) -> Self {
        let (terminal, other_end) = pty_process::open().unwrap();
        terminal.resize(Size::new(30, 100)).unwrap();
        let mut ssh = pty_process::Command::new("ssh").env("TERM", "vt220").kill_on_drop(true);
        for argument in openssh::client("ssh", &gateway.asking("")).as_std().get_args() {
            ssh = ssh.arg(argument);
        }
        let port = gateway.address.port().to_string();
        let ssh = ssh.args(["-tt", "-p", &port, "-l", gateway.user, "127.0.0.1", command]);
        Self { terminal, ssh: ssh.spawn(other_end).unwrap(), seen: String::new() }
    }

    async fn types(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).await.unwrap();
    }

    /// Looks at the screen until a text is on it, and forgets what was there up to the end of it.
    async fn sees(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        while !self.seen.contains(text) {
            let count = soon(text, self.terminal.read(&mut buffer)).await.unwrap_or(0);
            assert_ne!(count, 0, "{text:?} never came: {:?}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        self.seen = self.seen.split_once(text).map_or_else(String::new, |(_, rest)| rest.to_owned());
    }

    async fn ends(mut self) -> Option<i32> {
        // What is still to be shown must be taken, or nobody gets to the end.
        let mut rest = Vec::new();
        let _ = soon("the end of the terminal", self.terminal.read_to_end(&mut rest)).await;
        soon("the end of ssh", self.ssh.wait()).await.unwrap().code()
    }
}

#[tokio::test]
async fn size_and_name() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let mut person =
        Person::at(&gateway, "stty size; echo $TERM; trap 'stty size' WINCH; echo set; while :; do sleep 0.01; done");
    person.sees("30 100").await;
    person.sees("set").await;
    person.terminal.resize(Size::new(41, 123)).unwrap();
    person.sees("41 123").await;
    person.types("\x03").await;
    // The shell ends by the signal, which ssh makes 255 of.
    assert_eq!(person.ends().await, Some(255));
}

/// What a key does is for the far end to say: ^C ends the program and not ssh, ^D is the end of input.
#[tokio::test]
async fn keys() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let mut person =
        Person::at(&gateway, "echo TERM is $TERM; trap : INT; cat; echo first $?; cat; echo second $?; exit 5");
    person.sees("TERM is vt220").await;
    person.types("echoed\r").await;
    person.sees("echoed\r\nechoed\r\n").await;
    person.types("\x03").await;
    person.sees("first ").await;
    person.types("more\r\x04").await;
    person.sees("second 0").await;
    assert_eq!(person.ends().await, Some(5));
}

/// A program that draws on the whole screen, and draws it anew for another size.
#[tokio::test]
async fn full_screen() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let socket = openssh::home(&gateway.place).join("tmux");
    let command = format!("tmux -f /dev/null -S {} new-session 'stty size; exec cat'", socket.display());
    let mut person = Person::at(&gateway, &command);
    person.sees("29 100").await;
    person.types("some words\r").await;
    person.sees("some words").await;
    person.terminal.resize(Size::new(50, 60)).unwrap();
    person.types("other words\r").await;
    person.sees("other words").await;
    person.types("\x04").await;
    person.sees("[exited]").await;
    assert_eq!(person.ends().await, Some(0));
}
