//! A Python of our own with a vendor's official packages in it, pinned.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::machine::paths;

/// A virtual environment in the data folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kit {
    pub(super) folder: &'static str,
    /// With their versions; the first one is the SDK.
    pub(super) packages: &'static [&'static str],
    /// What must be there besides.
    pub(super) imports: &'static str,
}

impl Kit {
    pub(super) fn sdk(&self) -> &'static str {
        self.packages.first().copied().unwrap_or_default()
    }

    /// The interpreter; made once in the data folder and found there afterwards.
    pub(super) fn python(&self) -> Result<PathBuf> {
        let data = paths::data_dir()?;
        let venv = data.join(self.folder);
        let python = venv.join("bin/python3");
        if self.is_ready(&python) {
            return Ok(python);
        }
        let _lock = paths::lock(&data.join("install.lock"))?;
        // Another process may have made it while we waited.
        if self.is_ready(&python) {
            return Ok(python);
        }
        let packages = self.packages.join(" ");
        #[allow(clippy::print_stderr)]
        {
            eprintln!("{packages} is not here: installing it into {}", venv.display());
        }
        // A half-made one is no use.
        let _ = std::fs::remove_dir_all(&venv);
        let why = "Python 3 with venv and pip is needed: apt-get install python3-venv";
        quietly(Command::new("python3").args(["-m", "venv"]).arg(&venv)).context(why)?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--quiet"]).args(self.packages);
        quietly(&mut pip).with_context(|| format!("{packages} could not be installed"))?;
        if !self.is_ready(&python) {
            bail!(
                "the Python in {} does not have {packages}; delete the folder and try again",
                venv.display()
            );
        }
        Ok(python)
    }

    fn is_ready(&self, python: &Path) -> bool {
        let probed = Command::new(python).args(["-c", &self.probe()]).stdin(Stdio::null()).output();
        probed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == self.packages.join(" "))
    }

    /// Says the packages with their versions, if their parts are there.
    fn probe(&self) -> String {
        let names = self.packages.iter().map(|package| package.split("==").next().unwrap_or_default());
        let said: Vec<String> = names.map(|name| format!("'{name}==' + m.version('{name}')")).collect();
        format!("import importlib.metadata as m, {}; print({})", self.imports, said.join(", "))
    }
}

fn quietly(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let ran = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {program}"))?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr).into_owned() + &String::from_utf8_lossy(&ran.stdout);
        bail!("{}", said.trim());
    }
    Ok(())
}
