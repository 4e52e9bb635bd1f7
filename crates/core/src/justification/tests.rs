//! What will do as a reason and as a ticket.

use super::*;

fn said(reason: &str) -> Justification {
    Justification { reason: Some(Reason::new(reason).unwrap()), ticket: None }
}

fn with_ticket(ticket: &str) -> Justification {
    Justification { reason: None, ticket: Some(Reason::new(ticket).unwrap()) }
}

#[test]
fn a_reason_says_something() {
    for text in ["", "   ", "\u{200b}\u{200b}", "...", "\n\t"] {
        assert_eq!(Reason::new(text), Err(ReasonError::Blank), "{text:?}");
    }
    assert_eq!(Reason::new(&"x".repeat(REASON_BYTES_MAX + 1)), Err(ReasonError::Long));
    assert_eq!(Reason::new("  disk full ").unwrap().as_str(), "disk full");
}

#[test]
fn a_ticket_is_a_whole_word() {
    let pattern: TicketPattern = "INC-[0-9]+".parse().unwrap();
    for (given, found) in [
        (said("disk full, INC-482"), Some("INC-482")),
        (said("(INC-482)."), Some("INC-482")),
        (said("see XINC-482"), None),
        (said("see INC-482x"), None),
        (said("see INC-"), None),
        (with_ticket("INC-7"), Some("INC-7")),
        (with_ticket("INC-7 and more"), None),
        (Justification::default(), None),
    ] {
        assert_eq!(pattern.find(&given), found, "{given:?}");
    }
}

#[test]
fn alternatives_do_not_escape_the_anchors() {
    let pattern: TicketPattern = "INC-[0-9]+|CHG-[0-9]+".parse().unwrap();
    assert_eq!(pattern.find(&said("CHG-1x INC-2y")), None);
    assert!("a)|(b".parse::<TicketPattern>().is_err());
    assert!("[".parse::<TicketPattern>().is_err());
    assert!("(?:a{1000}){1000}".parse::<TicketPattern>().is_err());
}

#[test]
fn a_rule_hears_what_it_wants() {
    let ticket: TicketPattern = "INC-[0-9]+".parse().unwrap();
    let wants = Justify { reason: true, ticket: Some(ticket.clone()) };
    assert_eq!(wants.check(&Justification::default()), Err(Missing::Reason));
    assert_eq!(wants.check(&said("disk full")), Err(Missing::Ticket(ticket)));
    assert_eq!(wants.check(&said("disk full, INC-482")), Ok(()));
    assert_eq!(Justify::default().check(&Justification::default()), Ok(()));
}
