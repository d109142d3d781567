//! Where an export goes: the standard output, a file that appears when it is whole, or a device or pipe that is
//! there and stays what it is.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::cli::out::Standard;

pub enum Output {
    Standard(BufWriter<Standard>),
    Straight(BufWriter<File>),
    File { file: BufWriter<File>, beside: PathBuf, place: PathBuf, whole: bool },
}

impl Output {
    /// # Errors
    /// The file can't be made.
    pub fn open(place: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(place) = place else { return Ok(Self::Standard(BufWriter::new(Standard::open()))) };
        // Where a link leads to; nothing there yet is fine.
        let place = fs::canonicalize(&place).unwrap_or(place);
        if fs::metadata(&place).is_ok_and(|there| !there.is_file()) {
            let there = File::options().write(true).open(&place);
            let there = there.with_context(|| format!("can't write to {}", place.display()))?;
            return Ok(Self::Straight(BufWriter::new(there)));
        }
        let name = place.file_name().with_context(|| format!("{} is no name of a file", place.display()))?;
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.exists()) {
            bail!("there is no folder {}", folder.display());
        }
        let beside = place.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
        let made = File::create(&beside)
            .with_context(|| format!("can't write into the folder of {}", place.display()))?;
        Ok(Self::File { file: BufWriter::new(made), beside, place, whole: false })
    }

    /// The file, for forms that need to go back in it.
    pub fn seekable(&mut self) -> Option<&mut (impl Write + Seek + Send + use<>)> {
        match self {
            Self::Standard(_) | Self::Straight(_) => None,
            Self::File { file, .. } => Some(file),
        }
    }

    /// Puts the whole file in its place.
    ///
    /// # Errors
    /// The disk is full, or the place can't be written.
    pub fn finish(mut self) -> anyhow::Result<()> {
        match &mut self {
            Self::Standard(out) => out.flush().context("the output can't be written"),
            Self::Straight(out) => out.flush().context("the output can't be written"),
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
            Self::Straight(out) => out.write(bytes),
            Self::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::Straight(out) => out.flush(),
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, symlink};

    use super::*;

    fn written(place: &Path) {
        let mut output = Output::open(Some(place.to_owned())).unwrap();
        output.write_all(b"whole\n").unwrap();
        output.finish().unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let refused = Output::open(Some("/nonexistent/x.csv".into())).err().unwrap();
        assert_eq!(format!("{refused:#}"), "there is no folder /nonexistent");
    }

    #[test]
    fn links_and_pipes_stay_what_they_are() {
        let dir = std::env::temp_dir().join(format!("plantain-output-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&dir).unwrap();
        let (file, link, pipe) = (dir.join("file"), dir.join("link"), dir.join("pipe"));
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        written(&link);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "whole\n");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe).unwrap()
        });
        written(&pipe);
        assert_eq!(reader.join().unwrap(), "whole\n");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        fs::remove_dir_all(&dir).unwrap();
    }
}
