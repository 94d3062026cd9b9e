//! PEM, as far as key and certificate files need it. The runner writes no other form.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The contents of every block of `text` with `label`, in order; blocks that do not decode are left out.
pub(crate) fn blocks(text: &str, label: &str) -> Vec<Vec<u8>> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    text.split(begin.as_str())
        .skip(1)
        .filter_map(|rest| {
            let (body, _) = rest.split_once(end.as_str())?;
            let body: String = body.split_whitespace().collect();
            STANDARD.decode(body).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "words before\n-----BEGIN CERTIFICATE-----\nAQID\nBAU=\n-----END CERTIFICATE-----\n\
                        -----BEGIN PRIVATE KEY-----\nBgc=\n-----END PRIVATE KEY-----\n\
                        -----BEGIN CERTIFICATE-----\nCAk=\n-----END CERTIFICATE-----\n";

    #[test]
    fn a_chain_is_read_in_order() {
        assert_eq!(blocks(TEXT, "CERTIFICATE"), [vec![1, 2, 3, 4, 5], vec![8, 9]]);
        assert_eq!(blocks(TEXT, "PRIVATE KEY"), [vec![6, 7]]);
        assert!(blocks(TEXT, "PUBLIC KEY").is_empty());
    }
}
