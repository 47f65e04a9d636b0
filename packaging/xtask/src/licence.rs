//! Licence expressions (SPDX 2.3, annex D), and whether one can be met with allowed licences alone.

/// Answers whether a choice within the expression needs allowed licences only; `None` if it is not understood.
pub(crate) fn is_met(expression: &str, allowed: &[&str]) -> Option<bool> {
    // crates.io once took a slash for "or".
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words: Vec<&str> = text.split_whitespace().rev().collect();
    let met = any(&mut words, allowed)?;
    words.is_empty().then_some(met)
}

fn any(words: &mut Vec<&str>, allowed: &[&str]) -> Option<bool> {
    let mut met = all(words, allowed)?;
    while words.pop_if(|word| *word == "OR").is_some() {
        met |= all(words, allowed)?;
    }
    Some(met)
}

fn all(words: &mut Vec<&str>, allowed: &[&str]) -> Option<bool> {
    let mut met = one(words, allowed)?;
    while words.pop_if(|word| *word == "AND").is_some() {
        met &= one(words, allowed)?;
    }
    Some(met)
}

fn one(words: &mut Vec<&str>, allowed: &[&str]) -> Option<bool> {
    match words.pop()? {
        "(" => {
            let met = any(words, allowed)?;
            (words.pop()? == ")").then_some(met)
        }
        ")" | "OR" | "AND" | "WITH" => None,
        name if words.pop_if(|word| *word == "WITH").is_some() => {
            let exception = words.pop()?;
            Some(allowed.contains(&format!("{name} WITH {exception}").as_str()))
        }
        name => Some(allowed.contains(&name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expression: &str) -> Option<bool> {
        is_met(expression, &["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"])
    }

    #[test]
    fn one_allowed_choice_is_enough() {
        assert_eq!(met("MIT"), Some(true));
        assert_eq!(met("GPL-3.0-only OR MIT"), Some(true));
        assert_eq!(met("GPL-3.0/MIT"), Some(true));
        assert_eq!(met("GPL-3.0-only"), Some(false));
    }

    #[test]
    fn all_that_apply_together_must_be_allowed() {
        assert_eq!(met("MIT AND ISC"), Some(true));
        assert_eq!(met("MIT AND GPL-3.0-only"), Some(false));
        assert_eq!(met("(GPL-3.0-only OR MIT) AND ISC"), Some(true));
        assert_eq!(met("MIT OR GPL-3.0-only AND ISC"), Some(true), "AND binds closer");
        assert_eq!(met("(MIT OR ISC) AND GPL-3.0-only"), Some(false));
    }

    #[test]
    fn an_exception_is_part_of_the_licence() {
        assert_eq!(met("Apache-2.0 WITH LLVM-exception"), Some(true));
        assert_eq!(met("Apache-2.0"), Some(false));
        assert_eq!(met("MIT WITH LLVM-exception"), Some(false));
    }

    #[test]
    fn what_is_no_expression_is_not_met() {
        for wrong in ["", "MIT OR", "(MIT", "MIT)", "MIT ISC", "AND MIT", "MIT WITH"] {
            assert_eq!(met(wrong), None, "{wrong}");
        }
    }
}
