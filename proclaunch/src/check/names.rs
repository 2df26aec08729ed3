//! Where a name stands in a Lua text: enough of the language's lexicon to leave comments, strings and fields aside.

/// The line, from 1, of the first place where `name` is used as a global name could be.
pub(super) fn line_of(text: &[u8], name: &str) -> Option<usize> {
    let mut rest = text;
    let mut line = 1;
    let mut before: &[u8] = b"";
    while let Some(token) = token(rest) {
        let (this, after) = rest.split_at(token.length);
        if token.is_name
            && this == name.as_bytes()
            && !is_field(before)
            && before != b"local"
            && !is_key(after)
        {
            return Some(line);
        }
        line += memchr::memchr_iter(b'\n', this).count();
        if !token.is_blank {
            before = this;
        }
        rest = after;
    }
    None
}

fn is_field(before: &[u8]) -> bool {
    matches!(before, b"." | b":")
}

/// `name = ...`: a key of a table, or an assignment, which is another error.
fn is_key(after: &[u8]) -> bool {
    let after = after.trim_ascii_start();
    after.starts_with(b"=") && !after.starts_with(b"==")
}

struct Token {
    length: usize,
    is_name: bool,
    /// White space or a comment.
    is_blank: bool,
}

/// The token that a text begins with; none at its end.
fn token(text: &[u8]) -> Option<Token> {
    let first = *text.first()?;
    let while_ = |is: fn(&u8) -> bool| text.iter().take_while(|byte| is(byte)).count();
    let plain = |length, is_blank| Token { length, is_name: false, is_blank };
    Some(match first {
        b' ' | b'\t' | b'\r' | b'\n' => plain(while_(u8::is_ascii_whitespace), true),
        b'-' if text.starts_with(b"--") => {
            let long = long_bracket(&text[2..]).map(|length| length + 2);
            plain(long.unwrap_or_else(|| memchr::memchr(b'\n', text).unwrap_or(text.len())), true)
        }
        b'[' => plain(long_bracket(text).unwrap_or(1), false),
        b'"' | b'\'' => plain(quoted(text, first), false),
        _ if first.is_ascii_alphabetic() || first == b'_' => Token {
            length: while_(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'),
            is_name: true,
            is_blank: false,
        },
        b'.' => plain(while_(|byte| *byte == b'.'), false),
        _ => plain(1, false),
    })
}

/// The length of `[[ ... ]]` or `[==[ ... ]==]`, if the text begins with one.
fn long_bracket(text: &[u8]) -> Option<usize> {
    let level = text.strip_prefix(b"[")?.iter().take_while(|byte| **byte == b'=').count();
    (text.get(level + 1) == Some(&b'[')).then(|| {
        let close = [b"]".as_slice(), &vec![b'='; level], b"]"].concat();
        memchr::memmem::find(text, &close).map_or(text.len(), |at| at + close.len())
    })
}

/// The length of a string in quotes; one that is not closed ends with its line.
fn quoted(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' => return at,
            byte if *byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_where_it_is_a_name() {
        for (text, line) in [
            ("return nett.tcp(1)", Some(1)),
            (
                "-- nett\n--[[ nett\n]] local a = 'nett' .. \"\\\"nett\" .. [=[\nnett]]]=]\nreturn nett()",
                Some(5),
            ),
            ("return a.nett, a:nett(), nettle, 'x\\\nnett'", None),
            ("local nett = 1\nreturn { nett = 2 }", None),
            ("if nett == 1 then end", Some(1)),
            ("return 'open\nnett", Some(2)),
            ("return 'x' ..nett", Some(1)),
            ("#!/usr/bin/lua\n\n  nett()", Some(3)),
            ("return \"\\", None),
            ("--[==[ nett", None),
        ] {
            assert_eq!(line_of(text.as_bytes(), "nett"), line, "{text}");
        }
    }
}
