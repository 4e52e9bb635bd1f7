//! Against the examples of RFC 8785, and round trips.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn text(value: &Value) -> String {
    String::from_utf8(encode(value).unwrap()).unwrap()
}

/// RFC 8785, section 3.2.3: sorted by UTF-16 code units, in which an emoji comes before a Hebrew presentation form.
#[test]
fn sorts_as_the_rfc_says() {
    let value = json!({
        "\u{20ac}": "Euro Sign",
        "\r": "Carriage Return",
        "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\u{1f600}": "Emoji: Grinning Face",
        "\u{80}": "Control",
        "\u{f6}": "Latin Small Letter O With Diaeresis"
    });
    let order: Vec<usize> = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
        .iter()
        .map(|word| text(&value).find(word).unwrap())
        .collect();
    assert!(order.is_sorted(), "{}", text(&value));
}

#[test]
fn writes_what_the_rfc_shows() {
    let value = json!({"string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/", "literals": [null, true, false], "n": [0, -1]});
    assert_eq!(text(&value), r#"{"literals":[null,true,false],"n":[0,-1],"string":"€$\u000f\nA'B\"\\\\\"/"}"#);
}

#[test]
fn refuses_numbers_that_are_read_differently_elsewhere() {
    assert!(encode(&1.5).is_err());
    assert!(encode(&1.0).is_err());
    assert!(encode(&(1_u64 << 53)).is_err());
    assert!(encode(&-(1_i64 << 53)).is_err());
    assert_eq!(encode(&((1_u64 << 53) - 1)).unwrap(), b"9007199254740991");
}

#[test]
fn digests_of_different_kinds_differ() {
    let value = json!({"a": 1});
    assert_ne!(digest("request", &value).unwrap(), digest("policy", &value).unwrap());
    assert_eq!(digest("request", &value).unwrap(), Digest::of(b"request\0{\"a\":1}"));
}

proptest! {
    #[test]
    fn any_text_is_read_back(value: String) {
        let bytes = encode(&value).unwrap();
        prop_assert_eq!(serde_json::from_slice::<String>(&bytes).unwrap(), value);
    }
}
