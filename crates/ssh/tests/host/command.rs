//! Commands: output, input, how they end, what they are told.

use anyhow::{Result, ensure};

use crate::bed::{Bed, filter, noise, output, success};

on_both_routes!(
    output_errors_and_status,
    input_comes_back,
    signals_are_named,
    few_variables_may_be_set,
    requests_that_are_refused,
    a_program_that_closes_its_input,
);

async fn output_errors_and_status(bed: &Bed) -> Result<()> {
    let output = bed.run("seq 100000; seq 100000 200000 >&2; exit 7").await?;
    let sequence = |from: u32, to: u32| (from..=to).map(|n| n.to_string() + "\n").collect::<String>();
    assert_eq!(output.status.code(), Some(7));
    assert!(output.stdout == sequence(1, 100_000).as_bytes());
    assert!(output.stderr == sequence(100_000, 200_000).as_bytes());
    Ok(())
}

/// Both directions at once, through several key exchanges that each of the three may start.
async fn input_comes_back(bed: &Bed) -> Result<()> {
    let input = noise(40_000_000);
    let mut ssh = bed.ssh();
    ssh.args(["-o", "RekeyLimit=3M", "target", "cat"]);
    let output = filter(&mut ssh, input.clone()).await?;
    ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout == input, "{} of {} bytes came back, or others", output.stdout.len(), input.len());
    Ok(())
}

async fn signals_are_named(bed: &Bed) -> Result<()> {
    for signal in ["TERM", "KILL", "USR1", "SEGV"] {
        let mut ssh = bed.ssh();
        let output = output(ssh.args(["-v", "target", &format!("kill -{signal} $$")])).await?;
        assert_eq!(output.status.code(), Some(255), "{signal}");
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(log.contains("rtype exit-signal"), "{signal}: {log}");
        assert!(!log.contains("rtype exit-status"), "{signal}: {log}");
    }
    Ok(())
}

async fn few_variables_may_be_set(bed: &Bed) -> Result<()> {
    let mut ssh = bed.ssh();
    ssh.env("LC_TEST", "allowed").env("LD_TEST", "not");
    ssh.args(["-o", "SendEnv=LC_TEST", "-o", "SendEnv=LD_TEST", "-o", "SetEnv=PATHS=x", "target"]);
    let told = success(ssh.arg("echo \"$LC_TEST,$LD_TEST,$PATHS,$(printenv TERM),$SSH_CONNECTION\"")).await?;
    let connection = told.trim_end().strip_prefix("allowed,,,,").unwrap_or_else(|| panic!("{told}"));
    assert_eq!(connection.split(' ').count(), 4, "{connection}");
    Ok(())
}

async fn requests_that_are_refused(bed: &Bed) -> Result<()> {
    let told = success(bed.ssh().args(["-A", "-X", "target", "echo \"$SSH_AUTH_SOCK,$DISPLAY\""])).await?;
    assert_eq!(told, ",\n");
    let output = output(bed.ssh().args(["-s", "target", "nonesuch"])).await?;
    assert_eq!(output.status.code(), Some(255));
    assert!(String::from_utf8_lossy(&output.stderr).contains("subsystem request failed"));
    Ok(())
}

/// What still comes for it is nobody's, and in nobody's way.
async fn a_program_that_closes_its_input(bed: &Bed) -> Result<()> {
    let mut ssh = bed.ssh();
    ssh.args(["target", "head -c 1000 | wc -c; exec 0<&-; echo done; exit 3"]);
    let output = filter(&mut ssh, noise(20_000_000)).await?;
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), b"1000\ndone\n".as_slice()));
    Ok(())
}
