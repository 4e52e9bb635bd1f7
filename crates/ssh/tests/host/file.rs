//! Files: scp in both protocols, sftp, rsync, git.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Result, ensure};
use tokio::process::Command;

use crate::bed::{Bed, noise, success};

on_both_routes!(scp_copies, sftp_does_what_a_batch_says, rsync_brings_a_tree_up_to_date, git_clones_and_pushes);

async fn scp_copies(bed: &Bed) -> Result<()> {
    let bytes = noise(20_000_000);
    fs::write(bed.path("from"), &bytes)?;
    let here = bed.path("").display().to_string();
    for protocol in ["-O", "-s"] {
        success(&mut bed.client("scp", &["-q", protocol, "-F", "config", "from", &format!("target:{here}/up")]))
            .await?;
        success(&mut bed.client("scp", &["-q", protocol, "-F", "config", &format!("target:{here}/from"), "down"]))
            .await?;
        for copy in ["up", "down"] {
            ensure!(fs::read(bed.path(copy))? == bytes, "scp {protocol}: {copy} is another file");
            fs::remove_file(bed.path(copy))?;
        }
    }
    Ok(())
}

async fn sftp_does_what_a_batch_says(bed: &Bed) -> Result<()> {
    let bytes = noise(5_000_000);
    fs::write(bed.path("from"), &bytes)?;
    let batch = format!(
        "cd {}\nmkdir sub\nput from sub/one\nrename sub/one sub/two\nchmod 600 sub/two\nln -s two sub/link\n\
         get sub/link back\nls -1 sub\n",
        bed.path("").display()
    );
    fs::write(bed.path("batch"), batch)?;
    let listed = success(&mut bed.client("sftp", &["-q", "-F", "config", "-b", "batch", "target"])).await?;
    assert!(listed.ends_with("sub/link\nsub/two\n") || listed.ends_with("sub/link    \nsub/two    \n"), "{listed}");
    assert!(fs::read(bed.path("back"))? == bytes);
    assert_eq!(fs::metadata(bed.path("sub/two"))?.permissions().mode() & 0o777, 0o600);
    let missing = "get nonesuch\n";
    fs::write(bed.path("batch"), missing)?;
    assert!(success(&mut bed.client("sftp", &["-q", "-F", "config", "-b", "batch", "target"])).await.is_err());
    Ok(())
}

async fn rsync_brings_a_tree_up_to_date(bed: &Bed) -> Result<()> {
    let bytes = noise(3_000_000);
    fs::create_dir_all(bed.path("tree/deep/er"))?;
    for number in 0..200_usize {
        let name = format!("tree/deep/{}file{number}", if number % 2 == 0 { "er/" } else { "" });
        fs::write(bed.path(&name), &bytes[..number * 100])?;
    }
    fs::write(bed.path("tree/large"), &bytes)?;
    let there = format!("target:{}/copy", bed.path("").display());
    for round in 0..2 {
        let mut rsync = rsync(bed);
        success(rsync.args(["tree/", &there])).await?;
        same_tree(&bed.path("tree"), &bed.path("copy"))?;
        if round == 0 {
            fs::write(bed.path("tree/large"), &bytes[1..])?;
            fs::remove_file(bed.path("tree/deep/file1"))?;
        }
    }
    success(rsync(bed).args([&format!("{there}/"), "back"])).await?;
    same_tree(&bed.path("tree"), &bed.path("back"))
}

fn rsync(bed: &Bed) -> Command {
    // Checksums: two versions of the same size within one second look alike otherwise.
    bed.client("rsync", &["-a", "--delete", "--checksum", "-e", "ssh -F config"])
}

fn same_tree(one: &Path, other: &Path) -> Result<()> {
    let names = |path: &Path| -> Result<Vec<_>> {
        let mut names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    };
    ensure!(names(one)? == names(other)?, "{} and {} hold other files", one.display(), other.display());
    for name in names(one)? {
        let (first, second) = (one.join(&name), other.join(&name));
        if first.is_dir() {
            same_tree(&first, &second)?;
        } else {
            ensure!(fs::read(&first)? == fs::read(&second)?, "{} is another file", second.display());
        }
    }
    Ok(())
}

async fn git_clones_and_pushes(bed: &Bed) -> Result<()> {
    let url = format!("target:{}/origin.git", bed.path("").display());
    success(&mut git(bed, &["init", "-q", "--bare", "-b", "main", "origin.git"])).await?;
    success(&mut git(bed, &["init", "-q", "-b", "main", "work"])).await?;
    fs::write(bed.path("work/file"), noise(8_000_000))?;
    success(&mut git(bed, &["-C", "work", "add", "file"])).await?;
    success(&mut git(bed, &["-C", "work", "commit", "-q", "-m", "one"])).await?;
    success(&mut git(bed, &["-C", "work", "push", "-q", &url, "main"])).await?;
    success(&mut git(bed, &["clone", "-q", &url, "clone"])).await?;
    assert!(fs::read(bed.path("clone/file"))? == noise(8_000_000));
    success(&mut git(bed, &["-C", "origin.git", "fsck", "--strict"])).await?;
    Ok(())
}

fn git(bed: &Bed, arguments: &[&str]) -> Command {
    let mut git = bed.client("git", arguments);
    // Nobody's own settings.
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{role}_NAME"), "somebody").env(format!("GIT_{role}_EMAIL"), "somebody@example.invalid");
    }
    git.env("GIT_SSH_COMMAND", format!("ssh -F {}", bed.path("config").display()));
    git
}
