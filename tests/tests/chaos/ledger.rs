//! What the services have written down of their lives.

use std::fs;
use std::path::Path;

/// One life of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) pid: i32,
    pub(crate) serial: u64,
    /// How it ended, if it could write that down: its exit code, and how many lines it had printed.
    pub(crate) end: Option<(u8, u64)>,
    /// How many lines it has printed, the last one perhaps not counted.
    pub(crate) counted: u64,
}

/// All lives of a service, in order.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) lives: Vec<Life>,
    /// What must not be in a ledger.
    pub(crate) wrong: Vec<String>,
}

impl Ledger {
    pub(crate) fn read(dir: &Path, name: &str) -> Self {
        let text = fs::read_to_string(dir.join(format!("{name}.ledger"))).unwrap_or_default();
        let counts = fs::read(dir.join(format!("{name}.lines"))).unwrap_or_default();
        let mut ledger = Self::default();
        for line in text.lines() {
            if ledger.note(line, &counts).is_none() {
                ledger.wrong.push(format!("{name}: {line}"));
            }
        }
        for (index, life) in (1..).zip(&ledger.lives) {
            if life.serial != index {
                ledger.wrong.push(format!("{name}: life {index} has the number {}", life.serial));
            }
        }
        ledger
    }

    fn note(&mut self, line: &str, counts: &[u8]) -> Option<()> {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["start", pid, serial] => {
                let serial = serial.parse().ok()?;
                let counted = count_of(counts, serial);
                self.lives.push(Life { pid: pid.parse().ok()?, serial, end: None, counted });
            }
            ["end", pid, serial, code, lines] => {
                let (pid, serial): (i32, u64) = (pid.parse().ok()?, serial.parse().ok()?);
                let life = self.lives.last_mut().filter(|life| (life.pid, life.serial) == (pid, serial))?;
                life.end = Some((code.parse().ok()?, lines.parse().ok()?));
            }
            _ => return None,
        }
        Some(())
    }
}

fn count_of(counts: &[u8], serial: u64) -> u64 {
    let from = usize::try_from(serial * 8).unwrap();
    counts.get(from..from + 8).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
}
