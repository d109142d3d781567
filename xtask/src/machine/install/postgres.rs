//! Postgres' programs: found, or installed with apt where we may.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow, bail};

use super::{apt_install, apt_update, asked_version, can_apt, is_root, run, say};
use crate::machine::paths;

/// The oldest major version the ledger's SQL is written for.
pub const MAJOR_MIN: u32 = 15;

/// Majors to install, the best known first.
const PACKAGED: [u32; 4] = [17, 16, 15, 18];

/// The folder with `initdb`, `postgres` and `psql` of one version.
#[derive(Debug, Clone)]
pub struct PostgresPrograms {
    pub bin: PathBuf,
    pub major: u32,
}

impl PostgresPrograms {
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// Postgres ≥ 15; exactly `major` if one is given, since a data folder is read by its own major only.
pub fn find_or_install(major: Option<u32>) -> Result<PostgresPrograms> {
    if let Some(found) = find(major) {
        return Ok(found);
    }
    let _lock = paths::lock(&paths::data_dir()?.join("install.lock"))?;
    // Another process may have installed it while we waited.
    if let Some(found) = find(major) {
        return Ok(found);
    }
    if !can_apt() {
        bail!("{}", what_to_install(major));
    }
    install(major)?;
    find(major).ok_or_else(|| {
        anyhow!("apt-get installed Postgres, but no usable one is found\n{}", what_to_install(major))
    })
}

fn find(major: Option<u32>) -> Option<PostgresPrograms> {
    let mut found: Vec<PostgresPrograms> = folders().iter().filter_map(|bin| usable(bin)).collect();
    match major {
        Some(major) => found.retain(|p| p.major == major),
        None => found.retain(|p| p.major >= MAJOR_MIN),
    }
    found.into_iter().next()
}

/// PATH first, then where distributions put versions side by side, the highest first.
fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        paths::in_path("postgres").iter().filter_map(|file| Some(file.parent()?.to_path_buf())).collect();
    let places = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt", "/usr"];
    let mut versioned: Vec<(Vec<u32>, PathBuf)> = Vec::new();
    for place in places {
        for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let number = name.trim_start_matches(|c: char| !c.is_ascii_digit());
            let named_so = place.ends_with("postgresql")
                || name.starts_with("postgresql@")
                || name.starts_with("pgsql-");
            if let (true, Some(version)) = (named_so, super::version(number)) {
                versioned.push((version, entry.path().join("bin")));
            }
        }
    }
    versioned.sort_by(|a, b| b.0.cmp(&a.0));
    folders.extend(versioned.into_iter().map(|(_, bin)| bin));
    folders
}

fn usable(bin: &Path) -> Option<PostgresPrograms> {
    let all = ["postgres", "initdb", "psql"].iter().all(|name| paths::is_executable(&bin.join(name)));
    let major = all.then(|| asked_version(&bin.join("postgres")))?.and_then(|v| v.first().copied())?;
    Some(PostgresPrograms { bin: bin.to_path_buf(), major })
}

fn install(major: Option<u32>) -> Result<()> {
    say("Postgres is not here: installing it with apt-get (this takes a minute)");
    apt_update().context("apt-get cannot read the package lists")?;
    let majors = major.map_or_else(|| PACKAGED.to_vec(), |m| vec![m]);
    let package = majors.iter().map(|m| format!("postgresql-{m}")).find(|p| is_packaged(p));
    let package = package.ok_or_else(|| anyhow!("{}", what_to_install(major)))?;
    apt_install(&["postgresql-common"])?;
    // Debian's package makes and starts a cluster on 5432 unless told not to. Ours are private, so tell it,
    // for this one installation only.
    let _quiet = NoMainCluster::begin(Path::new("/etc/postgresql-common/createcluster.conf"))?;
    apt_install(&[package.as_str()])
}

fn is_packaged(package: &str) -> bool {
    let known = run(Command::new("apt-cache").args(["show", "--no-all-versions", package]));
    known.is_ok_and(|text| text.contains("Version:"))
}

/// While it lives, installing a Postgres package creates no cluster; then the file is as it was.
struct NoMainCluster<'a> {
    file: &'a Path,
    before: Vec<u8>,
}

impl<'a> NoMainCluster<'a> {
    fn begin(file: &'a Path) -> Result<Self> {
        let before = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let during = [before.as_slice(), b"\ncreate_main_cluster = false\n"].concat();
        std::fs::write(file, during).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self { file, before })
    }
}

impl Drop for NoMainCluster<'_> {
    fn drop(&mut self) {
        if let Err(error) = std::fs::write(self.file, &self.before) {
            say(&format!("cannot put {} back as it was: {error}", self.file.display()));
        }
    }
}

fn what_to_install(major: Option<u32>) -> String {
    let wanted = major.map_or_else(|| format!("Postgres {MAJOR_MIN} or newer"), |m| format!("Postgres {m}"));
    let version = major.unwrap_or(MAJOR_MIN);
    let how = if Path::new("/etc/debian_version").exists() {
        let why = if is_root() { "" } else { " (`cargo xtask up` does it itself when it runs as root)" };
        format!("    apt-get update && apt-get install postgresql-{version}   as root{why}")
    } else if cfg!(target_os = "macos") {
        format!("    brew install postgresql@{version}")
    } else {
        format!("    the package postgresql {version} (server and client programs) of your system")
    };
    format!(
        "{wanted} is needed and was not found in PATH or /usr/lib/postgresql/*/bin. Install:\n{how}\n\
         Nothing of an installed server is touched: only its programs initdb, postgres and psql are used."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Scratch;

    #[test]
    fn the_cluster_setting_is_put_back() {
        let scratch = Scratch::new("createcluster").unwrap();
        let file = scratch.path().join("createcluster.conf");
        std::fs::write(&file, "ssl = on\n").unwrap();
        let quiet = NoMainCluster::begin(&file).unwrap();
        assert!(std::fs::read_to_string(&file).unwrap().ends_with("create_main_cluster = false\n"));
        drop(quiet);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "ssl = on\n");
    }

    #[test]
    fn a_missing_major_says_what_to_install() {
        let text = what_to_install(Some(99));
        assert!(text.contains("Postgres 99 is needed") && text.contains("Install:"), "{text}");
    }
}
