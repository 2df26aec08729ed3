//! `proclaunch status --self`: what ProcLaunch itself takes.

use super::paint::{Style, Tone, clean};
use super::table::{Cell, Column, table};
use super::units::{size, span};
use crate::control::api::Own;

/// ProcLaunch and its processes.
pub fn own(style: Style, own: &Own) -> String {
    let mut text = format!(
        "{} {}, {}, {} profile{}\n  profiles  {}\n  state     {}\n\n",
        style.paint(Tone::Strong, "ProcLaunch"),
        clean(&own.version),
        clean(&own.mode),
        own.profiles,
        if own.profiles == 1 { "" } else { "s" },
        clean(&own.profiles_dir),
        clean(&own.state_dir)
    );
    let columns = [
        Column::left("PROCESS"),
        Column::right("PID"),
        Column::right("UPTIME"),
        Column::right("MEMORY"),
        Column::right("CPU TIME"),
        Column::right("DESCRIPTORS"),
        Column::right("WAKEUPS"),
    ];
    let rows: Vec<Vec<Cell>> = own
        .processes
        .iter()
        .map(|process| {
            vec![
                Cell::plain(&process.role),
                Cell::plain(&process.pid.to_string()),
                Cell::plain(&span(process.uptime)),
                Cell::plain(&size(process.memory_bytes)),
                Cell::plain(&format!("{:.2}s", process.cpu_seconds)),
                Cell::plain(&process.descriptors.to_string()),
                Cell::plain(&process.wakeups.to_string()),
            ]
        })
        .collect();
    text.push_str(&table(style, &columns, &rows));
    text
}
