//! A report as JSON, for programs: counts are numbers, shares and averages fractions, `null` is what does not apply.

use super::{Cell, Section, Table};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes `{"sections": [{"title", "summary", "tables": [{"columns", "rows"}], "sections"}]}`.
pub fn write(out: &mut dyn Write, sections: &[Section]) -> io::Result<()> {
    let report = json!({ "sections": sections.iter().map(section).collect::<Vec<_>>() });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn section(section: &Section) -> Value {
    json!({
        "title": section.title,
        "summary": section.summary,
        "tables": section.tables.iter().filter(|table| !table.rows.is_empty()).map(table).collect::<Vec<_>>(),
        "sections": section.sections.iter().filter(|section| !section.is_empty()).map(self::section).collect::<Vec<_>>(),
    })
}

fn table(table: &Table) -> Value {
    let row = |row: &Vec<Cell>| row.iter().map(cell).collect::<Vec<_>>();
    json!({ "columns": table.columns, "rows": table.rows.iter().map(row).collect::<Vec<_>>() })
}

fn cell(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) | Cell::Explained(text, _) => json!(text),
        Cell::Count(count) => json!(count),
        Cell::Share(..) | Cell::Average(..) | Cell::Change(..) | Cell::Empty => json!(cell.quotient()),
    }
}
