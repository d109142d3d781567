//! Where an export goes: the standard output, or a file that appears when it is whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, Stdout, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

pub enum Output {
    Standard(BufWriter<Stdout>),
    File { file: BufWriter<File>, beside: PathBuf, place: PathBuf, whole: bool },
}

impl Output {
    /// # Errors
    /// The file can't be made.
    pub fn open(place: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(place) = place else { return Ok(Self::Standard(BufWriter::new(io::stdout()))) };
        let name = place.file_name().with_context(|| format!("{} is no name of a file", place.display()))?;
        let beside = place.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
        let made =
            File::create(&beside).with_context(|| format!("can't write beside {}", place.display()))?;
        Ok(Self::File { file: BufWriter::new(made), beside, place, whole: false })
    }

    /// The file, for forms that need to go back in it.
    pub fn seekable(&mut self) -> Option<&mut (impl Write + Seek + Send + use<>)> {
        match self {
            Self::Standard(_) => None,
            Self::File { file, .. } => Some(file),
        }
    }

    /// Puts the whole file in its place.
    ///
    /// # Errors
    /// The disk is full, or the place can't be written.
    pub fn finish(mut self) -> anyhow::Result<()> {
        match &mut self {
            Self::Standard(out) => out.flush().context("the output was closed"),
            Self::File { file, beside, place, whole } => {
                file.flush().with_context(|| format!("{} can't be written", beside.display()))?;
                file.get_ref()
                    .sync_all()
                    .with_context(|| format!("{} can't be written", beside.display()))?;
                fs::rename(&*beside, &*place).with_context(|| format!("can't write {}", place.display()))?;
                *whole = true;
                // The rename itself; a directory that can't be opened keeps it all the same.
                let dir = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
                File::open(dir).and_then(|dir| dir.sync_all()).or(Ok(()))
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(out) => out.write(bytes),
            Self::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::File { file, .. } => file.flush(),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Self::File { beside, whole: false, .. } = self {
            // Nobody wants half an export.
            let _ = fs::remove_file(beside);
        }
    }
}
