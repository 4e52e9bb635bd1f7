//! An approver can offer less; the requester takes it or not.

use super::*;

fn offer(story: &mut Story, who: &str, length: &str, allow: Option<&[Capability]>) -> Result<Phase, Refusal> {
    let allow = allow.map(|allow| allow.iter().copied().collect());
    let seen = story.request().digest;
    story.run(now(1), &by(who), Command::Offer { seen, span: span(length), allow, comment: None })
}

#[test]
fn an_offer_that_is_taken_counts_as_a_yes_to_it() {
    let mut story = Story::asked(world(), &by("alice"));
    assert_eq!(offer(&mut story, "bob", "20m", Some(&[Capability::Shell])), Ok(Phase::Offered));
    assert_eq!(story.run(now(2), &by("bob"), Command::TakeOffer { grant: grant_id(1) }), Err(Refusal::NotYours));
    assert_eq!(story.run(now(2), &by("alice"), Command::TakeOffer { grant: grant_id(1) }), Ok(Phase::Approved));
    let terms = story.terms();
    let Access::Ssh(access) = &terms.role.access;
    assert_eq!(access.allow.iter().collect::<Vec<_>>(), [Capability::Shell]);
    assert_eq!((terms.not_before, terms.not_after), (at(2), at(22)));
}

#[test]
fn a3_votes_for_the_whole_do_not_count_for_the_offer() {
    let mut story = Story::asked(two_of_sre(), &by("dave"));
    story.yes(1, "bob").unwrap();
    offer(&mut story, "carol", "20m", None).unwrap();
    assert_eq!(story.run(now(2), &by("dave"), Command::TakeOffer { grant: grant_id(1) }), Ok(Phase::Pending));
    assert_eq!(story.yes(3, "carol"), Err(Refusal::AlreadyAnswered), "carol has said yes to it by offering");
    assert_eq!(story.yes(3, "bob"), Ok(Phase::Approved), "bob answers anew");
}

#[test]
fn an_offer_holds_nobody_up() {
    let mut story = Story::asked(world(), &by("alice"));
    offer(&mut story, "bob", "20m", None).unwrap();
    assert_eq!(story.clone().yes(2, "carol"), Ok(Phase::Approved));
    assert_eq!(story.clone().no(2, "carol"), Ok(Phase::Denied));
    assert_eq!(story.run(now(2), &by("alice"), Command::DeclineOffer), Ok(Phase::Pending));
    assert_eq!(story.request().ask.span, span("1h"));
    assert_eq!(story.yes(3, "bob"), Ok(Phase::Approved));
}

#[test]
fn an_offer_is_less() {
    let mut story = Story::asked(world(), &by("alice"));
    assert_eq!(offer(&mut story, "bob", "2h", None), Err(Refusal::OfferedMore));
    assert_eq!(offer(&mut story, "bob", "1h", None), Err(Refusal::OfferedMore));
    assert_eq!(offer(&mut story, "bob", "1h", Some(&[Capability::ForwardAgent])), Err(Refusal::OfferedMore));
    assert_eq!(offer(&mut story, "alice", "20m", None), Err(Refusal::OwnRequest));
    assert_eq!(
        offer(&mut story, "bob", "1h", Some(&[Capability::Shell, Capability::ForwardAgent])),
        Ok(Phase::Offered)
    );
    let State::Offered { offer, .. } = &story.request().state else { panic!("no offer") };
    assert!(!offer.ask.role.allows(Capability::ForwardAgent));
}
