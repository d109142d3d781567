//! Is a key, or this place, good again? ListModels costs nothing.

use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout};

use super::{Gemini, Ready};

const TIMEOUT: Duration = Duration::from_secs(10);

impl Gemini {
    /// Does Google take any of the keys, from here?
    pub fn has_good_key(&self) -> bool {
        // Of no model: quotas are of models.
        self.ready("") != Ready::NoGoodKey
    }

    /// Has it taken one since the start? Before anything was asked, a good key is only one that was not refused yet.
    pub fn is_proven(&self) -> bool {
        self.keys.is_proven()
    }

    /// Asks for each key that was refused and whose time has come; does nothing while none was. To be
    /// called again and again, every second or so: it has its own pace.
    pub async fn probe(&self) {
        for key in self.keys.to_probe(Instant::now()) {
            let Some(secret) = self.keys.secret(key) else { continue };
            let url = format!("{}/v1beta/models?pageSize=1", self.base);
            let asking = self.http.get(url).header("x-goog-api-key", secret.expose_secret()).send();
            match timeout(TIMEOUT, asking).await.map(|asked| asked.map(|response| response.status().as_u16()))
            {
                // A quota is of a key that is good.
                Ok(Ok(200 | 429)) => {
                    tracing::info!(key = key + 1, "Gemini takes a key again");
                    self.keys.good(key);
                }
                Ok(Ok(status)) => tracing::warn!(key = key + 1, status, "a key is still refused"),
                Ok(Err(_)) | Err(_) => tracing::warn!(key = key + 1, "a key could not be probed"),
            }
        }
    }
}
