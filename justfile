# Short names for commands that exist without `just` too.

# List what there is
default:
    @just --list --unsorted

# Every test, or a selection: `just test -p sallyport-ssh p1_`
test *args:
    ./test {{ args }}

# Everything that is checked before merging
ci:
    .ci/run

# Format the code
fmt:
    cargo fmt --all

# Lints as CI sees them
lint:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# The rules of ARCHITECTURE.md and CONTRIBUTING.md
tidy:
    cargo test -p sallyport-ssh --test tidy

# Read the documentation of the code
doc:
    cargo doc --workspace --all-features --no-deps --open

# The example gateway in front of its built-in target
demo:
    cargo run --release --example gateway -p sallyport-ssh -- --demo
