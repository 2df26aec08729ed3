//! JSON against the schemas of the OpenAPI description, as far as those go.
//!
//! The description's own tests use this file too.

use serde_json::Value;

/// Checks a value against a schema of a document. `at` says where the value stands.
///
/// # Errors
/// It is not as the schema says, or the schema holds something that this does not know.
pub fn check(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let fail = |what: &str| Err(format!("{at}: {what}: {value}"));
    for (keyword, rule) in schema.as_object().ok_or("a schema is an object")? {
        match keyword.as_str() {
            "$ref" => {
                let pointer = rule.as_str().and_then(|path| path.strip_prefix('#')).ok_or("a local path")?;
                let meant =
                    document.pointer(pointer).ok_or_else(|| format!("{at}: {pointer} is not there"))?;
                check(document, meant, value, at)?;
            }
            "anyOf" => {
                let mut all = rule.as_array().ok_or("anyOf is a list")?.iter();
                if !all.any(|schema| check(document, schema, value, at).is_ok()) {
                    return fail("is none of those");
                }
            }
            "type" => {
                let names: Vec<&str> = match rule {
                    Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                    one => one.as_str().into_iter().collect(),
                };
                if !names.iter().any(|name| is_of(name, value)) {
                    return fail("is of another type");
                }
            }
            "required" => {
                for name in rule.as_array().ok_or("required is a list")? {
                    if value.get(name.as_str().unwrap_or_default()).is_none() {
                        return fail(&format!("lacks {name}"));
                    }
                }
            }
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let schema = rule.get(name).ok_or_else(|| format!("{at}: {name} is not described"))?;
                    check(document, schema, value, &format!("{at}.{name}"))?;
                }
            }
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    check(document, rule, item, &format!("{at}[]"))?;
                }
            }
            "minimum" => {
                if value.as_f64().zip(rule.as_f64()).is_some_and(|(value, minimum)| value < minimum) {
                    return fail("is too small");
                }
            }
            "description" | "format" | "maximum" | "title" => {}
            other => return Err(format!("{at}: what is {other}?")),
        }
    }
    Ok(())
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
