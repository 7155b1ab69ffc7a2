//! A report as Markdown, each section folded behind its summary as on GitHub.

use super::{Cell, Section, Table};
use std::io::{self, Write};

/// Writes the sections as Markdown.
pub fn write(out: &mut dyn Write, sections: &[Section]) -> io::Result<()> {
    sections.iter().try_for_each(|section| write_section(out, section, 2))
}

fn write_section(out: &mut dyn Write, section: &Section, level: usize) -> io::Result<()> {
    writeln!(out, "{} {}\n", "#".repeat(level), section.title)?;
    writeln!(out, "<details>\n<summary>{}</summary>\n", escape(&section.summary))?;
    if !section.doc.is_empty() {
        writeln!(out, "{}\n", section.doc)?;
    }
    for table in section.tables.iter().filter(|table| !table.rows.is_empty()) {
        write_table(out, table)?;
    }
    for subsection in section.sections.iter().filter(|section| !section.is_empty()) {
        write_section(out, subsection, level + 1)?;
    }
    writeln!(out, "</details>\n")
}

fn write_table(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    writeln!(out, "| {} |", table.columns.join(" | "))?;
    let alignment = |column| {
        if table.is_numeric(column) { "---:" } else { "---" }
    };
    let alignments: Vec<&str> = (0..table.columns.len()).map(alignment).collect();
    writeln!(out, "| {} |", alignments.join(" | "))?;
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(show).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    writeln!(out)
}

fn show(cell: &Cell) -> String {
    match cell {
        Cell::Explained(text, explanation) => {
            format!("<span title=\"{}\">{}</span>", escape(explanation), escape(text))
        }
        _ => escape(&cell.show()),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('|', "\\|")
}
