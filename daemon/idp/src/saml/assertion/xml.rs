//! Base64 and XML with bounds. There are no document types, so there is nothing to expand and nothing to fetch.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use keyfob_shared::Secret;
use roxmltree::{Document, Error, Node, ParsingOptions};
use zeroize::Zeroizing;

use super::MAX_ENCODED;

/// The most nodes of a document; a response with a thousand roles has some five thousand.
const MAX_NODES: u32 = 50_000;
/// Some providers leave the padding out.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// Answers a response without the line breaks of its base64, and its text.
pub(super) fn decode(received: &Secret) -> Result<(Secret, Zeroizing<String>), String> {
    // Line breaks come on top; nobody breaks lines more often than that.
    if received.expose().len() > 2 * MAX_ENCODED {
        return Err(too_long());
    }
    let encoded: String = received.expose().split_ascii_whitespace().collect();
    let encoded = Secret::new(encoded);
    if encoded.expose().len() > MAX_ENCODED {
        return Err(too_long());
    }
    if encoded.expose().is_empty() {
        return Err("it is empty".into());
    }
    let bytes = BASE64.decode(encoded.expose()).map_err(|_| "it is not base64".to_owned())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())?;
    Ok((encoded, Zeroizing::new(text)))
}

fn too_long() -> String {
    format!("it has more than the {MAX_ENCODED} characters that AWS takes")
}

/// Reads a document; its depth costs no stack.
pub(super) fn parse(text: &str) -> Result<Document<'_>, String> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| match error {
        Error::DtdDetected => "its XML has a document type, which SAML forbids".to_owned(),
        Error::NodesLimitReached => format!("its XML has more than {MAX_NODES} nodes"),
        // Other errors quote what they found.
        _ => "it is no well-formed XML".to_owned(),
    })
}

/// Answers the elements below a node, by namespace and name.
pub(super) fn children<'a, 'input>(
    node: Node<'a, 'input>,
    namespace: &'a str,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.has_tag_name((namespace, name)))
}

/// Answers the text of a node, whose pieces comments may divide.
pub(super) fn text(node: Node<'_, '_>) -> String {
    let pieces = node.children().filter(Node::is_text).filter_map(|piece| piece.text());
    pieces.collect::<String>().trim().to_owned()
}
