//! How much memory the process has held at most.

/// Peak resident memory in MiB: `VmHWM` of Linux, `None` on other systems.
pub(crate) fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn linux_says() {
        assert!(super::peak_mib().is_some_and(|mib| mib > 1.0));
    }
}
