//! The gateway with a target of its own.

use anyhow::Result;

/// Placeholder until the target example lands.
pub(crate) async fn run() -> Result<()> {
    anyhow::bail!("the demo needs the target example")
}
