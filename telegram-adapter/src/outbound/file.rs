//! Files that people sent, as Telegram gives them to bots.

use reqwest::{StatusCode, Url};
use serde_json::Value;
use teloxide::payloads::GetFile;

use super::error::from_network;
use super::{Error, InDoubt, Telegram};
use crate::flood::Traffic;

/// Where Telegram has a file for the next hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlace {
    pub path: String,
    /// If Telegram says it.
    pub bytes: Option<u64>,
}

impl FilePlace {
    fn read(file: &Value) -> Option<Self> {
        let path = file["file_path"].as_str().filter(|path| !path.is_empty())?;
        Some(Self { path: path.to_owned(), bytes: file["file_size"].as_u64() })
    }
}

impl Telegram {
    /// # Errors
    /// See [`Error`].
    pub async fn file(&self, file_id: &str) -> Result<FilePlace, Error> {
        let asked = GetFile::new(file_id.to_owned().into());
        let file = self.call(&self.calls, Traffic::Free, InDoubt::Repeat, asked).await?;
        FilePlace::read(&file).ok_or_else(|| Error::Refused("Telegram names no path of the file".to_owned()))
    }

    /// The bytes, if there are no more of them than this.
    ///
    /// # Errors
    /// See [`Error`]. A redirect is not followed: the token is in the path.
    pub async fn download(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Error> {
        let url = self.file_url(path).ok_or_else(|| Error::Refused("no address of a file".to_owned()))?;
        let answer = self.uploads.client().get(url).send().await;
        let outcome = answer.as_ref().map_or("in_doubt", |answer| label(answer.status()));
        metrics::counter!("telegram_calls_total", "method" => "download", "outcome" => outcome).increment(1);
        let mut answer = answer.map_err(|error| from_network(&error))?;
        match answer.status() {
            StatusCode::OK => {}
            status @ (StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::GONE) => {
                return Err(Error::Refused(format!("the file is not there: {status}")));
            }
            status => return Err(Error::InDoubt(format!("the file is not given: {status}"))),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| from_network(&error))? {
            if bytes.len() + chunk.len() > bytes_max {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }

    /// `<api>/file/bot<token>/<path>`. Each part is escaped, so that no path leads elsewhere.
    fn file_url(&self, path: &str) -> Option<Url> {
        let mut url = self.uploads.api_url();
        // The token of a bot on Telegram's test servers ends with `/test`.
        let token = format!("bot{}", self.uploads.token());
        let parts = token.split('/').chain(path.split('/'));
        url.path_segments_mut().ok()?.pop_if_empty().push("file").extend(parts);
        Some(url)
    }
}

fn label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200 => "ok",
        400..=499 => "refused",
        _ => "in_doubt",
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::super::Options;
    use super::*;

    #[test]
    fn a_path_stays_below_the_bots_files_whatever_it_says() {
        let url = |token: &str, path: &str| {
            let api = "https://telegram.example/prefix/".parse().unwrap();
            let telegram = Telegram::new(&SecretString::from(token), &api, &Options::default()).unwrap();
            telegram.file_url(path).unwrap().to_string()
        };
        let base = "https://telegram.example/prefix/file/bot1:A";
        assert_eq!(url("1:A", "photos/file_0.jpg"), format!("{base}/photos/file_0.jpg"));
        assert_eq!(url("1:A/test", "photos/file_0.jpg"), format!("{base}/test/photos/file_0.jpg"));
        for bad in ["../../x", "a?b#c", "//evil.example/x", "a%2f..%2fb", "..\\x"] {
            let found = url("1:A", bad);
            assert!(found.starts_with(&format!("{base}/")), "{bad}: {found}");
            assert!(
                !found.contains("/../") && !found.contains('?') && !found.contains('#'),
                "{bad}: {found}"
            );
        }
    }

    #[test]
    fn a_file_without_a_path_is_none() {
        let file = serde_json::json!({"file_path": "photos/1.jpg", "file_size": 7, "new": [1]});
        assert_eq!(
            FilePlace::read(&file),
            Some(FilePlace { path: "photos/1.jpg".to_owned(), bytes: Some(7) })
        );
        assert_eq!(FilePlace::read(&serde_json::json!({"file_path": ""})), None);
    }
}
