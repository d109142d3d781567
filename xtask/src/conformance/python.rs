//! A Python of our own with YooKassa's official SDK in it, pinned.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::machine::paths;

pub(super) const SDK: &str = "yookassa==3.13.0";

/// Says its version, and that its parts are there.
const PROBE: &str =
    "import importlib.metadata as m, yookassa, netaddr; print('yookassa==' + m.version('yookassa'))";

/// The interpreter; made once in the data folder and found there afterwards.
pub(super) fn with_sdk() -> Result<PathBuf> {
    let data = paths::data_dir()?;
    let venv = data.join("python-yookassa");
    let python = venv.join("bin/python3");
    if is_ready(&python) {
        return Ok(python);
    }
    let _lock = paths::lock(&data.join("install.lock"))?;
    // Another process may have made it while we waited.
    if is_ready(&python) {
        return Ok(python);
    }
    #[allow(clippy::print_stderr)]
    {
        eprintln!("{SDK} is not here: installing it into {}", venv.display());
    }
    // A half-made one is no use.
    let _ = std::fs::remove_dir_all(&venv);
    let why = "Python 3 with venv and pip is needed: apt-get install python3-venv";
    quietly(Command::new("python3").args(["-m", "venv"]).arg(&venv)).context(why)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--quiet", SDK]);
    quietly(&mut pip).with_context(|| format!("{SDK} could not be installed"))?;
    if !is_ready(&python) {
        bail!("the Python in {} does not have {SDK}; delete the folder and try again", venv.display());
    }
    Ok(python)
}

fn is_ready(python: &Path) -> bool {
    let probed = Command::new(python).args(["-c", PROBE]).stdin(Stdio::null()).output();
    probed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == SDK)
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
