//! The clocks, the boot id and random numbers: what the core is told and never reads itself.
//!
//! **Invariant:** no decision is made on the wall clock; it is only shown.

use std::time::Duration;
use std::{fs, io};

use nix::time::{ClockId, clock_gettime};
use proclaunch_core::clock::Moment;

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The moment on `CLOCK_MONOTONIC`.
///
/// It stands still while the machine is suspended, which is wanted: a service that could not run is not late.
pub fn now() -> Moment {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("CLOCK_MONOTONIC exists on every Linux");
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec()).unwrap_or(0);
    Moment::from_nanos(seconds.saturating_mul(NANOS_PER_SECOND).saturating_add(nanos))
}

/// The wall clock, in milliseconds since 1970 UTC.
pub fn wall_clock() -> i64 {
    wall_nanos().div_euclid(1_000_000)
}

/// The wall clock, in nanoseconds since 1970 UTC; they fit until 2262.
pub fn wall_nanos() -> i64 {
    let time = clock_gettime(ClockId::CLOCK_REALTIME).expect("CLOCK_REALTIME exists on every Linux");
    time.tv_sec().saturating_mul(1_000_000_000).saturating_add(time.tv_nsec())
}

/// How much CPU the calling thread has used: what others do on a busy machine does not count.
pub fn thread_cpu() -> Duration {
    let time =
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every thread on Linux has a CPU clock");
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec()).unwrap_or(0))
}

/// A moment of the wall clock as people here write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalTime {
    /// Such as 2026.
    pub year: i32,
    /// 1 to 12.
    pub month: i32,
    /// 1 to 31.
    pub day: i32,
    /// 0 to 23.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 60.
    pub second: i32,
    /// Days since Sunday, 0 to 6.
    pub weekday: i32,
}

/// What the clocks on the walls of this place show at so many seconds since 1970 UTC, by `TZ` or `/etc/localtime`.
pub fn local_time(seconds: i64) -> Option<LocalTime> {
    // SAFETY: all bytes zero is a valid `tm`: integers and a pointer that is only written.
    let mut time: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the call, which keeps neither.
    let done = unsafe { libc::localtime_r(&raw const seconds, &raw mut time) };
    (!done.is_null()).then(|| broken_down(&time))
}

/// The same in UTC, wherever this place is.
pub fn utc_time(seconds: i64) -> Option<LocalTime> {
    // SAFETY: all bytes zero is a valid `tm`: integers and a pointer that is only written.
    let mut time: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the call, which keeps neither.
    let done = unsafe { libc::gmtime_r(&raw const seconds, &raw mut time) };
    (!done.is_null()).then(|| broken_down(&time))
}

fn broken_down(time: &libc::tm) -> LocalTime {
    LocalTime {
        year: time.tm_year.saturating_add(1900),
        month: time.tm_mon + 1,
        day: time.tm_mday,
        hour: time.tm_hour,
        minute: time.tm_min,
        second: time.tm_sec,
        weekday: time.tm_wday,
    }
}

/// What the kernel calls this boot: a UUID that no other boot has.
///
/// # Errors
/// `/proc` is not mounted, or is not Linux's.
pub fn boot_id() -> io::Result<String> {
    let text = fs::read_to_string(BOOT_ID)?;
    let id = text.trim_end();
    if id.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{BOOT_ID}` is empty")));
    }
    Ok(id.to_owned())
}

/// A random number, unique enough to name an instance by.
///
/// Straight from the kernel: numbers kept in this process would come out twice after a fork.
///
/// # Errors
/// The kernel has no `getrandom(2)`.
pub fn random_u64() -> io::Result<u64> {
    let mut bytes = [0_u8; 8];
    // GRND_INSECURE never waits for entropy at an early boot, where a supervisor may be PID 1.
    // SAFETY: the pointer and the length describe `bytes`, which outlives the call.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), libc::GRND_INSECURE) };
    match usize::try_from(got) {
        Ok(count) if count == bytes.len() => Ok(u64::from_ne_bytes(bytes)),
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_goes_forward() {
        let earlier = now();
        assert!(now() >= earlier);
        assert!(earlier > Moment::default());
    }

    #[test]
    fn the_wall_clock_is_in_this_century() {
        assert!(wall_clock() > 1_700_000_000_000);
        assert!(wall_clock() < 4_102_444_800_000);
    }

    #[test]
    fn local_time_is_near_the_utc_time() {
        let time = local_time(1_700_000_000).unwrap();
        assert_eq!((time.year, time.month), (2023, 11));
        assert!((14..=15).contains(&time.day), "{time:?}");
        assert!(thread_cpu() > Duration::ZERO);
        let utc = utc_time(1_700_000_000).unwrap();
        assert_eq!((utc.day, utc.hour, utc.minute, utc.second, utc.weekday), (14, 22, 13, 20, 2));
    }

    #[test]
    fn a_boot_has_one_id_and_random_numbers_differ() {
        let id = boot_id().unwrap();
        assert_eq!(id.len(), 36, "{id}");
        assert_eq!(boot_id().unwrap(), id);
        assert_ne!(random_u64().unwrap(), random_u64().unwrap());
    }
}
