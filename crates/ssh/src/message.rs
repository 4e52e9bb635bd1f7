//! Message numbers and names that several layers share (RFC 4250, section 4.1).
//!
//! Owns: the numbers. Must not know: what is done with a message.

/// SSH_MSG_* of RFC 4253, section 12, and RFC 8308.
pub mod transport {
    #![expect(missing_docs, reason = "the names are those of the RFCs")]
    pub const DISCONNECT: u8 = 1;
    pub const IGNORE: u8 = 2;
    pub const UNIMPLEMENTED: u8 = 3;
    pub const DEBUG: u8 = 4;
    pub const SERVICE_REQUEST: u8 = 5;
    pub const SERVICE_ACCEPT: u8 = 6;
    pub const EXT_INFO: u8 = 7;
    pub const KEXINIT: u8 = 20;
    pub const NEWKEYS: u8 = 21;
    /// SSH_MSG_KEX_ECDH_INIT, SSH_MSG_KEXDH_INIT and SSH_MSG_KEX_HYBRID_INIT alike.
    pub const KEX_INIT: u8 = 30;
    /// The answer to [`KEX_INIT`].
    pub const KEX_REPLY: u8 = 31;
    /// OpenSSH PROTOCOL, section 1.9.
    pub const PING: u8 = 192;
    /// The answer to [`PING`].
    pub const PONG: u8 = 193;
}

/// SSH_MSG_USERAUTH_* of RFC 4252, section 6, and RFC 4256.
pub mod userauth {
    #![expect(missing_docs, reason = "the names are those of the RFCs")]
    pub const REQUEST: u8 = 50;
    pub const FAILURE: u8 = 51;
    pub const SUCCESS: u8 = 52;
    pub const BANNER: u8 = 53;
    /// Method-specific; for publickey.
    pub const PK_OK: u8 = 60;
    /// Method-specific; for password (never answered by us: a change is refused).
    pub const PASSWD_CHANGEREQ: u8 = 60;
    /// Method-specific; for keyboard-interactive.
    pub const INFO_REQUEST: u8 = 60;
    pub const INFO_RESPONSE: u8 = 61;
}

/// SSH_MSG_* of RFC 4254, section 9.
pub mod connection {
    #![expect(missing_docs, reason = "the names are those of the RFCs")]
    pub const GLOBAL_REQUEST: u8 = 80;
    pub const REQUEST_SUCCESS: u8 = 81;
    pub const REQUEST_FAILURE: u8 = 82;
    pub const CHANNEL_OPEN: u8 = 90;
    pub const CHANNEL_OPEN_CONFIRMATION: u8 = 91;
    pub const CHANNEL_OPEN_FAILURE: u8 = 92;
    pub const CHANNEL_WINDOW_ADJUST: u8 = 93;
    pub const CHANNEL_DATA: u8 = 94;
    pub const CHANNEL_EXTENDED_DATA: u8 = 95;
    pub const CHANNEL_EOF: u8 = 96;
    pub const CHANNEL_CLOSE: u8 = 97;
    pub const CHANNEL_REQUEST: u8 = 98;
    pub const CHANNEL_SUCCESS: u8 = 99;
    pub const CHANNEL_FAILURE: u8 = 100;
}

/// The service of RFC 4252.
pub const SERVICE_USERAUTH: &str = "ssh-userauth";
/// The service of RFC 4254.
pub const SERVICE_CONNECTION: &str = "ssh-connection";
