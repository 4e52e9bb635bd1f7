//! An SSH-2 protocol engine, client and server, made for gateways: bytes and time go in, bytes and events come out.
//!
//! It owns the protocol and nothing else. It does no IO, reads no clock and knows nothing of the rest of sallyport.

#![forbid(unsafe_code)]
