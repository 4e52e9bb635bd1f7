//! Who comes in: keys, passwords, questions, certificates. The gateway takes keys only, so this is between client and host.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::Result;
use tokio::process::Command;

use crate::bed::{Bed, Route, example, output, success};

#[tokio::test]
async fn only_who_is_authorized() -> Result<()> {
    for route in [Route::Direct, Route::Gateway] {
        let bed = Bed::start(route, &[]).await?;
        success(bed.ssh().args(["target", "true"])).await?;
        // The key pair of the bed would let anybody in.
        bed.key("stranger")?;
        fs::rename(bed.path("stranger"), bed.path("user"))?;
        fs::rename(bed.path("stranger.pub"), bed.path("user.pub"))?;
        let mut ssh = bed.ssh();
        ssh.args(["target", "true"]);
        refused(ssh).await?;
        bed.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn passwords_and_questions() -> Result<()> {
    let bed = Bed::start(Route::Direct, &["--password", "somebody:open sesame"]).await?;
    for method in ["password", "keyboard-interactive"] {
        let attempt = |user: &str, secret: &str| -> Result<Command> {
            let script = bed.path("askpass");
            fs::write(&script, format!("#!/bin/sh\necho '{secret}'\n"))?;
            fs::set_permissions(&script, fs::Permissions::from_mode(0o700))?;
            let mut ssh = bed.ssh();
            ssh.env("SSH_ASKPASS", script).env("SSH_ASKPASS_REQUIRE", "force").args(["-l", user]);
            ssh.args(["-o", "NumberOfPasswordPrompts=1", "-o", &format!("PreferredAuthentications={method}")]);
            ssh.args(["target", "echo in"]);
            Ok(ssh)
        };
        assert_eq!(success(&mut attempt("somebody", "open sesame")?).await?, "in\n", "{method}");
        refused(attempt("somebody", "open sesam")?).await?;
        refused(attempt("somebody", "")?).await?;
        refused(attempt("root", "open sesame")?).await?;
    }
    bed.end().await
}

#[tokio::test]
async fn certificates_for_users() -> Result<()> {
    let mut bed = Bed::lay()?;
    bed.key("authority")?;
    bed.key("other")?;
    bed.raise(Route::Direct, &["--authority", "authority.pub"]).await?;
    // The key that is authorized by itself would let anybody in.
    fs::remove_file(bed.path("user"))?;
    for (name, signer, options, welcome) in [
        ("good", "authority", &["-n", "nobody,somebody"][..], true),
        ("named", "authority", &["-n", "nobody"], false),
        ("late", "authority", &["-n", "somebody", "-V", "-2h:-1h"], false),
        ("foreign", "other", &["-n", "somebody"], false),
        ("unknown", "authority", &["-n", "somebody", "-O", "critical:unknown@example.invalid=x"], false),
        ("elsewhere", "authority", &["-n", "somebody", "-O", "source-address=192.0.2.0/24"], false),
    ] {
        bed.key(name)?;
        let public = format!("{name}.pub");
        let mut arguments = vec!["-q", "-s", signer, "-I", name];
        arguments.extend(options);
        arguments.push(&public);
        success(&mut bed.client("ssh-keygen", &arguments)).await?;
        let mut ssh = bed.ssh();
        ssh.args(["-o", &format!("CertificateFile={name}-cert.pub"), "-i", name]);
        ssh.args(["-o", "PreferredAuthentications=publickey", "target", "echo in"]);
        let outcome = output(&mut ssh).await?;
        let errors = String::from_utf8_lossy(&outcome.stderr);
        assert_eq!(outcome.status.success(), welcome, "{name}: {errors}");
        assert_eq!(outcome.stdout == b"in\n", welcome, "{name}: {errors}");
    }
    bed.end().await
}

#[tokio::test]
async fn what_a_certificate_leaves_its_user_to_do() -> Result<()> {
    let mut bed = Bed::lay()?;
    bed.key("authority")?;
    bed.key("holder")?;
    bed.raise(Route::Direct, &["--authority", "authority.pub"]).await?;
    fs::remove_file(bed.path("user"))?;
    let certify = async |options: &[&str]| {
        let mut arguments = vec!["-q", "-s", "authority", "-I", "holder", "-n", "somebody"];
        arguments.extend(options);
        arguments.push("holder.pub");
        success(&mut bed.client("ssh-keygen", &arguments)).await
    };
    let ssh = |arguments: &[&str]| {
        let mut ssh = bed.ssh();
        ssh.args(["-o", "CertificateFile=holder-cert.pub", "-i", "holder"]).args(arguments);
        ssh
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?.to_string();
    let remote = format!("0:{address}");
    let forwards = ["-o", "ExitOnForwardFailure=yes", "-R", &remote, "target", "true"];

    certify(&[]).await?;
    assert!(success(&mut ssh(&["-tt", "target", "tty"])).await?.starts_with("/dev/"));
    success(&mut ssh(&forwards)).await?;

    certify(&["-O", "force-command=echo \"only $SSH_ORIGINAL_COMMAND\""]).await?;
    assert_eq!(success(&mut ssh(&["target", "id -u"])).await?, "only id -u\n");
    assert_eq!(success(&mut ssh(&["-s", "target", "sftp"])).await?, "only \n");

    certify(&["-O", "clear"]).await?;
    assert_eq!(success(&mut ssh(&["target", "echo in"])).await?, "in\n");
    let terminal = output(&mut ssh(&["-tt", "target", "tty"])).await?;
    assert!(String::from_utf8_lossy(&terminal.stderr).contains("PTY allocation request failed"));
    assert!(terminal.stdout.is_empty());
    assert_eq!(output(&mut ssh(&forwards)).await?.status.code(), Some(255));
    let refused = output(&mut ssh(&["-W", &address, "target"])).await?;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("forwarding failed"));
    bed.end().await
}

#[tokio::test]
async fn a_certificate_for_the_host() -> Result<()> {
    let mut bed = Bed::lay()?;
    bed.key("authority")?;
    let certify = ["-q", "-s", "authority", "-h", "-I", "host", "-n", "target", "host.pub"];
    success(&mut bed.client("ssh-keygen", &certify)).await?;
    bed.raise(Route::Direct, &["--host-certificate", "host-cert.pub"]).await?;
    let authority = fs::read_to_string(bed.path("authority.pub"))?;
    fs::write(bed.path("known_hosts"), format!("@cert-authority * {authority}"))?;
    success(bed.ssh().args(["-o", "HostKeyAlias=target", "target", "true"])).await?;
    let output = output(bed.ssh().args(["-o", "HostKeyAlias=another", "target", "true"])).await?;
    assert_eq!(output.status.code(), Some(255), "the certificate names another host");
    bed.end().await
}

/// What would open a host to others, or to nobody, is refused before anything listens.
#[tokio::test]
async fn a_host_for_others_or_for_nobody_does_not_start() -> Result<()> {
    let bed = Bed::lay()?;
    let program = example("host").display().to_string();
    for (arguments, words) in [
        (&["--listen", "0.0.0.0:0", "--authorized", "user.pub"][..], "not a loopback address"),
        (&[], "nobody could come in"),
        (&["--authorized", "config"], "config"),
    ] {
        fs::write(bed.path("config"), "not a key\n")?;
        let output = output(&mut bed.client(&program, arguments)).await?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(words), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    Ok(())
}

async fn refused(mut ssh: Command) -> Result<()> {
    let output = output(&mut ssh).await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(255), "{errors}");
    assert!(errors.contains("Permission denied"), "{errors}");
    assert!(output.stdout.is_empty());
    Ok(())
}
