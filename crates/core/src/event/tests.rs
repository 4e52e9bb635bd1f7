//! What is recorded together.
