//! Long strings of an answer: base64 of pictures, signatures. Answers share them, so they are not copied
//! into the JSON but go out between its pieces.

use bytes::Bytes;
use serde_json::Value;

/// A piece of an answer's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) bytes: Bytes,
    /// One of the long strings, or JSON around them.
    pub(crate) long: bool,
}

/// The strings of one answer.
#[derive(Debug)]
pub(crate) struct Longs {
    /// Stands in the JSON, with a number after it, where a string belongs. Nobody else knows it.
    mark: String,
    all: Vec<Bytes>,
}

impl Longs {
    pub(crate) fn new() -> Self {
        Self { mark: format!("long-{}-", uuid::Uuid::new_v4().simple()), all: Vec::new() }
    }

    /// What stands for this string in a [`Value`]. It needs no escaping, and may be a part of a string.
    pub(crate) fn put(&mut self, text: Bytes) -> String {
        self.all.push(text);
        format!("{}{:04}", self.mark, self.all.len() - 1)
    }

    /// The JSON, in pieces.
    pub(crate) fn pieces(&self, value: &Value) -> Vec<Piece> {
        let json = value.to_string();
        let mut places: Vec<(usize, &Bytes)> = Vec::new();
        for (at, _) in json.match_indices(&self.mark) {
            let number = at + self.mark.len();
            let long =
                json.get(number..number + 4).and_then(|number| self.all.get(number.parse::<usize>().ok()?));
            places.extend(long.map(|long| (at, long)));
        }
        let (json, mut from) = (Bytes::from(json), 0);
        let mut pieces = Vec::with_capacity(places.len() * 2 + 1);
        for (at, long) in places {
            pieces.push(Piece { bytes: json.slice(from..at), long: false });
            pieces.push(Piece { bytes: long.clone(), long: true });
            from = at + self.mark.len() + 4;
        }
        pieces.push(Piece { bytes: json.slice(from..), long: false });
        pieces
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_come_out_where_they_were_put() {
        let mut longs = Longs::new();
        let (a, b) = (longs.put("AAAA".into()), longs.put("BB".into()));
        let pieces = longs.pieces(&json!({"x": [a, format!("head{b}")], "y": 1}));
        let whole: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
        assert_eq!(String::from_utf8(whole).unwrap(), r#"{"x":["AAAA","headBB"],"y":1}"#);
        assert_eq!(
            pieces.iter().map(|piece| piece.long).collect::<Vec<_>>(),
            [false, true, false, true, false]
        );
    }
}
