//! The modes of the client's terminal, set on ours (RFC 4254, section 8; RFC 8160).
//!
//! Owns: what each opcode means here. Invariant: what is not understood is left alone; nothing that a client writes fails a
//! session. Must not know: how the terminal is made.

use std::io;
use std::os::fd::AsFd;

use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Ends the list.
const TTY_OP_END: u8 = 0;
/// From here on, arguments have no known length.
const UNDEFINED: u8 = 160;
/// A character that is switched off, on the wire.
const DISABLED: u32 = 255;
/// The same, in the kernel (`_POSIX_VDISABLE` of Linux).
const VDISABLE: u8 = 0;

#[rustfmt::skip]
const CHARACTERS: [(u8, SpecialCodeIndex); 14] = [
    (1, SpecialCodeIndex::VINTR),
    (2, SpecialCodeIndex::VQUIT),
    (3, SpecialCodeIndex::VERASE),
    (4, SpecialCodeIndex::VKILL),
    (5, SpecialCodeIndex::VEOF),
    (6, SpecialCodeIndex::VEOL),
    (7, SpecialCodeIndex::VEOL2),
    (8, SpecialCodeIndex::VSTART),
    (9, SpecialCodeIndex::VSTOP),
    (10, SpecialCodeIndex::VSUSP),
    (12, SpecialCodeIndex::VREPRINT),
    (13, SpecialCodeIndex::VWERASE),
    (14, SpecialCodeIndex::VLNEXT),
    (18, SpecialCodeIndex::VDISCARD),
];

#[rustfmt::skip]
const INPUT: [(u8, InputModes); 12] = [
    (30, InputModes::IGNPAR),
    (31, InputModes::PARMRK),
    (32, InputModes::INPCK),
    (33, InputModes::ISTRIP),
    (34, InputModes::INLCR),
    (35, InputModes::IGNCR),
    (36, InputModes::ICRNL),
    (38, InputModes::IXON),
    (39, InputModes::IXANY),
    (40, InputModes::IXOFF),
    (41, InputModes::IMAXBEL),
    (42, InputModes::IUTF8),
];

#[rustfmt::skip]
const LOCAL: [(u8, LocalModes); 12] = [
    (50, LocalModes::ISIG),
    (51, LocalModes::ICANON),
    (53, LocalModes::ECHO),
    (54, LocalModes::ECHOE),
    (55, LocalModes::ECHOK),
    (56, LocalModes::ECHONL),
    (57, LocalModes::NOFLSH),
    (58, LocalModes::TOSTOP),
    (59, LocalModes::IEXTEN),
    (60, LocalModes::ECHOCTL),
    (61, LocalModes::ECHOKE),
    (62, LocalModes::PENDIN),
];

#[rustfmt::skip]
const OUTPUT: [(u8, OutputModes); 5] = [
    (70, OutputModes::OPOST),
    (72, OutputModes::ONLCR),
    (73, OutputModes::OCRNL),
    (74, OutputModes::ONOCR),
    (75, OutputModes::ONLRET),
];

#[rustfmt::skip]
const CONTROL: [(u8, ControlModes); 4] = [
    (90, ControlModes::CS7),
    (91, ControlModes::CS8),
    (92, ControlModes::PARENB),
    (93, ControlModes::PARODD),
];

/// Sets what `modes` say, as far as this system knows it.
pub(crate) fn apply(modes: &[u8], terminal: impl AsFd) -> io::Result<()> {
    let mut attributes = tcgetattr(&terminal)?;
    for (opcode, argument) in parse(modes) {
        set(&mut attributes, opcode, argument);
    }
    Ok(tcsetattr(&terminal, OptionalActions::Now, &attributes)?)
}

/// Pairs of opcode and argument, up to the end or to what cannot be read.
fn parse(modes: &[u8]) -> impl Iterator<Item = (u8, u32)> {
    modes.chunks(5).map_while(|pair| match *pair {
        [opcode, a, b, c, d] if opcode != TTY_OP_END && opcode < UNDEFINED => {
            Some((opcode, u32::from_be_bytes([a, b, c, d])))
        }
        _ => None,
    })
}

fn set(attributes: &mut Termios, opcode: u8, argument: u32) {
    let on = argument != 0;
    if let Some(index) = find(&CHARACTERS, opcode) {
        let character = u8::try_from(argument).ok().filter(|_| argument != DISABLED);
        attributes.special_codes[index] = character.unwrap_or(VDISABLE);
    } else if let Some(mode) = find(&INPUT, opcode) {
        attributes.input_modes.set(mode, on);
    } else if let Some(mode) = find(&LOCAL, opcode) {
        attributes.local_modes.set(mode, on);
    } else if let Some(mode) = find(&OUTPUT, opcode) {
        attributes.output_modes.set(mode, on);
    } else if let Some(mode) = find(&CONTROL, opcode) {
        // CS7 and CS8 are values of one field: each is said by itself, and switched off by the other.
        if on && ControlModes::CSIZE.contains(mode) {
            attributes.control_modes.remove(ControlModes::CSIZE);
        }
        if on || !ControlModes::CSIZE.contains(mode) {
            attributes.control_modes.set(mode, on);
        }
    }
}

fn find<T: Copy>(table: &[(u8, T)], opcode: u8) -> Option<T> {
    let row = table.iter().find(|(known, _)| *known == opcode);
    row.map(|(_, meaning)| *meaning)
}
