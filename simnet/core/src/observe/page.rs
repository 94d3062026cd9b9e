//! Everything about one run on one page.

use std::fmt::Write as _;

use super::{
    bindings::Bindings,
    ladder::Ladder,
    svg::{Escaped, STYLE},
};

/// A self-contained HTML page: verdicts, pictures, tables. It loads nothing and works from a file.
///
/// ```
/// use simnet::observe::{Ladder, Page};
///
/// let mut page = Page::new("A quiet night");
/// page.verdict(true, "nobody spoke", "0 packets");
/// page.ladder("The conversation", &Ladder::new());
/// assert!(page.render().contains("nobody spoke"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Page {
    title: String,
    about: Vec<String>,
    verdicts: Vec<(bool, String, String)>,
    /// Headings with the HTML below them.
    sections: Vec<(String, String)>,
}

impl Page {
    /// A page with a title and nothing else.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), ..Self::default() }
    }

    /// Adds a paragraph below the title.
    pub fn about(&mut self, words: &str) -> &mut Self {
        self.about.push(words.to_owned());
        self
    }

    /// Adds whether a claim held, and what was seen.
    pub fn verdict(&mut self, held: bool, claim: &str, seen: &str) -> &mut Self {
        self.verdicts.push((held, claim.to_owned(), seen.to_owned()));
        self
    }

    /// Adds the ladder as a picture whose heads stay in view, and as text to copy.
    pub fn ladder(&mut self, heading: &str, ladder: &Ladder) -> &mut Self {
        let (heads, body) = ladder.svg_parts(heading);
        let html = format!(
            "<p class=\"hint\">Time runs down; a slope is a delay. Addresses that a NAT rewrote and \
             what is new in its table are <b class=\"changed\">brown</b>. Click an arrow to follow its \
             packet from end to end.</p>\n<div class=\"scroll\"><div class=\"heads\">{heads}</div>\
             {body}</div>\n<details><summary>The same as text</summary><pre>{}</pre></details>\n",
            Escape(&ladder.render())
        );
        self.sections.push((heading.to_owned(), html));
        self
    }

    /// Adds the mappings of every NAT as a picture and as tables, if there were any.
    pub fn bindings(&mut self, heading: &str, bindings: &Bindings) -> &mut Self {
        let gantt = bindings.gantt();
        if !gantt.is_empty() {
            let html = format!(
                "<div class=\"scroll\">{gantt}</div>\n<details><summary>The same as text</summary>\
                 <pre>{}</pre></details>\n",
                Escape(&bindings.table())
            );
            self.sections.push((heading.to_owned(), html));
        }
        self
    }

    /// Adds a picture, which must be an SVG and is trusted.
    pub fn figure(&mut self, heading: &str, svg: &str) -> &mut Self {
        let html = format!("<div class=\"scroll\">{svg}</div>\n");
        self.sections.push((heading.to_owned(), html));
        self
    }

    /// Adds text that keeps its lines.
    pub fn text(&mut self, heading: &str, text: &str) -> &mut Self {
        self.sections.push((heading.to_owned(), format!("<pre>{}</pre>\n", Escape(text))));
        self
    }

    /// Adds text that keeps its lines and is unfolded on demand.
    pub fn folded(&mut self, heading: &str, text: &str) -> &mut Self {
        let html = format!("<details><summary>Show</summary><pre>{}</pre></details>", Escape(text));
        self.sections.push((heading.to_owned(), html));
        self
    }

    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let title = Escaped(&self.title);
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\n\
             <style>{STYLE}{PAGE_STYLE}</style></head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        );
        for words in &self.about {
            let _ = writeln!(out, "<p>{}</p>", Escaped(words));
        }
        if !self.verdicts.is_empty() {
            out.push_str("<table class=\"verdicts\">\n");
            for (held, claim, seen) in &self.verdicts {
                let (class, mark) =
                    if *held { ("good", "✓ held") } else { ("bad", "✗ broken") };
                let (claim, seen) = (Escaped(claim), Escaped(seen));
                let _ = writeln!(
                    out,
                    "<tr><td class=\"{class}\">{mark}</td><td>{claim}</td><td>{seen}</td></tr>"
                );
            }
            out.push_str("</table>\n");
        }
        for (heading, html) in &self.sections {
            let _ = writeln!(out, "<section>\n<h2>{}</h2>\n{html}</section>", Escaped(heading));
        }
        let _ = write!(out, "</main>\n<script>{SCRIPT}</script>\n</body></html>\n");
        out
    }
}

/// Text for an element that keeps its lines.
struct Escape<'a>(&'a str);

impl std::fmt::Display for Escape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in self.0.lines() {
            writeln!(f, "{}", Escaped(line))?;
        }
        Ok(())
    }
}

const PAGE_STYLE: &str = "\
body{margin:0;background:#f6f8fa;color:#1b1f24;\
font:16px/1.5 'Inter','Segoe UI','DejaVu Sans',Helvetica,Arial,sans-serif}\
main{max-width:1700px;margin:0 auto;padding:24px}h1{font-size:28px;margin:8px 0}\
h2{font-size:19px;margin:0 0 8px}section{background:#fff;border:1px solid #d8dee4;border-radius:8px;\
padding:16px 20px;margin:18px 0}.scroll{overflow:auto;max-height:88vh}\
.heads{position:sticky;top:0;z-index:1;background:#fff;width:max-content}\
.heads svg,.scroll svg{display:block}.hint{color:#57606a;margin:0 0 10px}.changed{color:#9a4a00}\
pre{font:13px/1.45 'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace;overflow:auto;margin:8px 0}\
summary{cursor:pointer;color:#0b5cad}.verdicts{border-collapse:collapse;background:#fff;width:100%;\
border:1px solid #d8dee4}.verdicts td{padding:7px 14px;border-top:1px solid #d8dee4}\
td.good{color:#1a7f37;font-weight:600;white-space:nowrap}td.bad{color:#b3261e;font-weight:600;\
white-space:nowrap}@media print{.scroll{max-height:none}}";

/// Follows one packet: a click dims all others, a second one shows them again.
const SCRIPT: &str = "\
let chosen=null;document.addEventListener('click',e=>{const g=e.target.closest('g.p');\
if(!g){return}chosen=chosen===g.dataset.p?null:g.dataset.p;\
document.querySelectorAll('g.p').forEach(o=>o.classList.toggle('dim',chosen!==null&&o.dataset.p!==chosen))});";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_self_contained_and_escapes_what_it_is_told() {
        let mut page = Page::new("<script>alert(1)</script>");
        page.about("a & b").verdict(false, "1 < 2", "\"no\"").text("t", "a\n  b<c");
        let html = page.render();
        assert!(
            !html.contains("<script>alert")
                && !html.contains("http://")
                && html.contains("a &amp; b")
        );
        assert!(html.contains("<td>1 &lt; 2</td><td>&quot;no&quot;</td>"));
        assert!(html.contains("a\n  b&lt;c\n"));
    }
}
