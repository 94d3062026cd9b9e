//! The matrix as a page.

use std::fmt::Write as _;

use super::{Colours, Matrix, heat_map, print};

pub(super) fn html(matrix: &Matrix) -> String {
    let mut out = String::from(HEAD);
    let _ = writeln!(out, "<h1>Every NAT with every NAT: ICE of {}</h1>", escape(&matrix.endpoint));
    let _ = writeln!(out, "<pre>{}</pre>", escape(&print::summary(matrix)));
    let wrong = matrix.disagreements().count();
    let verdict = if wrong == 0 {
        "The rules predict every pair.".to_owned()
    } else {
        format!("{wrong} pairs are not what the rules say; they have circles.")
    };
    let _ = writeln!(out, "<p>{verdict}</p>");
    for sheet in &matrix.sheets {
        let _ = writeln!(out, "<h2>{}</h2>", escape(&sheet.title()));
        for colours in [Colours::Outcome, Colours::Time] {
            let _ = writeln!(out, "<figure>{}</figure>", heat_map(sheet, colours));
        }
    }
    out.push_str("</body></html>\n");
    out
}

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width\"><title>Every NAT with every NAT</title><style>\
body{font:16px/1.5 DejaVu Sans,Helvetica,Arial,sans-serif;margin:2rem auto;max-width:1400px;padding:0 1rem;\
color:#1b1f24}pre{overflow:auto;background:#f6f8fa;padding:1rem}figure{margin:1rem 0;overflow:auto}\
</style></head><body>\n";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
