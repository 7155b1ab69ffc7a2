//! A report for the terminal.

use super::{Cell, Section, Table};
use std::io::{self, Write};

/// Writes the sections as plain text.
pub fn write(out: &mut dyn Write, sections: &[Section]) -> io::Result<()> {
    for (index, section) in sections.iter().enumerate() {
        if index != 0 {
            writeln!(out)?;
        }
        write_section(out, section, 0)?;
    }
    Ok(())
}

fn write_section(out: &mut dyn Write, section: &Section, level: usize) -> io::Result<()> {
    let underline = ["=", "-", "~"][level.min(2)];
    writeln!(out, "{}\n{}", section.title, underline.repeat(section.title.chars().count()))?;
    if level == 0 {
        writeln!(out, "{}", section.summary)?;
    }
    for table in section.tables.iter().filter(|table| !table.rows.is_empty()) {
        writeln!(out)?;
        write_table(out, table)?;
    }
    for subsection in section.sections.iter().filter(|section| !section.is_empty()) {
        writeln!(out)?;
        write_section(out, subsection, level + 1)?;
    }
    Ok(())
}

fn write_table(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    let header: Vec<String> = table.columns.iter().map(|&column| column.to_owned()).collect();
    let rows: Vec<Vec<String>> = table.rows.iter().map(|row| row.iter().map(Cell::show).collect()).collect();
    let width = |column: usize| {
        let lines = rows.iter().chain([&header]);
        lines.map(|line| line[column].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    for line in [&header].into_iter().chain(&rows) {
        let mut text = String::new();
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            if table.is_numeric(column) {
                text += &format!("{cell:>width$}  ");
            } else {
                text += &format!("{cell:<width$}  ");
            }
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}
