//! Questions, answers and statements as the time line shows them.

use std::fmt::Write as _;

use mlua::{MultiValue, Value};
use proclaunch_core::exit::Exit;
use proclaunch_core::hook::{Answer, Change, Farewell, Gate, Happening, Hook, Outcome, Question, Verdict};

use super::reply::ExecReply;
use super::timeline::span;
use crate::hooks::{MetricKind, Sample, Series};

/// The longest text of a value.
const LONGEST: usize = 80;

/// What is asked.
pub(super) fn question(question: &Question) -> String {
    match (&question.service.event, question.hook) {
        (Some(event), hook) => format!("{hook} {}", self::event(event)),
        (None, Hook::Health) if question.check > 0 => format!("health, check {}", question.check + 1),
        (None, hook) => hook.to_string(),
    }
}

/// What happened to the profile.
pub(super) fn event(event: &Happening) -> String {
    let Happening { kind, from, to, reason, .. } = event;
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    format!("{kind}: {from} -> {to}{reason}")
}

/// What became of a question.
pub(super) fn outcome(outcome: &Outcome) -> String {
    let because = |why: &str| if why.is_empty() { String::new() } else { format!(": {why}") };
    match outcome {
        Outcome::Failed(why) => format!("error: {why}"),
        Outcome::TimedOut => "out of time".to_owned(),
        Outcome::Answer(answer) => match answer {
            Answer::Nothing => "nothing".to_owned(),
            Answer::Start(Gate::Go(_)) => "go".to_owned(),
            Answer::Start(Gate::NotYet(why)) => format!("not yet{}", because(why)),
            Answer::Start(Gate::Again(time, why)) => format!("again in {}{}", span(*time), because(why)),
            Answer::Start(Gate::Abort(why)) => format!("abort{}", because(why)),
            Answer::Ready(Ok(())) => "ready".to_owned(),
            Answer::Ready(Err(why)) => format!("not ready{}", because(why)),
            Answer::Health(Ok(())) => "healthy".to_owned(),
            Answer::Health(Err(why)) => format!("unhealthy{}", because(why)),
            Answer::Restart(Verdict::Yes) | Answer::Change(Change::Restart) => "restart".to_owned(),
            Answer::Restart(Verdict::No(why)) => format!("no restart{}", because(why)),
            Answer::Restart(Verdict::After(time, why)) => {
                format!("restart in {}{}", span(*time), because(why))
            }
            Answer::Stop(Farewell::Wait(time)) => format!("wait {}", span(*time)),
            Answer::Stop(Farewell::Signal(signal)) => format!("send {signal}"),
            Answer::Change(Change::Reload) => "reload".to_owned(),
            Answer::Change(Change::Ignore) => "ignore".to_owned(),
        },
    }
}

/// What was counted or measured.
pub(super) fn metric(sample: &Sample) -> String {
    let Sample { series: Series { metric, labels }, kind, value } = sample;
    let labels: Vec<String> = labels.iter().map(|(name, text)| format!("{name}={text:?}")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    match kind {
        MetricKind::Counter => format!("{metric}{labels} grows by {value}"),
        MetricKind::Gauge => format!("{metric}{labels} is {value}"),
    }
}

/// What a command does.
pub(super) fn command(reply: &ExecReply) -> String {
    let mut text = match reply.exit {
        None => return "no such command".to_owned(),
        Some(Exit::Code(code)) => format!("exit {code}"),
        Some(Exit::Signal { signal, .. }) => format!("signal {signal}"),
        Some(Exit::OutOfMemory) => "out of memory".to_owned(),
        Some(Exit::Unknown) => "unknown".to_owned(),
    };
    for (name, bytes) in [("out", &reply.out), ("err", &reply.err)] {
        if !bytes.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(text, ", {name} {:?}", short(&String::from_utf8_lossy(bytes)));
        }
    }
    if !reply.takes.is_zero() {
        let _ = write!(text, ", after {}", span(reply.takes));
    }
    text
}

/// A statement as the script has it: `world.exits{code=1}`.
pub(super) fn statement(name: &str, values: &MultiValue) -> String {
    match (values.len(), values.front()) {
        (1, Some(Value::Table(_))) => format!("{name}{}", values.front().map(value).unwrap_or_default()),
        _ => format!("{name}({})", values.iter().map(value).collect::<Vec<_>>().join(", ")),
    }
}

/// A value as a script has it, not too long.
pub(super) fn value(given: &Value) -> String {
    let text = match given {
        Value::Nil => "nil".to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{:?}", text.to_string_lossy()),
        Value::Table(table) => {
            let (mut items, mut named) = (Vec::new(), Vec::new());
            for (key, item) in table.pairs::<Value, Value>().flatten().take(8) {
                let item = match &item {
                    Value::Table(_) => "{...}".to_owned(),
                    other => value(other),
                };
                match &key {
                    Value::String(key) => named.push(format!("{}={item}", key.to_string_lossy())),
                    _ => items.push(item),
                }
            }
            named.sort();
            items.append(&mut named);
            format!("{{{}}}", items.join(", "))
        }
        other => other.type_name().to_owned(),
    };
    short(&text)
}

/// The beginning of a text.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
