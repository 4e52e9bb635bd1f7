//! Telling clients of our host keys, and proving them (OpenSSH PROTOCOL, section 2.5).

use super::{Engine, State};
use crate::connection::{GlobalReplyToken, GlobalRequest, Open, Outcome, WantReply};
use crate::error::Error;
use crate::key::PublicKey;
use crate::wire::{Reader, encode};

impl Engine {
    /// `hostkeys-00@openssh.com` with the present key and those that come after it.
    pub(super) fn tell_host_keys(&mut self) -> Result<(), Error> {
        let Some(identity) = self.transport.host_identity() else {
            return Ok(());
        };
        let all = std::iter::once(&identity.key).chain(&identity.next_keys);
        let keys = all.map(|key| key.public_key().blob().to_vec()).collect();
        let State::Open(connection) = &mut self.state else {
            return Ok(());
        };
        Open { connection, out: &mut self.transport.outbox }
            .global(&GlobalRequest::HostKeys { keys }, WantReply::No)
            .map(|_| ())
    }

    /// `hostkeys-prove-00@openssh.com`: a signature for each key, or a failure if one of them is not ours.
    pub(super) fn prove_host_keys(&mut self, keys: &[Vec<u8>], reply: Option<GlobalReplyToken>) -> Result<(), Error> {
        let Some(token) = reply else { return Ok(()) };
        let proofs = self.proofs(keys);
        let State::Open(connection) = &mut self.state else {
            return Ok(());
        };
        let mut open = Open { connection, out: &mut self.transport.outbox };
        match proofs {
            Some(proofs) => open.reply_global(token, Outcome::Success, &proofs),
            None => open.reply_global(token, Outcome::Failure, &[]),
        }
    }

    fn proofs(&self, keys: &[Vec<u8>]) -> Option<Vec<u8>> {
        let identity = self.transport.host_identity()?;
        let session_id = self.transport.session_id()?;
        let ours: Vec<_> = std::iter::once(&identity.key).chain(&identity.next_keys).collect();
        let mut proofs = Vec::new();
        for blob in keys {
            let key = ours.iter().find(|key| key.public_key().blob() == blob.as_slice())?;
            let signature = key.sign(&proof_data(session_id, blob).ok()?);
            proofs.extend(
                encode(|w| {
                    w.string(&signature);
                })
                .ok()?,
            );
        }
        (!keys.is_empty()).then_some(proofs)
    }
}

/// Client role: the keys of `asked` that the answer to `hostkeys-prove-00@openssh.com` proves. One wrong signature disproves all.
pub fn proven_host_keys(session_id: &[u8], asked: &[PublicKey], answer: &[u8]) -> Result<Vec<PublicKey>, Error> {
    let mut r = Reader::new(answer);
    for key in asked {
        let signature = r.string().map_err(Error::malformed("host key proof"))?;
        let data = proof_data(session_id, key.blob())?;
        key.verify(&data, signature).map_err(|_| Error::HostSignature)?;
    }
    r.finish().map_err(Error::malformed("host key proof"))?;
    Ok(asked.to_vec())
}

fn proof_data(session_id: &[u8], blob: &[u8]) -> Result<Vec<u8>, Error> {
    encode(|w| {
        w.string(b"hostkeys-prove-00@openssh.com").string(session_id).string(blob);
    })
    .map_err(Error::malformed("host key proof"))
}
