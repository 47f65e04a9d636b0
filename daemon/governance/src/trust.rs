//! What the trust policy of a role allows, as far as that can be read from it alone.

use serde_json::Value;

/// A trust policy.
#[derive(Clone, Debug)]
pub struct Trust {
    statements: Vec<Value>,
}

/// Reads a policy document; what is none allows nothing.
#[must_use]
pub fn read(document: &str) -> Trust {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let statements = match &document["Statement"] {
        Value::Array(statements) => statements.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    Trust { statements }
}

impl Trust {
    /// Answers whether some statement allows an action, to whomever it may be, and none denies it.
    #[must_use]
    pub fn allows(&self, action: &str) -> bool {
        let fits = |pattern: &str| {
            let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
            match pattern.strip_suffix('*') {
                Some(start) => action.starts_with(start),
                None => pattern == action,
            }
        };
        let speaks_of = |statement: &&Value| match &statement["Action"] {
            Value::String(pattern) => fits(pattern),
            Value::Array(patterns) => patterns.iter().filter_map(Value::as_str).any(fits),
            _ => false,
        };
        let mut effects = self.statements.iter().filter(speaks_of).map(|statement| &statement["Effect"]);
        effects.clone().any(|effect| effect == "Allow") && !effects.any(|effect| effect == "Deny")
    }

    /// Answers whether a condition asks for an external id.
    #[must_use]
    pub fn wants_external_id(&self) -> bool {
        let conditions = self.statements.iter().filter_map(|statement| statement["Condition"].as_object());
        let keys = conditions.flat_map(|condition| condition.values()).filter_map(Value::as_object);
        keys.flat_map(|keys| keys.keys()).any(|key| key.eq_ignore_ascii_case("sts:ExternalId"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_may_be_one_or_many_and_have_a_star() {
        let trust = |action: &str| {
            read(&format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":{action}}}]}}"#))
        };
        assert!(trust(r#""sts:TagSession""#).allows("sts:TagSession"));
        assert!(trust(r#"["sts:AssumeRole","sts:tagsession"]"#).allows("sts:TagSession"));
        assert!(trust(r#""sts:*""#).allows("sts:TagSession"));
        assert!(!trust(r#""sts:AssumeRole""#).allows("sts:TagSession"));
        assert!(!read(r#"{"Statement":{"Effect":"Deny","Action":"sts:*"}}"#).allows("sts:TagSession"));
        assert!(!read("nonsense").allows("sts:TagSession"));
    }

    #[test]
    fn a_condition_may_ask_for_an_external_id() {
        let asking = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}}"#;
        assert!(read(asking).wants_external_id());
        assert!(!read(&asking.replace("ExternalId", "SourceIdentity")).wants_external_id());
    }
}
