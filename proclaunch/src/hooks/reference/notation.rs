//! Types: read in Luau's notation, written in that of `LuaLS`.

use std::fmt;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// `string`, `Service`.
    Name(String),
    /// `T?`.
    Optional(Box<Type>),
    /// `A | B`.
    Union(Vec<Type>),
    /// `{ T }`.
    List(Box<Type>),
    /// `{ name: T, [K]: V }`: the keys as they are written.
    Table(Vec<(String, Type)>),
    /// `(name: T) -> R`.
    Function(Vec<(String, Type)>, Box<Type>),
    /// `(A, B)`: more than one value, or none.
    Pack(Vec<Type>),
    /// `...T`.
    Rest(Box<Type>),
}

impl Type {
    /// Reads a whole text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text.trim_start() };
        let read = reader.union()?;
        reader.rest.is_empty().then_some(read)
    }

    /// The types of several values, one for each.
    pub(super) fn values(&self) -> Vec<&Self> {
        match self {
            Self::Pack(types) => types.iter().collect(),
            one => vec![one],
        }
    }

    /// The names of types in it.
    #[cfg(test)]
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Name(name) => vec![name],
            Self::Optional(inner) | Self::List(inner) | Self::Rest(inner) => inner.names(),
            Self::Union(types) | Self::Pack(types) => types.iter().flat_map(Self::names).collect(),
            Self::Table(fields) => fields.iter().flat_map(|(_, kind)| kind.names()).collect(),
            Self::Function(parameters, returns) => {
                parameters.iter().flat_map(|(_, kind)| kind.names()).chain(returns.names()).collect()
            }
        }
    }

    fn grouped(&self) -> String {
        match self {
            Self::Union(_) | Self::Function(..) => format!("({self})"),
            Self::Name(_)
            | Self::Optional(_)
            | Self::List(_)
            | Self::Table(_)
            | Self::Pack(_)
            | Self::Rest(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Type {
    /// As `LuaLS` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |fields: &[(String, Self)]| {
            let all: Vec<String> = fields.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
            all.join(", ")
        };
        let joined = |types: &[Self], by: &str| types.iter().map(Self::grouped).collect::<Vec<_>>().join(by);
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Optional(inner) => write!(f, "{}?", inner.grouped()),
            Self::Union(types) => f.write_str(&joined(types, " | ")),
            Self::List(inner) => write!(f, "{}[]", inner.grouped()),
            Self::Table(all) => write!(f, "{{ {} }}", fields(all)),
            Self::Function(parameters, returns) => {
                write!(f, "fun({})", fields(parameters))?;
                match &**returns {
                    Self::Pack(types) if types.is_empty() => Ok(()),
                    returns => write!(f, ": {returns}"),
                }
            }
            Self::Pack(types) => f.write_str(&joined(types, ", ")),
            Self::Rest(inner) => write!(f, "{inner}"),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn union(&mut self) -> Option<Type> {
        let mut types = vec![self.optional()?];
        while self.take("|") {
            types.push(self.optional()?);
        }
        Some(if types.len() == 1 { types.remove(0) } else { Type::Union(types) })
    }

    fn optional(&mut self) -> Option<Type> {
        let mut kind = self.primary()?;
        while self.take("?") {
            kind = Type::Optional(Box::new(kind));
        }
        Some(kind)
    }

    fn primary(&mut self) -> Option<Type> {
        if self.take("...") {
            return Some(Type::Rest(Box::new(self.optional()?)));
        }
        if self.take("{") {
            return self.table();
        }
        if self.take("(") {
            return self.parentheses();
        }
        self.name().map(Type::Name)
    }

    fn table(&mut self) -> Option<Type> {
        let mut fields = Vec::new();
        while !self.take("}") {
            let Some(key) = self.key() else {
                let inner = self.union()?;
                return (fields.is_empty() && self.take("}")).then(|| Type::List(Box::new(inner)));
            };
            fields.push((key, self.union()?));
            if !self.take(",") && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(Type::Table(fields))
    }

    /// What is in parentheses: the parameters of a function, several types, or one.
    fn parentheses(&mut self) -> Option<Type> {
        let mut items = Vec::new();
        while !self.take(")") {
            let name = self.key();
            items.push((name, self.union()?));
            if !self.take(",") && !self.rest.starts_with(')') {
                return None;
            }
        }
        if self.take("->") {
            let returns = Box::new(self.optional()?);
            let named = items.into_iter().map(|(name, kind)| name.map(|name| (name, kind)));
            return Some(Type::Function(named.collect::<Option<_>>()?, returns));
        }
        if items.iter().any(|(name, _)| name.is_some()) {
            return None;
        }
        let mut types: Vec<Type> = items.into_iter().map(|(_, kind)| kind).collect();
        Some(if types.len() == 1 { types.remove(0) } else { Type::Pack(types) })
    }

    /// `name:` or `[type]:`.
    fn key(&mut self) -> Option<String> {
        let before = self.rest;
        let key = if self.take("[") {
            let kind = self.union();
            kind.filter(|_| self.take("]")).map(|kind| format!("[{kind}]"))
        } else {
            self.name()
        };
        if key.is_none() || !self.take(":") {
            self.rest = before;
            return None;
        }
        key
    }

    fn name(&mut self) -> Option<String> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        (!name.is_empty()).then(|| name.to_owned())
    }

    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest.trim_start();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_in_both_notations() {
        for (luau, luals) in [
            ("string", "string"),
            ("number?", "number?"),
            ("{ string }", "string[]"),
            ("{ Policy | ((service: Service) -> ...any) }", "(Policy | (fun(service: Service): any))[]"),
            ("{ [string]: string }", "{ [string]: string }"),
            ("{ a: number, b: { c: string? }? }", "{ a: number, b: { c: string? }? }"),
            ("(string?, string?)", "string?, string?"),
            ("(a: number) -> ()", "fun(a: number)"),
            ("(number | { number })?", "(number | number[])?"),
            ("{ [number | string]: boolean | number }", "{ [number | string]: boolean | number }"),
        ] {
            let read = Type::parse(luau).unwrap_or_else(|| panic!("{luau}"));
            assert_eq!(read.to_string(), luals);
        }
    }

    #[test]
    fn what_is_no_type() {
        for text in
            ["", "{", "{ a: }", "(a: number)", "a b", "{ a number }", "?", "[string]: x", "{ string, }"]
        {
            assert_eq!(Type::parse(text), None, "{text}");
        }
    }
}
