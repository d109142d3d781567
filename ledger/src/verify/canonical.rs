//! Is a payload in canonical form? One pass over its bytes, without building anything.
//!
//! RFC 8785 for what this project writes: objects with ascending ASCII keys, integers within ±2^53 in
//! their one form, strings with the shortest escapes, no floats, no nulls (an absent field is absent), no
//! spaces. What passes here and decodes as its event writes back to the same bytes; several times
//! cheaper than writing it.

/// 2^53, of which the digits are compared.
const INTEGER_MAX: i64 = proto_events::amounts::INTEGER_MAX;
/// Deeper than any payload: a catalog has 5.
const DEPTH_MAX: usize = 32;

pub fn is_canonical(text: &str) -> bool {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    text.starts_with('{') && scan.value(0).is_some() && scan.at == scan.bytes.len()
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(drop),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            _ => self.integer(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        let mut before: Option<&[u8]> = None;
        loop {
            let key = self.string()?;
            // ASCII without escapes: then the order of bytes is that of UTF-16.
            if !key.is_ascii() || key.contains(&b'\\') || before.is_some_and(|b| b >= key) {
                return None;
            }
            before = Some(key);
            self.take(b':')?;
            self.value(depth + 1)?;
            match self.take(b',') {
                Some(()) => {}
                None => return self.take(b'}'),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.take(b'[')?;
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            self.value(depth + 1)?;
            match self.take(b',') {
                Some(()) => {}
                None => return self.take(b']'),
            }
        }
    }

    /// Between its quotes, as written.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let begin = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.escape()?,
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
        let inside = &self.bytes[begin..self.at];
        self.at += 1;
        Some(inside)
    }

    /// Only what must be escaped is, and in its shortest form.
    fn escape(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at + 1..];
        match rest.first()? {
            b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r' => self.at += 2,
            b'u' => {
                let code = match rest.get(1..5)? {
                    [b'0', b'0', tens @ (b'0' | b'1'), ones @ (b'0'..=b'9' | b'a'..=b'f')] => {
                        (tens - b'0') * 16 + if *ones < b'a' { ones - b'0' } else { ones - b'a' + 10 }
                    }
                    _ => return None,
                };
                // These have a short form.
                if matches!(code, 8 | 9 | 10 | 12 | 13) {
                    return None;
                }
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    fn integer(&mut self) -> Option<()> {
        let negative = self.take(b'-').is_some();
        let begin = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = &self.bytes[begin..self.at];
        let one_form = match digits {
            [] => false,
            [b'0'] => !negative,
            [b'0', ..] => false,
            _ => digits.len() <= 16,
        };
        let value =
            digits.iter().fold(0i64, |sum, d| sum.saturating_mul(10).saturating_add(i64::from(d - b'0')));
        (one_form && value <= INTEGER_MAX).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proto_events::canonical::to_canonical_json;
    use serde_json::{Value, json};

    #[test]
    fn one_form_of_each_value_passes() {
        for good in [
            "{}",
            r#"{"a":1,"b":[],"c":{"d":[true,false,-5,0,9007199254740991]}}"#,
            r#"{"a":"é € 😀 \u0001 \t\n\"\\/"}"#,
        ] {
            assert!(is_canonical(good), "{good}");
        }
        for bad in [
            "",
            "[]",
            "1",
            "{",
            "{}x",
            " {}",
            r#"{"a": 1}"#,
            r#"{"b":1,"a":1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":null}"#,
            r#"{"a":1.0}"#,
            r#"{"a":01}"#,
            r#"{"a":-0}"#,
            r#"{"a":1e3}"#,
            r#"{"a":+1}"#,
            r#"{"a":-}"#,
            r#"{"a":9007199254740993}"#,
            r#"{"a":99999999999999999999}"#,
            r#"{"a":"\/"}"#,
            r#"{"a":"\u0009"}"#,
            r#"{"a":"\u0041"}"#,
            r#"{"a":"\u001F"}"#,
            "{\"a\":\"\t\"}",
            r#"{"é":1}"#,
            r#"{"a":1,}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":"x}"#,
            r#"{"a":tru}"#,
            r#"{"a"}"#,
        ] {
            assert!(!is_canonical(bad), "{bad}");
        }
        assert!(!is_canonical(&format!("{{\"a\":{}", "[".repeat(100_000))));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (-INTEGER_MAX..=INTEGER_MAX).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z_A-Z0-9]{0,6}", inner, 0..6).prop_map(|m| json!(m)),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_passes_and_what_passes_is_what_is_written(value in values(), at in any::<prop::sample::Index>(), to in 0x20u8..0x7f) {
            let text = to_canonical_json(&json!({ "x": value })).unwrap();
            prop_assert!(is_canonical(&text), "{}", text);
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            if bytes[at].is_ascii() {
                bytes[at] = to;
                let changed = String::from_utf8(bytes).unwrap();
                if is_canonical(&changed) {
                    let again: Value = serde_json::from_str(&changed).unwrap();
                    prop_assert_eq!(to_canonical_json(&again).unwrap(), changed);
                }
            }
        }
    }
}
