//! A disk that can be full: a small file system in memory, with Postgres' data on it.
//!
//! Mounting needs root (or CAP_SYS_ADMIN), as containers of CI often have; where it is refused, the
//! test says so.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use xtask::machine::{PortLease, Postgres, PostgresOptions, Scratch, Signal, lease_port, paths};

pub struct Disk {
    path: PathBuf,
    port: PortLease,
    _scratch: Scratch,
}

impl Disk {
    /// `None`: this user may not mount anything.
    pub fn mount(megabytes: u32) -> Result<Option<Self>> {
        let scratch = Scratch::reachable("disk", None)?;
        let path = scratch.path().join("disk");
        std::fs::create_dir(&path)?;
        // Whoever runs Postgres goes through here.
        open_to_all(scratch.path())?;
        let size = format!("size={megabytes}m,mode=777");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "plantain"]).arg(&path).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            return Ok(None);
        }
        Ok(Some(Self { path, port: lease_port()?, _scratch: scratch }))
    }

    /// A Postgres whose data is here; its log is elsewhere, so that it can complain.
    pub fn postgres(&self, logs: &Path, settings: &[(&str, &str)]) -> Result<Postgres> {
        Postgres::start(PostgresOptions {
            data: self.path.join("data"),
            port: self.port.port(),
            password: paths::random_hex(16)?,
            log: logs.join("postgres.log"),
            fsync: true,
            settings: settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            on_our_death: Signal::SIGQUIT,
        })
    }

    /// Writes until nothing more can be written; how much that was, in kB.
    pub fn fill(&self) -> Result<u64> {
        let mut ballast = std::fs::File::create(self.ballast())?;
        let (mut written, mut piece) = (0, vec![0_u8; 64 * 1024]);
        loop {
            match ballast.write(&piece) {
                Ok(n) if n > 0 => written += n as u64,
                Ok(_) => break,
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    if piece.len() <= 512 {
                        break;
                    }
                    piece.truncate(piece.len() / 2);
                }
                Err(error) => return Err(error).context("the disk can't be filled"),
            }
        }
        Ok(written / 1024)
    }

    /// Room again.
    pub fn free(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: Postgres may still be on its way out.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

fn open_to_all(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).is_err() {
        bail!("cannot open {} to others", path.display());
    }
    Ok(())
}
