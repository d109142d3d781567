//! The few HTTP calls `cargo xtask` makes, to services of its own on loopback.
//!
//! HTTP/1.0 over a plain socket: the answer ends where the connection ends, so there is nothing to parse
//! beyond the head. A full client would bring an async runtime and TLS into the first thing that is compiled.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// Largest answer taken: the sandbox's books after a long day, or a 4K picture.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, if the status is a success.
    pub fn json(&self) -> Result<serde_json::Value> {
        if !(200..300).contains(&self.status) {
            bail!("answered {} {}", self.status, shorten(&self.text()));
        }
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {}", shorten(&self.text())))
    }
}

pub fn get(port: u16, path: &str, timeout: Duration) -> Result<Answer> {
    call(port, "GET", path, None, timeout)
}

pub fn post(port: u16, path: &str, json: Option<&serde_json::Value>, timeout: Duration) -> Result<Answer> {
    call(port, "POST", path, json, timeout)
}

fn call(
    port: u16,
    method: &str,
    path: &str,
    json: Option<&serde_json::Value>,
    timeout: Duration,
) -> Result<Answer> {
    (|| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        let body = json.map(ToString::to_string).unwrap_or_default();
        let kind = if json.is_some() { "Content-Type: application/json\r\n" } else { "" };
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{kind}Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
        parse(&answer)
    })()
    .with_context(|| format!("{method} http://127.0.0.1:{port}{path}"))
}

fn parse(answer: &[u8]) -> Result<Answer> {
    let end =
        answer.windows(4).position(|w| w == b"\r\n\r\n").context("the answer has no end of its head")?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).context("the answer has no status")?;
    let body = answer[end + 4..].to_vec();
    let announced = head
        .lines()
        .filter_map(|l| l.split_once(':'))
        .find(|(n, _)| n.eq_ignore_ascii_case("content-length"));
    if let Some((_, length)) = announced
        && length.trim().parse() != Ok(body.len())
    {
        bail!("the answer was cut off: {} of {} bytes", body.len(), length.trim());
    }
    Ok(Answer { status, body })
}

fn shorten(text: &str) -> String {
    let line: String = text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect();
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_status_and_body() {
        let answer = parse(b"HTTP/1.0 404 Not Found\r\nx: y\r\n\r\nno").unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (404, "no"));
        assert!(answer.json().unwrap_err().to_string().contains("404"));
    }

    #[test]
    fn notices_a_cut_answer() {
        let error = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc").unwrap_err();
        assert!(error.to_string().contains("3 of 5"));
    }
}
