//! Any script, by a grammar that knows the language and every function that scripts can call.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use proclaunch_core::hook::{Answer, Hook, Outcome, Question, QuestionId, Service};
use proclaunch_core::ids::ProfileName;
use tokio::runtime;
use tokio::task::LocalSet;

use super::Source;
use crate::hooks::api::{GROUPS, METHODS};
use crate::hooks::{Clock, Context, Host, Profile, Sources, Vars};
use crate::sys::clock;

/// What the call may take.
const BUDGET: Duration = Duration::from_millis(20);

/// What it may take of the processor: its budget, and what cannot be interrupted, with room for slow builds.
const CPU: Duration = Duration::from_millis(400);

/// The deepest nesting of blocks and expressions.
const DEEPEST: u8 = 5;

/// The most statements of a script.
const STATEMENTS_MAX: u32 = 60;

/// Holds every library and group as it was, and says what has become another.
const WITNESS: &str = "
local before, count = {}, 0
local libraries = { string, table, math, bit32, utf8, buffer, check, clock, env, file, fleet, http, json, log, net, policy,
  supervisor }
for number, library in libraries do
  for name, value in library do before[number .. name] = value count += 1 end
end
return function()
  local found = 0
  for number, library in libraries do
    for name, value in library do
      found += 1
      -- NaN is not even itself.
      if before[number .. name] ~= value and value == value then return false, name .. ' is another one' end
    end
  end
  if found ~= count then return false, 'there are more names than before' end
  return ('ok'):upper() == 'OK' and #table.concat({ 'a', 'b' }) == 2
end";

/// Writes a script by `data`, calls it, and asserts that it ends within its budget and leaves an interpreter behind that
/// works, with every library as it was.
pub fn fuzz_script(data: &[u8]) {
    let mut writer = Writer { source: Source { data }, text: String::new(), left: STATEMENTS_MAX };
    writer.script();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("there are descriptors");
    LocalSet::new().block_on(&runtime, judge(&writer.text));
}

async fn judge(text: &str) {
    let dir = PathBuf::from("/nowhere/web");
    let source = |hook: Hook, text: &str| {
        let path = dir.join(format!("{hook}.lua"));
        (hook, crate::hooks::Source { path, text: text.as_bytes().to_vec() })
    };
    let files = BTreeMap::from([source(Hook::Health, text), source(Hook::Ready, WITNESS)]);
    let sources = Sources { profile_dir: dir.clone(), files, ..Sources::default() };
    let profile = Profile {
        name: ProfileName::parse("web").expect("letters"),
        dir,
        env: Vec::new(),
        settings: BTreeMap::new(),
    };
    let context = Context::new(profile, Vec::new(), Clock::Real, Rc::new(drop), Vars::default());
    let host = Host::load(context, &sources).await.expect("there is memory");
    let ask =
        |hook, budget| Question { id: QuestionId(1), hook, check: 0, budget, service: Service::default() };
    for _ in 0..2 {
        let began = clock::thread_cpu();
        let outcome = host.call(&ask(Hook::Health, BUDGET)).await;
        let used = clock::thread_cpu().saturating_sub(began);
        assert!(used < CPU, "{used:?} of CPU, {outcome:?}:\n{text}");
        host.tidy().await;
    }
    let after = host.call(&ask(Hook::Ready, Duration::from_secs(10))).await;
    assert_eq!(after, Outcome::Answer(Answer::Ready(Ok(()))), "afterwards:\n{text}");
}

struct Writer<'a> {
    source: Source<'a>,
    text: String,
    left: u32,
}

impl Writer<'_> {
    fn script(&mut self) {
        self.text.push_str("local a, b, c = 1, 'x', {}\nreturn function(service)\n");
        while !self.source.is_empty() && self.left > 0 {
            self.statement(DEEPEST);
        }
        self.text.push_str("return a == b, b\nend\n");
    }

    fn block(&mut self, depth: u8) {
        for _ in 0..=self.source.byte() % 3 {
            self.statement(depth);
        }
    }

    fn name(&mut self) {
        let name = self.source.pick(&["a", "b", "c"]);
        self.text.push_str(name);
    }

    /// `BEFORE block AFTER`.
    fn around(&mut self, before: &str, depth: u8, after: &str) {
        self.text.push_str(before);
        self.block(depth);
        self.text.push_str(after);
    }

    fn statement(&mut self, depth: u8) {
        if self.left == 0 || depth == 0 {
            return;
        }
        self.left -= 1;
        let depth = depth - 1;
        match self.source.byte() % 16 {
            0 | 1 => {
                self.name();
                self.assigned(" = ", depth);
            }
            2 => self.assigned("c[#c + 1] = ", depth),
            3 => self.assigned("service.vars.x = ", depth),
            4 => self.around("while true do\n", depth, "if a then break end end\n"),
            5 => {
                let times = self.source.pick(&["3", "1e3", "1e9"]);
                let before = format!("for i = 1, {times} do\n");
                self.around(&before, depth, "end\n");
            }
            6 => self.around("pcall(function()\n", depth, "end)\n"),
            7 => self.around("xpcall(function()\n", depth, "end, function(e) a = e end)\n"),
            8 => self.around("table.sort({ 3, 2, 1 }, function(d, e)\n", depth, "return d end)\n"),
            9 => self.around("c = setmetatable({}, { __index = function(t, k)\n", depth, "return k end })\n"),
            10 => {
                self.text.push_str("if ");
                self.expression(depth);
                self.around(" then\n", depth, "end\n");
            }
            11 => self.assigned("string.x = ", depth),
            12 => self.assigned("rawset(c, 'x', 1) local _ = ", depth),
            13 => self.text.push_str("error(c)\n"),
            _ => {
                self.text.push_str("a = ");
                self.call(depth);
                self.text.push('\n');
            }
        }
    }

    fn assigned(&mut self, to: &str, depth: u8) {
        self.text.push_str(to);
        self.expression(depth);
        self.text.push('\n');
    }

    fn expression(&mut self, depth: u8) {
        if depth == 0 {
            return self.name();
        }
        let depth = depth - 1;
        match self.source.byte() % 12 {
            0 => self.name(),
            1 => self.text.push_str("service"),
            2 => {
                let number = self.source.pick(&["0", "-1", "0.5", "1e300", "0/0", "1/0", "80"]);
                self.text.push_str(number);
            }
            3 | 4 => {
                // Escapes as decimals: any bytes are a string.
                self.text.push('"');
                for byte in self.source.bytes(12) {
                    let _ = write!(self.text, "\\{byte:03}");
                }
                self.text.push('"');
            }
            5 => self.text.push_str("('a'):rep(3000)"),
            6 => {
                self.text.push_str("{ ");
                self.expression(depth);
                self.text.push_str(", timeout = 0.01, every = ");
                self.expression(depth);
                self.text.push_str(" }");
            }
            7 => {
                let operator = self.source.pick(&["+", "..", "==", "<", "and", "or", "//", "%"]);
                self.text.push('(');
                self.expression(depth);
                let _ = write!(self.text, " {operator} ");
                self.expression(depth);
                self.text.push(')');
            }
            8 => self.text.push_str("function(...) return ... end"),
            9 => self.text.push_str("#c"),
            _ => self.call(depth),
        }
    }

    fn call(&mut self, depth: u8) {
        const LIBRARY: [&str; 16] = [
            "string.find",
            "string.gsub",
            "string.format",
            "string.rep",
            "string.split",
            "string.byte",
            "table.concat",
            "table.insert",
            "table.move",
            "table.create",
            "table.unpack",
            "tostring",
            "tonumber",
            "select",
            "next",
            "require",
        ];
        let (groups, methods): (Vec<&str>, Vec<&str>) = (
            GROUPS.iter().flat_map(|group| group.items.iter().map(|item| item.name)).collect(),
            METHODS.iter().map(|method| method.item.name).collect(),
        );
        let name = match self.source.byte() % 4 {
            0 => self.source.pick(&LIBRARY),
            1 => self.source.pick(&methods),
            _ => self.source.pick(&groups),
        };
        // Nothing is looked up in a network.
        let first = match name {
            "net.resolve" | "net.tcp" => "'127.0.0.1', ",
            "http.get" | "http.post" => "'http://127.0.0.1:1/', ",
            "http.request" => "'GET', 'http://127.0.0.1:1/', ",
            _ => "",
        };
        let _ = write!(self.text, "{name}({first}");
        self.expression(depth);
        for _ in 0..self.source.byte() % 3 {
            self.text.push_str(", ");
            self.expression(depth);
        }
        self.text.push(')');
    }
}
