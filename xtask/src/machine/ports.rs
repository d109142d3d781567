//! Ports on loopback: leases for tests, and who holds a port that is taken.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};

use super::paths;

/// Leased ports lie below the range from which systems give ports to outgoing connections (32768 and up),
/// so that a server can come back on its port.
const LEASED: std::ops::Range<u16> = 20_000..30_000;

/// A port that no other holder of a lease gets until this is dropped, also while nothing listens on it.
#[derive(Debug)]
pub struct PortLease {
    port: u16,
    _lock: File,
}

impl PortLease {
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A free port, for as long as the lease lives.
pub fn lease_port() -> Result<PortLease> {
    // A lock file per port, kept: removing a lock file lets two hold "the same" one.
    let user = nix::unistd::geteuid();
    let dir: PathBuf = std::env::temp_dir().join(format!("plantain-ports-{user}"));
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let count = LEASED.end - LEASED.start;
    let first = u16::from_str_radix(&paths::random_hex(2)?, 16)? % count;
    for step in 0..count {
        let port = LEASED.start + (first + step) % count;
        let lock = paths::open_lock(&dir.join(port.to_string()))?;
        if lock.try_lock().is_ok() && is_free(port) {
            return Ok(PortLease { port, _lock: lock });
        }
    }
    bail!("no free port between {} and {}", LEASED.start, LEASED.end)
}

pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The process that listens on a port, in words.
pub fn holder(port: u16) -> String {
    let inodes = listening_inodes(port);
    let Some((pid, command)) = inodes.iter().find_map(|inode| owner_of_socket(inode)) else {
        return "a process that cannot be seen from here (`ss -ltnp` as root shows it)".to_owned();
    };
    format!("{command} (pid {pid})")
}

/// Inodes of the sockets that listen on `port`, from the kernel's tables.
fn listening_inodes(port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|t| std::fs::read_to_string(t).unwrap_or_default());
    let suffix = format!(":{port:04X}");
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    rows.filter_map(|row| {
        let fields: Vec<&str> = row.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        (local.ends_with(&suffix) && *state == LISTEN).then(|| (*inode).to_owned())
    })
    .collect()
}

fn owner_of_socket(inode: &str) -> Option<(u32, String)> {
    let wanted = format!("socket:[{inode}]");
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(descriptors) = std::fs::read_dir(process.path().join("fd")) else { continue };
        let holds =
            |d: std::fs::DirEntry| d.path().read_link().is_ok_and(|link| link.as_os_str() == wanted.as_str());
        if descriptors.flatten().any(holds) {
            let read = |file: &str| std::fs::read_to_string(process.path().join(file)).unwrap_or_default();
            return Some((pid, program(&read("comm"), &read("cmdline"))));
        }
    }
    None
}

/// The kernel's name of a process, whole: it keeps 15 letters, and the command line has the others unless the
/// process calls itself something else.
fn program(comm: &str, cmdline: &str) -> String {
    let comm = comm.trim();
    let first = cmdline.split('\0').next().unwrap_or_default();
    let name = first.rsplit('/').next().unwrap_or_default();
    if name.starts_with(comm) { name.to_owned() } else { comm.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_leases_are_two_ports_and_a_lease_outlasts_its_listener() {
        let (one, two) = (lease_port().unwrap(), lease_port().unwrap());
        assert_ne!(one.port(), two.port());
        assert!(is_free(one.port()));
        drop(TcpListener::bind((Ipv4Addr::LOCALHOST, one.port())).unwrap());
        let lock = paths::open_lock(
            &std::env::temp_dir()
                .join(format!("plantain-ports-{}", nix::unistd::geteuid()))
                .join(one.port().to_string()),
        );
        assert!(lock.unwrap().try_lock().is_err());
    }

    #[test]
    fn a_program_is_named_in_full_by_its_own_name() {
        assert_eq!(program("telegram-adapte\n", "/data/bin/telegram-adapter\0--x\0"), "telegram-adapter");
        assert_eq!(program("postgres\n", "/usr/lib/postgresql/17/bin/postgres\0-D\0"), "postgres");
        assert_eq!(program("nginx\n", "python3\0serve.py\0"), "nginx");
        assert_eq!(program("gone\n", ""), "gone");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_taken_port_names_its_holder() {
        let lease = lease_port().unwrap();
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, lease.port())).unwrap();
        assert!(!is_free(lease.port()));
        assert!(
            holder(lease.port()).contains(&format!("pid {}", std::process::id())),
            "{}",
            holder(lease.port())
        );
    }
}
