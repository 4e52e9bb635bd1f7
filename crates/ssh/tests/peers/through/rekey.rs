//! New keys again and again while data flows both ways, on everybody's wish.

use std::fs;

use crate::gateway::Gateway;
use crate::payload::{assert_same, random_bytes};
use crate::peer::openssh;
use crate::program::succeed;

/// Much more than the volume after which keys are renewed.
const BYTES: usize = 64 << 20;

/// `cat` sends back what comes: both directions are full all the time.
async fn both_ways(gateway: &Gateway, options: &[&str], bytes: usize) {
    let mut command = openssh::client("ssh", &gateway.asking(""));
    for option in options {
        command.args(["-o", option]);
    }
    command.args(["-T", "-p", &gateway.address.port().to_string(), "-l", gateway.user, "127.0.0.1", "cat"]);
    let input = random_bytes(bytes, 5);
    assert_same(&succeed(&mut command, &input).await, &input, "through cat");
}

#[tokio::test]
async fn as_the_client_wishes() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let log = gateway.place.path("log");
    let log_option = format!("-E{}", log.display());
    let mut command =
        openssh::without(&openssh::client("ssh", &gateway.asking("")), "LogLevel=ERROR", &[&log_option, "-v"]);
    command.args(["-o", "RekeyLimit=1M", "-T", "-p", &gateway.address.port().to_string()]);
    command.args(["-l", gateway.user, "127.0.0.1", "cat"]);
    let input = random_bytes(BYTES, 6);
    assert_same(&succeed(&mut command, &input).await, &input, "through cat");
    let exchanges = fs::read_to_string(&log).unwrap().matches("SSH2_MSG_NEWKEYS received").count();
    println!("ssh renewed keys {exchanges} times in 64 MiB each way");
    assert!(exchanges >= 60, "only {exchanges} key exchanges");
}

#[tokio::test]
async fn as_the_gateway_wishes() {
    both_ways(&Gateway::before_sshd(&["--rekey-bytes", "1048576"], &[]), &[], BYTES).await;
}

#[tokio::test]
async fn as_the_target_wishes() {
    both_ways(&Gateway::before_sshd(&[], &["RekeyLimit 1M"]), &[], BYTES).await;
}

/// All four ends at once, each with its own number, so that wishes cross.
#[tokio::test]
async fn as_everybody_wishes() {
    let gateway = Gateway::before_sshd(&["--rekey-bytes", "700000"], &["RekeyLimit 900K"]);
    both_ways(&gateway, &["RekeyLimit=1100K"], BYTES / 2).await;
}

/// With the other cipher, which has no block counter to start anew.
#[tokio::test]
async fn under_chacha20() {
    let cipher = "chacha20-poly1305@openssh.com";
    let arguments = ["--rekey-bytes", "1000000", "--target-cipher", cipher];
    let gateway = Gateway::before_sshd(&arguments, &["RekeyLimit 1M"]);
    both_ways(&gateway, &["RekeyLimit=1M", &format!("Ciphers={cipher}")], BYTES / 2).await;
}

/// A download and an upload alone: keys are counted in each direction.
#[tokio::test]
async fn in_one_direction() {
    let gateway = Gateway::before_sshd(&["--rekey-bytes", "1048576"], &[]);
    let bytes = BYTES / 4;
    let command = format!("head -c {bytes} /dev/zero");
    let output = succeed(&mut openssh::ssh(&gateway.asking(&command)), b"").await;
    assert!(output.len() == bytes && output.iter().all(|byte| *byte == 0));
    let output = succeed(&mut openssh::ssh(&gateway.asking("wc -c")), &vec![7; bytes]).await;
    assert_eq!(String::from_utf8(output).unwrap().trim(), bytes.to_string());
}
