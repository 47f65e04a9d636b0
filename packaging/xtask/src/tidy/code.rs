//! Rust text with what is no code blanked out: comments, strings, tests. Lines stay where they are.

/// Answers the text with comments and the contents of strings as blanks.
pub(super) fn only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match skipped(bytes, at) {
            Some(end) => end.min(bytes.len()),
            None => {
                at += 1;
                continue;
            }
        };
        blank(&mut code[at..end]);
        at = end;
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// Answers where a comment, a string or a character that starts here ends.
fn skipped(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let before = at.checked_sub(1).map(|before| bytes[before]);
    match rest {
        [b'/', b'/', ..] => Some(at + find(rest, b"\n").unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(at + block_comment(rest)),
        [b'"', ..] => Some(at + quoted(rest, b'"')),
        [b'r', b'"' | b'#', ..]
            if before.is_none_or(|byte| !is_name(byte) || byte == b'b' || byte == b'c') =>
        {
            raw_string(rest).map(|length| at + length)
        }
        // A quote starts a character or a lifetime; only the first has a second quote right behind.
        [b'\'', b'\\', ..] => Some(at + quoted(rest, b'\'')),
        [b'\'', first, ..] => {
            let end = 1 + width(*first);
            (rest.get(end) == Some(&b'\'')).then_some(at + end + 1)
        }
        _ => None,
    }
}

/// Answers the length of the UTF-8 character that starts with a byte.
const fn width(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

fn block_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    at
}

fn raw_string(bytes: &[u8]) -> Option<usize> {
    let hashes = bytes[1..].iter().take_while(|byte| **byte == b'#').count();
    (bytes.get(1 + hashes) == Some(&b'"')).then_some(())?;
    let end = [&b"\""[..], &b"#".repeat(hashes)].concat();
    let start = hashes + 2;
    Some(start + find(&bytes[start..], &end)? + end.len())
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn blank(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Answers whether a part of the text stands alone: what ends or starts like a name does not go on.
pub(super) fn is_word(text: &str, start: usize, length: usize) -> bool {
    let bytes = text.as_bytes();
    let joined = |at: usize| at > 0 && at < bytes.len() && is_name(bytes[at - 1]) && is_name(bytes[at]);
    !joined(start) && !joined(start + length)
}

/// Answers the code with items for tests as blanks, and the names of the test modules that lie in other files.
pub(super) fn without_tests(code: &str) -> (String, Vec<String>) {
    let mut bytes = code.as_bytes().to_vec();
    let mut modules = Vec::new();
    let starts = ["#[cfg(test)]", "#[cfg(all(test,"].iter().flat_map(|mark| code.match_indices(mark));
    for (start, mark) in starts {
        let item = start + mark.len();
        let end = item + item_length(&code[item..]);
        let words: Vec<&str> = code[item..end].split_whitespace().collect();
        if let [.., "mod", name] = words.as_slice() {
            modules.extend(name.strip_suffix(';').map(str::to_owned));
        }
        blank(&mut bytes[start..end]);
    }
    (String::from_utf8_lossy(&bytes).into_owned(), modules)
}

/// Answers the length of an item: up to its semicolon, or to the brace that closes its first one.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && byte == b'}' {
                    return at + 1;
                }
            }
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Answers where a module that a file declares can lie: a file, and a directory.
pub(super) fn places(path: &str, module: &str) -> [String; 2] {
    let directory = match path.rsplit_once('/') {
        Some((directory, "mod.rs" | "lib.rs" | "main.rs")) => directory,
        Some(_) | None => path.trim_end_matches(".rs"),
    };
    [format!("{directory}/{module}.rs"), format!("{directory}/{module}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_code() {
        assert_eq!(only("a // b\nc"), "a     \nc");
        assert_eq!(only("a /* b /* c */\n */ d"), "a             \n    d");
        assert_eq!(only(r#"f("a\"b", 'c', '\'', 'x: &'a str)"#).replace(' ', ""), "f(,,,'x:&'astr)");
        assert_eq!(only("r#\"a \" b\"# c").trim(), "c");
        assert_eq!(only("('é', '\"', d)").replace(' ', ""), "(,,d)");
    }

    #[test]
    fn a_name_that_ends_in_r_starts_no_raw_string() {
        assert_eq!(only("var\"a\" b").replace(' ', ""), "varb");
    }

    #[test]
    fn items_for_tests_are_no_code() {
        let (code, modules) =
            without_tests("fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c() } }\nfn d() {}");
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["fn", "a()", "{}", "fn", "d()", "{}"]);
        assert!(modules.is_empty());
        let (code, modules) = without_tests("#[cfg(test)]\n#[allow(x)]\nmod world;\nfn d() {}");
        assert_eq!(code.trim(), "fn d() {}");
        assert_eq!(modules, ["world"]);
    }

    #[test]
    fn a_word_is_not_part_of_a_name() {
        assert!(is_word("a tokio::b", 2, 5));
        assert!(!is_word("mytokio", 2, 5));
        assert!(!is_word("tokio_util", 0, 5));
    }
}
