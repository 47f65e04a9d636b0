//! Tables as TOML text.

use crate::meaning::Table;
use serde_json::Value;
use std::fmt::Write;

/// Writes a table with its header.
pub(crate) fn table(kind: &str, name: &str, table: &Table) -> String {
    let mut text = format!("[{kind}.{}]\n", key(name));
    for (key, value) in table {
        let _ = writeln!(text, "{key} = {}", written(value));
    }
    text
}

/// Strings, lists of them and booleans are written in JSON as they are in TOML.
fn written(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            format!("[{}]", values.iter().map(Value::to_string).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Answers a table as its reader sees it.
pub(crate) fn read(table: &Table) -> toml::Table {
    let text: String = table.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    toml::from_str(&text).unwrap_or_default()
}

fn key(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !name.is_empty() && name.chars().all(is_bare) {
        return name.to_owned();
    }
    Value::from(name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_what_is_read() {
        let values = vec![("a", json!("x\"\\\u{1}é\n")), ("b", json!(["1", "2"])), ("c", json!(false))];
        let text = table("profile", "a.b/c", &values);
        assert!(text.starts_with("[profile.\"a.b/c\"]\na = "), "{text}");
        let whole: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(whole["profile"]["a.b/c"].as_table(), Some(&read(&values)));
        assert_eq!(read(&values)["a"].as_str(), Some("x\"\\\u{1}é\n"));
    }
}
