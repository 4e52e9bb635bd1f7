//! The messages of the authentication protocol as types.
//!
//! Owns: their encoding, and the data that a publickey signature is made over. Invariants: a message is decoded
//! whole before anything in it is believed; no decision depends on a part. Must not know: states, or which methods are on offer.

use zeroize::Zeroizing;

use super::{Echo, PROMPTS_MAX, Prompt, Prompts};
use crate::error::Error;
use crate::message::{SERVICE_CONNECTION, userauth};
use crate::wire::{Malformed, Reader, Writer, encode};

/// The longest name of an algorithm, a method or a service (RFC 4250, section 4.6.1).
const NAME_BYTES_MAX: usize = 64;
const HOSTBOUND: &str = "publickey-hostbound-v00@openssh.com";

/// SSH_MSG_USERAUTH_REQUEST (RFC 4252, section 5).
pub(super) struct Request<'a> {
    pub(super) user: &'a [u8],
    pub(super) service: &'a [u8],
    pub(super) method: RequestMethod<'a>,
}

/// The part of a request that depends on its method.
pub(super) enum RequestMethod<'a> {
    None,
    PublicKey(PublicKeyRequest<'a>),
    Password(&'a [u8]),
    /// RFC 4252, section 8, with the boolean TRUE.
    PasswordChange,
    /// The language tag is deprecated (RFC 4256, section 3.1) and not kept.
    KeyboardInteractive {
        submethods: &'a [u8],
    },
    Unknown,
}

/// RFC 4252, section 7; OpenSSH PROTOCOL, section 3.1, where a host key is named.
pub(super) struct PublicKeyRequest<'a> {
    pub(super) algorithm: &'a [u8],
    pub(super) blob: &'a [u8],
    pub(super) host_key: Option<&'a [u8]>,
    /// Without one the key is only offered.
    pub(super) signature: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// Decodes what follows the message number.
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, Error> {
        Self::fields(body).map_err(Error::malformed("USERAUTH_REQUEST"))
    }

    fn fields(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let user = reader.string()?;
        let service = reader.string()?;
        let method = match reader.string()? {
            b"none" => RequestMethod::None,
            b"publickey" => RequestMethod::PublicKey(PublicKeyRequest::fields(&mut reader, Names::Key)?),
            name if name == HOSTBOUND.as_bytes() => {
                RequestMethod::PublicKey(PublicKeyRequest::fields(&mut reader, Names::KeyAndHost)?)
            }
            b"password" => {
                let change = reader.bool()?;
                let old = reader.string()?;
                if change {
                    reader.string()?;
                    RequestMethod::PasswordChange
                } else {
                    RequestMethod::Password(old)
                }
            }
            b"keyboard-interactive" => {
                reader.string()?;
                RequestMethod::KeyboardInteractive { submethods: reader.string()? }
            }
            _ => {
                reader.take_rest();
                RequestMethod::Unknown
            }
        };
        reader.finish()?;
        Ok(Self { user, service, method })
    }
}

/// Which keys a publickey request names.
enum Names {
    Key,
    KeyAndHost,
}

impl<'a> PublicKeyRequest<'a> {
    fn fields(reader: &mut Reader<'a>, names: Names) -> Result<Self, Malformed> {
        let signed = reader.bool()?;
        let algorithm = reader.string_max(NAME_BYTES_MAX)?;
        let blob = reader.string()?;
        let host_key = match names {
            Names::Key => None,
            Names::KeyAndHost => Some(reader.string()?),
        };
        let signature = if signed { Some(reader.string()?) } else { None };
        Ok(Self { algorithm, blob, host_key, signature })
    }

    /// Everything of the request but the signature, from the message number on: the way it is sent, and, behind the
    /// session identifier, the way it is signed (RFC 4252, section 7).
    fn write(&self, w: &mut Writer<'_>, user: &[u8], service: &[u8], signed: bool) {
        let method = if self.host_key.is_some() { HOSTBOUND } else { "publickey" };
        w.string(user).string(service).string(method.as_bytes()).bool(signed);
        w.string(self.algorithm).string(self.blob);
        if let Some(host_key) = self.host_key {
            w.string(host_key);
        }
    }

    /// The data that the signature is made over.
    pub(super) fn signed_data(&self, session_id: &[u8], user: &[u8], service: &[u8]) -> Result<Vec<u8>, Error> {
        encode(|w| {
            w.string(session_id).u8(userauth::REQUEST);
            self.write(w, user, service, true);
        })
        .map_err(Error::malformed("USERAUTH_REQUEST"))
    }

    /// What follows the message number, for sending.
    pub(super) fn encode(&self, w: &mut Writer<'_>, user: &str) {
        self.write(w, user.as_bytes(), SERVICE_CONNECTION.as_bytes(), self.signature.is_some());
        if let Some(signature) = self.signature {
            w.string(signature);
        }
    }
}

/// Writes what the requests of every method begin with.
pub(super) fn write_request_head(w: &mut Writer<'_>, user: &str, method: &str) {
    w.string(user.as_bytes()).string(SERVICE_CONNECTION.as_bytes()).string(method.as_bytes());
}

/// SSH_MSG_SERVICE_REQUEST and SSH_MSG_SERVICE_ACCEPT (RFC 4253, section 10).
pub(super) fn decode_service(body: &[u8]) -> Result<&[u8], Error> {
    let fields = || {
        let mut reader = Reader::new(body);
        let name = reader.string_max(NAME_BYTES_MAX)?;
        reader.finish().map(|()| name)
    };
    fields().map_err(Error::malformed("SERVICE_REQUEST"))
}

/// SSH_MSG_USERAUTH_FAILURE (RFC 4252, section 5.1): the methods that can continue, and partial success.
pub(super) fn decode_failure(body: &[u8]) -> Result<(Vec<String>, bool), Error> {
    let fields = || {
        let mut reader = Reader::new(body);
        let methods = reader.name_list()?.iter().map(str::to_owned).collect();
        let partial = reader.bool()?;
        reader.finish().map(|()| (methods, partial))
    };
    fields().map_err(Error::malformed("USERAUTH_FAILURE"))
}

/// SSH_MSG_USERAUTH_BANNER (RFC 4252, section 5.4). Old servers do not always send UTF-8; what is not is replaced.
pub(super) fn decode_banner(body: &[u8], max: usize) -> Result<String, Error> {
    let fields = || {
        let mut reader = Reader::new(body);
        let text = lossy(reader.string_max(max)?);
        reader.string()?;
        reader.finish().map(|()| text)
    };
    fields().map_err(Error::malformed("USERAUTH_BANNER"))
}

/// SSH_MSG_USERAUTH_PK_OK (RFC 4252, section 7): algorithm and key.
pub(super) fn decode_pk_ok(body: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let fields = || {
        let mut reader = Reader::new(body);
        let pair = (reader.string()?, reader.string()?);
        reader.finish().map(|()| pair)
    };
    fields().map_err(Error::malformed("USERAUTH_PK_OK"))
}

/// SSH_MSG_USERAUTH_PASSWD_CHANGEREQ (RFC 4252, section 8): the words that come with it.
pub(super) fn decode_password_change(body: &[u8]) -> Result<String, Error> {
    let fields = || {
        let mut reader = Reader::new(body);
        let text = lossy(reader.string()?);
        reader.string()?;
        reader.finish().map(|()| text)
    };
    fields().map_err(Error::malformed("USERAUTH_PASSWD_CHANGEREQ"))
}

/// SSH_MSG_USERAUTH_INFO_REQUEST (RFC 4256, section 3.2).
pub(super) fn decode_prompts(body: &[u8]) -> Result<Prompts, Error> {
    let fields = || {
        let mut reader = Reader::new(body);
        let (name, instruction) = (lossy(reader.string()?), lossy(reader.string()?));
        reader.string()?;
        let count = reader.u32()?;
        if usize::try_from(count).map_or(true, |count| count > PROMPTS_MAX) {
            return Err(Malformed("more questions than allowed"));
        }
        let mut prompts = Vec::new();
        for _ in 0..count {
            let text = lossy(reader.string()?);
            let echo = if reader.bool()? { Echo::Shown } else { Echo::Hidden };
            prompts.push(Prompt { text, echo });
        }
        reader.finish().map(|()| Prompts { name, instruction, prompts })
    };
    fields().map_err(Error::malformed("USERAUTH_INFO_REQUEST"))
}

/// Writes SSH_MSG_USERAUTH_INFO_REQUEST.
pub(super) fn write_prompts(w: &mut Writer<'_>, prompts: &Prompts) {
    w.string(prompts.name.as_bytes()).string(prompts.instruction.as_bytes()).string(b"");
    // A caller's list is checked against `PROMPTS_MAX` before; a longer one could not be counted.
    w.u32(u32::try_from(prompts.prompts.len()).unwrap_or(u32::MAX));
    for prompt in &prompts.prompts {
        w.string(prompt.text.as_bytes()).bool(prompt.echo == Echo::Shown);
    }
}

/// SSH_MSG_USERAUTH_INFO_RESPONSE (RFC 4256, section 3.4).
pub(super) enum Responses {
    /// As many as there were questions, each UTF-8.
    Fit(Vec<Zeroizing<String>>),
    /// Another number, or not UTF-8: a failure, as the RFC demands, not the end.
    Unfit,
}

impl Responses {
    /// Decodes the answers to `asked` questions.
    pub(super) fn decode(body: &[u8], asked: usize) -> Result<Self, Error> {
        Self::fields(body, asked).map_err(Error::malformed("USERAUTH_INFO_RESPONSE"))
    }

    fn fields(body: &[u8], asked: usize) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let count = reader.u32()?;
        if usize::try_from(count) != Ok(asked) {
            return Ok(Self::Unfit);
        }
        let mut answers = Vec::new();
        let mut unfit = 0_usize;
        for _ in 0..count {
            match std::str::from_utf8(reader.string()?) {
                Ok(text) => answers.push(Zeroizing::new(text.to_owned())),
                Err(_) => unfit += 1,
            }
        }
        reader.finish()?;
        Ok(if unfit == 0 { Self::Fit(answers) } else { Self::Unfit })
    }
}

/// Writes SSH_MSG_USERAUTH_INFO_RESPONSE.
pub(super) fn write_responses(w: &mut Writer<'_>, answers: &[Zeroizing<String>]) {
    w.u32(u32::try_from(answers.len()).unwrap_or(u32::MAX));
    for answer in answers {
        w.string(answer.as_bytes());
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
