//! Any Lua value as the answer of a hook, or as what its file returned.

use std::time::Duration;

use mlua::{Lua, MultiValue, Table, Value};
use proclaunch_core::hook::{Answer, Gate, Hook, Verdict};

use super::Source;
use crate::hooks::answer;
use crate::hooks::declared::Declared;

/// The longest reason, in characters: `fault::bounded`, and its dots.
const REASON_MAX: usize = 503;

/// The longest text of an error, in characters.
const ERROR_MAX: usize = 2000;

/// Words that mean something in some answer or declaration.
const WORDS: [&str; 18] = [
    "abort", "TERM", "SIGUSR1", "9", "restart", "reload", "ignore", "after", "reason", "env", "every",
    "timeout", "times", "grace", "PATH", "A=B", "", "after ",
];

const NUMBERS: [f64; 12] =
    [0.0, -0.0, 1.0, -1.0, 0.1, 3.5, 1e9, 1e300, -1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// Metatables must be of no consequence: whatever these functions do is the script's own.
const HOSTILE: &str = "
local function fail() error('called') end
return { __index = fail, __len = fail, __tostring = fail, __iter = fail, __eq = fail, __lt = fail, __call = fail }";

/// Builds values from `data`, has every hook answer and declare them, and asserts that what is read is within its limits
/// and what is not is told in a bounded text.
pub fn fuzz_answer(data: &[u8]) {
    let lua = Lua::new();
    let mut maker = Maker { lua: &lua, source: Source { data } };
    // Out of memory is no answer.
    let Ok(values) = maker.values() else { return };
    let first = values.front().cloned().unwrap_or(Value::Nil);
    for hook in Hook::ALL {
        match answer::read(hook, &values) {
            Ok(answer) => check(hook, &answer),
            Err(why) => check_text(&why, ERROR_MAX),
        }
        match Declared::read(hook, &first) {
            Ok(Declared::Checks(checks)) => {
                assert!((1..=32).contains(&checks.len()), "{hook}: {} checks", checks.len());
                for (schedule, _) in checks {
                    assert!(schedule.every >= Duration::from_millis(100), "{schedule:?}");
                    assert!(schedule.timeout >= Duration::from_millis(100), "{schedule:?}");
                    assert!(1 <= schedule.bad && schedule.bad <= schedule.of, "{schedule:?}");
                }
            }
            Ok(Declared::Tick(every, _)) => assert!(every >= Duration::from_millis(100), "{every:?}"),
            Ok(Declared::Plain(_)) => {}
            Err(why) => check_text(&why, ERROR_MAX),
        }
    }
}

fn check(hook: Hook, answer: &Answer) {
    let reason = match answer {
        Answer::Start(Gate::NotYet(why) | Gate::Again(_, why) | Gate::Abort(why))
        | Answer::Ready(Err(why))
        | Answer::Health(Err(why))
        | Answer::Restart(Verdict::No(why) | Verdict::After(_, why)) => why,
        Answer::Start(Gate::Go(variables)) => {
            for variable in variables {
                assert!(!variable.name.is_empty() && !variable.name.contains(['=', '\0']), "{variable:?}");
                assert!(!variable.value.contains(&0), "{variable:?}");
            }
            return;
        }
        Answer::Nothing
        | Answer::Ready(Ok(()))
        | Answer::Health(Ok(()))
        | Answer::Restart(Verdict::Yes)
        | Answer::Stop(_)
        | Answer::Change(_) => return,
    };
    assert!(reason.chars().count() <= REASON_MAX, "{hook}: {reason}");
}

fn check_text(text: &str, most: usize) {
    assert!(!text.is_empty() && text.chars().count() <= most, "{} characters: {text}", text.chars().count());
}

struct Maker<'a> {
    lua: &'a Lua,
    source: Source<'a>,
}

impl Maker<'_> {
    fn values(&mut self) -> mlua::Result<MultiValue> {
        let mut values = MultiValue::new();
        while values.len() < 3 && !self.source.is_empty() {
            values.push_back(self.value(4)?);
        }
        Ok(values)
    }

    fn value(&mut self, depth: u8) -> mlua::Result<Value> {
        Ok(match self.source.byte() % 12 {
            0 => Value::Nil,
            1 => Value::Boolean(self.source.byte().is_multiple_of(2)),
            2 => Value::Integer(i64::from(self.source.byte()) << (self.source.byte() % 56)),
            3 => Value::Number(self.source.pick(&NUMBERS)),
            4 | 5 => Value::String(self.lua.create_string(self.source.pick(&WORDS))?),
            6 => Value::String(self.lua.create_string(self.source.bytes(255))?),
            7 => Value::Function(self.lua.create_function(|_, ()| Ok(()))?),
            8 => Value::LightUserData(mlua::LightUserData(std::ptr::null_mut())),
            9 => Value::Error(Box::new(mlua::Error::runtime(String::from_utf8_lossy(self.source.bytes(64))))),
            _ if depth == 0 => Value::Table(self.lua.create_table()?),
            _ => Value::Table(self.table(depth - 1)?),
        })
    }

    fn table(&mut self, depth: u8) -> mlua::Result<Table> {
        let table = self.lua.create_table()?;
        for index in 1..=self.source.byte() % 6 {
            let key = match self.source.byte() % 4 {
                0 => Value::Integer(i64::from(index)),
                1 => self.value(0)?,
                _ => Value::String(self.lua.create_string(self.source.pick(&WORDS))?),
            };
            // NaN and nil are no keys.
            let _ = table.raw_set(key, self.value(depth)?);
        }
        match self.source.byte() % 8 {
            0 => table.set_metatable(Some(self.lua.load(HOSTILE).eval()?))?,
            1 => table.raw_set(1, &table)?,
            _ => {}
        }
        Ok(table)
    }
}
