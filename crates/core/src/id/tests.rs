//! Ids print in one way and parse from that way only.

use super::*;
use proptest::prelude::*;

#[test]
fn prints_prefix_and_eight_letters() {
    assert_eq!(RequestId::from_bytes([0; 5]).to_string(), "req_00000000");
    assert_eq!(GrantId::from_bytes([0xff; 5]).to_string(), "grt_zzzzzzzz");
    assert_eq!(SessionId::from_bytes([0, 0, 0, 0, 1]).to_string(), "ses_00000001");
    assert_eq!(LeaseId::from_bytes([0x84, 0x21, 0x08, 0x42, 0x10]).to_string(), "lse_ggggggg".to_owned() + "g");
}

#[test]
fn refuses_what_it_never_prints() {
    let refused: [(&str, IdError); 8] = [
        ("grt_00000000", IdError::Prefix("req_")),
        ("REQ_00000000", IdError::Prefix("req_")),
        ("req_0000000", IdError::Length),
        ("req_000000000", IdError::Length),
        ("req_0000000A", IdError::Letter),
        ("req_0000000l", IdError::Letter),
        ("req_0000000ä", IdError::Letter),
        (" req_00000000", IdError::Prefix("req_")),
    ];
    for (text, error) in refused {
        assert_eq!(text.parse::<RequestId>(), Err(error), "{text}");
    }
}

#[test]
fn an_event_is_its_stream_and_its_place() {
    let id = EventId { stream: StreamId::Request(RequestId::from_bytes([0; 5])), seq: 3 };
    assert_eq!(id.to_string(), "req_00000000.3");
    assert_eq!("req_00000000.3".parse(), Ok(id));
    assert_eq!("gateway.1".parse(), Ok(EventId { stream: StreamId::Gateway, seq: 1 }));
    for text in
        ["req_00000000", "req_00000000.0", "req_00000000.03", "req_00000000.+3", "req_00000000.3.4", "gateway_.1"]
    {
        assert!(text.parse::<EventId>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn every_id_comes_back(bytes: [u8; ID_BYTES], seq in 1_u64..) {
        let request = RequestId::from_bytes(bytes);
        prop_assert_eq!(request.to_string().parse(), Ok(request));
        let json = serde_json::to_string(&request).unwrap();
        prop_assert_eq!(serde_json::from_str::<RequestId>(&json).unwrap(), request);
        for stream in [
            StreamId::Gateway,
            StreamId::Grant(GrantId::from_bytes(bytes)),
            StreamId::Lease(LeaseId::from_bytes(bytes)),
            StreamId::Request(request),
            StreamId::Review(ReviewId::from_bytes(bytes)),
            StreamId::Run(RunId::from_bytes(bytes)),
            StreamId::Session(SessionId::from_bytes(bytes)),
        ] {
            let id = EventId { stream, seq };
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn whatever_parses_prints_the_same(text in "req_[0-9a-z]{8}") {
        if let Ok(id) = text.parse::<RequestId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }
}
