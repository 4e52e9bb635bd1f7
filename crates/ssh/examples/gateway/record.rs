//! Writes what passes, before it passes.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use sallyport_ssh::connection::{ChannelId, Stream};
use sallyport_ssh::relay::{Side, Stop, Tap};

/// One file for one connection: frames of side, stream, length and bytes.
pub(crate) struct Recording {
    file: File,
}

impl Recording {
    /// A new file in `folder`.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{}-{}.rec", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        Ok(Self { file })
    }
}

impl Tap for Recording {
    fn data(&mut self, side: Side, _: ChannelId, stream: Stream, bytes: &[u8]) -> Result<(), Stop> {
        let mut head = [0; 9];
        head[0] = u8::from(side == Side::B);
        head[1..5].copy_from_slice(&match stream {
            Stream::Data => 0u32.to_be_bytes(),
            Stream::Extended(code) => code.to_be_bytes(),
        });
        head[5..].copy_from_slice(&u32::try_from(bytes.len()).map_err(|_| Stop)?.to_be_bytes());
        self.file.write_all(&head).and_then(|()| self.file.write_all(bytes)).map_err(|_| Stop)
    }
}
