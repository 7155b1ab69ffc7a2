//! A report as CSV, one value a line, for spreadsheets and data frames.
//!
//! Columns: `section` with its subsection after a slash, `table` (what the table lists, where a section has several), `name`
//! of the row, `measure` (the table's column), `value`. Counts are whole numbers, shares and averages fractions.

use super::{Cell, Section};
use std::io::{self, Write};

/// Writes the sections as CSV with a header.
pub fn write(out: &mut dyn Write, sections: &[Section]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["section", "table", "name", "measure", "value"])?;
    for section in sections {
        write_section(&mut writer, &section.title, section)?;
    }
    writer.flush()
}

fn write_section(writer: &mut csv::Writer<&mut dyn Write>, path: &str, section: &Section) -> io::Result<()> {
    for table in &section.tables {
        for row in &table.rows {
            for (column, cell) in table.columns.iter().zip(row).skip(1) {
                let value = match cell {
                    Cell::Count(count) => count.to_string(),
                    _ => match cell.quotient() {
                        Some(quotient) => quotient.to_string(),
                        None => continue,
                    },
                };
                writer.write_record([path, table.columns[0], &row[0].show(), column, &value])?;
            }
        }
    }
    for subsection in &section.sections {
        write_section(writer, &format!("{path}/{}", subsection.title), subsection)?;
    }
    Ok(())
}
