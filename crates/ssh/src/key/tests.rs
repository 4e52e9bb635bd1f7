//! Tests of keys, signatures and certificates.
