//! Bytes of files, by their SHA-256: in memory up to a bound, or in a folder beside the state file.

use std::{
    collections::{HashMap, VecDeque},
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Pictures of a long test run fit; a forgotten sandbox does not eat the machine.
const MEMORY_BYTES_MAX: usize = 512 * 1024 * 1024;

pub(crate) struct Blobs {
    folder: Option<PathBuf>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    bytes: HashMap<String, Bytes>,
    order: VecDeque<String>,
    total: usize,
}

impl Blobs {
    pub(crate) fn open(folder: Option<PathBuf>) -> io::Result<Self> {
        if let Some(folder) = &folder {
            fs::create_dir_all(folder)?;
        }
        Ok(Self { folder, memory: Mutex::default() })
    }

    /// Keeps the bytes and answers with their SHA-256 in hex.
    pub(crate) fn put(&self, bytes: &Bytes) -> String {
        let hash = sha256_hex(bytes);
        if let Some(folder) = &self.folder {
            match write_new(folder, &hash, bytes) {
                Ok(()) => return hash,
                Err(error) => tracing::warn!(%error, %hash, "a file stays in memory only"),
            }
        }
        let mut memory = self.lock();
        if memory.bytes.insert(hash.clone(), bytes.clone()).is_none() {
            memory.order.push_back(hash.clone());
            memory.total += bytes.len();
        }
        while memory.total > MEMORY_BYTES_MAX && memory.order.len() > 1 {
            if let Some(gone) = memory.order.pop_front().and_then(|oldest| memory.bytes.remove(&oldest)) {
                memory.total -= gone.len();
            }
        }
        hash
    }

    pub(crate) fn get(&self, hash: &str) -> Option<Bytes> {
        if let Some(bytes) = self.lock().bytes.get(hash) {
            return Some(bytes.clone());
        }
        fs::read(self.folder.as_ref()?.join(hash)).ok().map(Bytes::from)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_new(folder: &Path, hash: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(hash);
    if path.exists() {
        return Ok(());
    }
    let partial = folder.join(format!("{hash}.{}", uuid::Uuid::new_v4().simple()));
    fs::write(&partial, bytes)?;
    fs::rename(partial, path)
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
