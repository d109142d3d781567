//! `--state FILE`: the sandbox's state as one JSON file, replaced atomically, at most once per
//! [`SAVE_EVERY`] and at shutdown. File bytes lie beside it in `FILE.blobs/`, each written once.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::world::{State, World};

const SAVE_EVERY: Duration = Duration::from_millis(500);
/// Saving takes at most a tenth of the time.
const REST_FACTOR: u32 = 9;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("it can't be read or written")]
    Io(#[source] io::Error),
    #[error("it is not a sandbox's state")]
    Shape(#[source] serde_json::Error),
}

pub(crate) fn blob_folder(file: &Path) -> PathBuf {
    beside(file, ".blobs")
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    PathBuf::from(name)
}

pub(crate) fn load(file: Option<&Path>) -> Result<State, Error> {
    let Some(file) = file else { return Ok(State::default()) };
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(Error::Shape),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::default()),
        Err(error) => Err(Error::Io(error)),
    }
}

/// Saves after changes until `ended`, and once more then: it is cancelled when nobody is answered any more, or what was
/// answered for last would be forgotten.
pub(crate) async fn run(world: Arc<World>, ended: CancellationToken) {
    let Some(file) = world.options.state_file.clone() else { return };
    let mut changes = world.changes();
    loop {
        let ending = tokio::select! {
            () = ended.cancelled() => true,
            changed = changes.changed() => changed.is_err(),
        };
        let begun = Instant::now();
        save_logged(&world, &file).await;
        if ending {
            return;
        }
        // Big books take longer to write; then they are written more seldom.
        let pause = SAVE_EVERY.max(begun.elapsed() * REST_FACTOR);
        tokio::select! {
            () = ended.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn save_logged(world: &Arc<World>, file: &Path) {
    let clock_ms = world.clock.now_ms();
    // Not `change`: saving is not a change worth saving.
    let bytes = world.read(|state| {
        let mut value = serde_json::to_value(state)?;
        value["clock_ms"] = clock_ms.into();
        serde_json::to_vec(&value)
    });
    let file = file.to_owned();
    let saved = tokio::task::spawn_blocking(move || replace(&file, &bytes.map_err(io::Error::other)?)).await;
    if let Err(error) = saved.map_err(io::Error::other).and_then(|result| result) {
        tracing::error!(%error, "the state could not be saved");
    }
}

fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let partial = beside(file, ".partial");
    let mut out = File::create(&partial)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    fs::rename(partial, file)
}
