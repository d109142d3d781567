//! Checkpoints outside the database: a folder with an append-only file of all, and the newest alone.
//!
//! `checkpoints.txt`: notes, each followed by a blank line; `latest.txt`: the last note, replaced
//! atomically. Both are synced before a checkpoint counts as kept. A note cut short by a crash is cut off
//! before the next one.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::checkpoint::notes_in;

pub const HISTORY: &str = "checkpoints.txt";
const LATEST: &str = "latest.txt";
/// From the end of the file: room for the last notes, each about 350 bytes.
const TAIL_BYTES: u64 = 64 * 1024;

#[derive(Debug, Clone)]
pub struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    /// # Errors
    /// The folder can't be made or written to.
    pub fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let shelf = Self { dir: dir.to_owned() };
        shelf.history(true)?;
        Ok(shelf)
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn history(&self, write: bool) -> io::Result<File> {
        OpenOptions::new().read(true).write(write).create(write).truncate(false).open(self.dir.join(HISTORY))
    }

    /// The last whole notes, oldest first; enough of them to know the newest of each late incarnation.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn last_notes(&self) -> io::Result<Vec<String>> {
        Ok(last_whole(&mut self.history(false)?)?.0)
    }

    /// Keeps a note, durably when it returns.
    ///
    /// # Errors
    /// The disk is full or gone; nothing or a part of the note is written, and cut off by the next.
    pub fn keep(&self, note: &str) -> io::Result<()> {
        let mut file = self.history(true)?;
        let (_, end) = last_whole(&mut file)?;
        if end < file.metadata()?.len() {
            file.set_len(end)?;
        }
        file.seek(SeekFrom::Start(end))?;
        file.write_all(format!("{note}\n").as_bytes())?;
        file.sync_data()?;
        let fresh = self.dir.join(".latest.new");
        let mut latest = File::create(&fresh)?;
        latest.write_all(note.as_bytes())?;
        latest.sync_data()?;
        std::fs::rename(&fresh, self.dir.join(LATEST))?;
        File::open(&self.dir)?.sync_all()
    }
}

/// The last whole notes, and where they end.
fn last_whole(file: &mut File) -> io::Result<(Vec<String>, u64)> {
    let length = file.metadata()?.len();
    let mut begin = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    // The window may begin inside a letter or a note: it is read from behind a signature on.
    let skipped = if begin > 0 { bytes.iter().take_while(|b| !b.is_ascii()).count() } else { 0 };
    let valid = match std::str::from_utf8(&bytes[skipped..]) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[skipped..skipped + error.valid_up_to()]).unwrap_or_default(),
    };
    let text = if begin > 0 { after_a_note(valid) } else { valid };
    begin += (skipped + valid.len() - text.len()) as u64;
    let (notes, end) = notes_in(text);
    Ok((notes.into_iter().map(str::to_owned).collect(), begin + end as u64))
}

/// What follows the first signature line in a piece of the file.
fn after_a_note(text: &str) -> &str {
    let signature = text.find("\n\u{2014} ");
    let end = signature.and_then(|at| text[at..].find("\n\n").map(|end| at + end + 2));
    end.map_or("", |end| &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(n: usize) -> String {
        format!("plantain/test\n{n}\n{}\n\n\u{2014} plantain/test AAAAAAAA{n:04}\n", "r".repeat(350))
    }

    fn shelf(name: &str) -> Shelf {
        let dir = std::env::temp_dir().join(format!("plantain-shelf-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Shelf::open(&dir).unwrap()
    }

    #[test]
    fn notes_are_kept_in_order_and_the_newest_alone() {
        let shelf = shelf("order");
        assert!(shelf.last_notes().unwrap().is_empty());
        // More than the window that is read.
        for n in 0..250 {
            shelf.keep(&note(n)).unwrap();
        }
        let last = shelf.last_notes().unwrap();
        assert!(last.len() > 100 && last.len() < 250, "{}", last.len());
        assert!(last.iter().rev().zip((0..250).rev()).all(|(found, n)| *found == note(n)));
        assert_eq!(std::fs::read_to_string(shelf.dir().join(LATEST)).unwrap(), note(249));
        let all = std::fs::read_to_string(shelf.dir().join(HISTORY)).unwrap();
        assert_eq!(notes_in(&all).0.len(), 250);
        std::fs::remove_dir_all(shelf.dir()).unwrap();
    }

    #[test]
    fn a_note_cut_short_by_a_crash_is_cut_off_by_the_next() {
        let shelf = shelf("cut");
        let (file, whole) = (shelf.dir().join(HISTORY), format!("{}\n", note(1)));
        for cut in (1..=whole.len()).step_by(7) {
            let torn = [whole.as_bytes(), &note(2).as_bytes()[..cut.min(note(2).len())]].concat();
            std::fs::write(&file, torn).unwrap();
            assert_eq!(shelf.last_notes().unwrap(), [note(1)], "cut {cut}");
            shelf.keep(&note(3)).unwrap();
            assert_eq!(shelf.last_notes().unwrap(), [note(1), note(3)], "cut {cut}");
        }
        std::fs::remove_dir_all(shelf.dir()).unwrap();
    }
}
