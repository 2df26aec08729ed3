//! Who a process is: `/proc/PID/stat` (`proc_pid_stat(5)`).
//!
//! **Invariant:** [`parse_stat`] is total: any bytes give a value or none.

use std::fs::File;
use std::io::Read;

use proclaunch_core::ids::ProcId;

/// The fields of `/proc/PID/stat` that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The process, for ever.
    pub id: ProcId,
    /// The state letter: `Z` and `X` are dead.
    pub state: u8,
    /// The parent's pid.
    pub ppid: i32,
    /// The process group.
    pub pgid: i32,
    /// The session.
    pub sid: i32,
    /// The CPU time of all its threads, in clock ticks.
    pub own_cpu_ticks: u64,
    /// The same, and that of all children that it has waited for.
    pub cpu_ticks: u64,
    /// How much of it is in RAM, in pages; since Linux 6.2 a little behind (`percpu_counter_read_positive`).
    pub rss_pages: u64,
    /// Where its environment is in its memory; 0 amid `execve`, and where we may not know.
    pub env_start: u64,
    /// The wait status of a zombie, where we may read it; else 0.
    pub exit_code: i32,
}

impl Stat {
    /// Whether it has ended, collected or not.
    pub const fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// Parses a line of `/proc/PID/stat`. The second field is the command's name in parentheses; it may hold any bytes,
/// `) (` and newlines among them, so the fields are counted from the last `)`.
pub fn parse_stat(line: &[u8]) -> Option<Stat> {
    let open = line.iter().position(|b| *b == b'(')?;
    let close = line.iter().rposition(|b| *b == b')')?;
    let pid = number(line.get(..open)?.trim_ascii_end())?;
    let mut fields = line.get(close + 1..)?.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let &[state] = fields.next()? else { return None };
    let [parent, group, session] =
        [number(fields.next()?)?, number(fields.next()?)?, number(fields.next()?)?];
    // Fields 14 to 17 of the whole line; `state` was field 3.
    let mut fields = fields.skip(7);
    let mut both = || Some(number::<u64>(fields.next()?)?.saturating_add(number(fields.next()?)?));
    let (own_cpu_ticks, of_children) = (both()?, both()?);
    // Fields 22 and 24.
    let start = number(fields.nth(4)?)?;
    let rss_pages = fields.nth(1).and_then(number).unwrap_or(0);
    // Fields 50 and 52, since Linux 3.5.
    let env_start = fields.nth(25).and_then(number).unwrap_or(0);
    let exit_code = fields.nth(1).and_then(number).unwrap_or(0);
    let id = ProcId { pid, start };
    let stat = Stat {
        id,
        state,
        ppid: parent,
        pgid: group,
        sid: session,
        own_cpu_ticks,
        cpu_ticks: own_cpu_ticks.saturating_add(of_children),
        rss_pages,
        env_start,
        exit_code,
    };
    (pid > 0).then_some(stat)
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Reads `/proc/PID/stat`.
pub fn read_stat(pid: i32) -> Option<Stat> {
    // The longest line: 51 numbers of at most 20 digits and a name of at most 64 bytes.
    let mut buffer = [0; 1200];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut buffer).ok()?;
    parse_stat(&buffer[..length]).filter(|stat| stat.id.pid == pid)
}

/// The live process of that pid, if there is one; a zombie is dead.
pub fn identify(pid: i32) -> Option<ProcId> {
    read_stat(pid).filter(|stat| !stat.is_dead()).map(|stat| stat.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(comm: &str) -> Vec<u8> {
        let rest = "S 1 7 8 0 -1 4194560 91 0 0 0 5 6 7 8 20 0 1 0 4711 2969600 215 18446744073709551615 1 1 0 0 0 0 \
                    0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 3 4 256\n";
        format!("42 ({comm}) {rest}").into_bytes()
    }

    #[test]
    fn hostile_command_names_do_not_shift_the_fields() {
        let expected = Stat {
            id: ProcId { pid: 42, start: 4711 },
            state: b'S',
            ppid: 1,
            pgid: 7,
            sid: 8,
            own_cpu_ticks: 11,
            cpu_ticks: 26,
            rss_pages: 215,
            env_start: 3,
            exit_code: 256,
        };
        for comm in ["sleep", "", ") (", ") Z 1 1 1 (", "a\nb", "((((", "))))", "\u{e9} x", ") R 0 0 0 0 0 0"]
        {
            assert_eq!(parse_stat(&line(comm)), Some(expected), "{comm:?}");
        }
    }

    #[test]
    fn what_is_not_a_stat_line_is_none() {
        for text in ["", "42", "42 (x", "42 x)", ")(", "42 (x) S 1 2 3", "x (x) S 1 1 1", "42 (x) SS 1 1 1 1"]
        {
            assert_eq!(parse_stat(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn any_bytes_are_taken() {
        let good = line("x");
        let mut random = crate::keeper::testing::Random::new(1);
        for _ in 0..10_000 {
            let mut bytes = good.clone();
            for _ in 0..random.below(6) {
                let at = random.below(bytes.len());
                bytes[at] = random.byte();
            }
            bytes.truncate(random.below(bytes.len() + 1));
            let _ = parse_stat(&bytes);
            let noise: Vec<u8> = (0..random.below(200)).map(|_| random.byte()).collect();
            let _ = parse_stat(&noise);
        }
    }

    #[test]
    fn we_are_alive_and_nobody_has_a_negative_pid() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert_eq!(identify(me).map(|id| id.pid), Some(me));
        assert_eq!(identify(-1), None);
        assert_eq!(identify(0), None);
    }
}
