//! Figures for Prometheus' textfile collector.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::registry::Registry;
use super::scan::Scanner;
use crate::core::snapshot::SnapshotName;
use crate::shell::dir::temporary_in;
use crate::shell::pass::Report;
use crate::shell::root::Root;

/// What has been done since the start.
#[derive(Default)]
pub struct Metrics {
    pub total: Report,
    passes: u64,
    last_pass: Duration,
    scans: u64,
    last_scan: Duration,
}

impl Metrics {
    pub fn passed(&mut self, report: &Report) {
        self.total.add(report);
        self.total.left = report.left;
        self.passes += 1;
        self.last_pass = Duration::from_secs_f64(report.seconds);
    }

    pub fn scanned(&mut self, took: Duration, scanner: &Scanner) {
        self.scans += 1;
        self.last_scan = took;
        tracing::debug!(seconds = took.as_secs_f64(), waiting = scanner.waiting(), "scan");
    }

    pub fn text(
        &self,
        root: &Root,
        wall: SystemTime,
        scanner: &Scanner,
        registry: &Registry,
        troubles: usize,
    ) -> String {
        let age = |moment: SystemTime| wall.duration_since(moment).ok().map(|age| age.as_secs_f64());
        let mut text = Text::default();
        text.head("postgang_letters_placed_total", "counter", "Letters placed or refused since the start.");
        for ((channel, code), n) in &self.total.placed_by_code {
            let labels = format!("{{channel=\"{}\",code=\"{code}\"}}", channel.as_str());
            text.line("postgang_letters_placed_total", &labels, *n as f64);
        }
        text.value("postgang_inbox_waiting", "gauge", "Drops in inbox/.", scanner.waiting() as f64);
        let held = scanner.held().filter(|(_, why)| why.by_register()).count();
        text.value("postgang_inbox_held", "gauge", "Drops in inbox/ that wait for a register.", held as f64);
        let oldest = scanner.oldest().and_then(age).unwrap_or_default();
        text.value("postgang_inbox_oldest_seconds", "gauge", "Age of the drop changed longest ago.", oldest);
        text.head(
            "postgang_snapshot_age_seconds",
            "gauge",
            "Age of each registry snapshot in use, by its modification time.",
        );
        for name in SnapshotName::ALL {
            if let Some(age) = registry.made(root, name).and_then(age) {
                text.line("postgang_snapshot_age_seconds", &format!("{{snapshot=\"{name}\"}}"), age);
            }
        }
        text.value("postgang_passes_total", "counter", "Passes since the start.", self.passes as f64);
        text.value("postgang_pass_seconds_total", "counter", "Time spent in passes.", self.total.seconds);
        text.value("postgang_pass_last_seconds", "gauge", "How long the last pass took.", self.last_pass.as_secs_f64());
        text.value("postgang_scans_total", "counter", "Looks at inbox/ since the start.", self.scans as f64);
        text.value("postgang_scan_last_seconds", "gauge", "How long the last look took.", self.last_scan.as_secs_f64());
        text.value("postgang_troubles", "gauge", "What stands in the way and is being retried.", troubles as f64);
        let time = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        text.value("postgang_written_timestamp_seconds", "gauge", "When this file was written.", time);
        text.0
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: f64) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn value(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        self.line(name, "", value);
    }
}

/// Replaces the file whole: its reader comes when it likes.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = temporary_in(dir)?;
    file.as_file_mut().write_all(text.as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.persist(path)?;
    Ok(())
}
