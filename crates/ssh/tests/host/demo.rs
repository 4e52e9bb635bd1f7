//! The demo: what it prints works as it is, twice at the same time, and nothing is left of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use rustix::process::{Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::bed::{example, filter, output, patiently, pid};
use crate::folder::Folder;

/// A demo, and the lines that it said.
struct Demo {
    process: Child,
    _stdout: BufReader<ChildStdout>,
    said: Vec<String>,
}

impl Demo {
    async fn start(folder: &Path) -> Result<Self> {
        let mut command = Command::new(example("gateway"));
        command.arg("--demo").env("TMPDIR", folder).kill_on_drop(true);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut stdout = BufReader::new(process.stdout.take().context("no output")?);
        let mut said = Vec::new();
        while said.last().is_none_or(|line: &String| !line.starts_with("Ctrl-C")) {
            let mut line = String::new();
            ensure!(patiently("the demo", stdout.read_line(&mut line)).await?? > 0, "it ends with {said:?}");
            said.push(line.trim_end().to_owned());
        }
        Ok(Self { process, _stdout: stdout, said })
    }

    /// The line that starts with a program, as a shell would run it.
    fn line(&self, program: &str) -> Result<String> {
        let found = self.said.iter().find(|line| line.trim_start().starts_with(&format!("{program} ")));
        Ok(found.with_context(|| format!("no line for {program}: {:?}", self.said))?.trim().to_owned())
    }

    fn recordings(&self) -> Result<PathBuf> {
        let line = self.said.iter().find(|line| line.ends_with("/recordings"));
        Ok(line.context("no recordings")?.trim().into())
    }

    async fn end(mut self, signal: Signal) -> Result<()> {
        kill_process(pid(&self.process)?, signal)?;
        let status = patiently("the demo to end", self.process.wait()).await??;
        let mut errors = String::new();
        self.process.stderr.take().context("no errors")?.read_to_string(&mut errors).await?;
        ensure!(status.success() && errors.is_empty(), "{status}: {errors}");
        Ok(())
    }
}

#[tokio::test]
async fn what_it_says_works_and_nothing_is_left() -> Result<()> {
    let private = Folder::create()?;
    // A name that a shell would take apart.
    let folder = private.path().join("all of it's");
    fs::create_dir(&folder)?;
    let first = Demo::start(&folder).await?;
    let second = Demo::start(&folder).await?;
    for (demo, signal) in [(first, Signal::INT), (second, Signal::TERM)] {
        let ssh = format!("{} 'echo $((6 * 7)) of this; exit 3'", demo.line("ssh")?);
        let said = output(&mut shell(&ssh)).await?;
        let errors = String::from_utf8_lossy(&said.stderr);
        assert_eq!((said.status.code(), said.stdout.as_slice()), (Some(3), b"42 of this\n".as_slice()), "{errors}");
        let sftp = filter(&mut shell(&demo.line("sftp")?), b"pwd\n".to_vec()).await?;
        assert!(String::from_utf8_lossy(&sftp.stdout).contains("Remote working directory: /"));
        let recordings = fs::read_dir(demo.recordings()?)?.map(|file| Ok(fs::read(file?.path())?));
        let recordings = recordings.collect::<Result<Vec<_>>>()?;
        assert!(recordings.iter().any(|bytes| bytes.windows(10).any(|part| part == b"42 of this")));
        demo.end(signal).await?;
    }
    assert_eq!(fs::read_dir(&folder)?.count(), 0, "something is left");
    Ok(())
}

fn shell(line: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    shell
}
