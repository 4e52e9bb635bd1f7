//! A host to reach: shell, commands and forwards.
