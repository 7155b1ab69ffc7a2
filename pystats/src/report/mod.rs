//! A report: sections with tables, made of [`Counts`] and written in one of several formats.
//!
//! [`sections`] decides what is in it, and follows CPython's `summarize_stats`; the modules of the formats know tables only.

pub mod csv;
pub mod json;
pub mod markdown;
pub mod sections;
pub mod text;

use crate::counts::Counts;

/// A titled part of a report.
#[derive(Debug, Default)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// One line on what is in it.
    pub summary: String,
    /// How to read it, if that needs words.
    pub doc: String,
    /// Its tables.
    pub tables: Vec<Table>,
    /// Its subsections.
    pub sections: Vec<Section>,
}

/// A table. Its first column says what a row is about.
#[derive(Debug)]
pub struct Table {
    /// The headings, as many as each row has cells.
    pub columns: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// Words that need an explanation, and the explanation.
    Explained(String, &'static str),
    /// A number of things.
    Count(u64),
    /// A share, shown as a percentage.
    Share(u64, u64),
    /// So many of the first for each of the second.
    Average(u64, u64),
    /// What was the first has become the second.
    Change(u64, u64),
    /// Does not apply.
    Empty,
}

impl Cell {
    /// The cell as it is shown to people.
    pub fn show(&self) -> String {
        match *self {
            Cell::Text(ref text) | Cell::Explained(ref text, _) => text.clone(),
            Cell::Count(count) => group_digits(&count.to_string()),
            Cell::Share(0, 0) | Cell::Average(0, 0) | Cell::Empty => String::new(),
            Cell::Share(part, 0) | Cell::Average(part, 0) => {
                format!("{} / 0 !!", group_digits(&part.to_string()))
            }
            Cell::Share(part, whole) => group_digits(&format!("{:.1}", part as f64 / whole as f64 * 100.0)) + "%",
            Cell::Change(0, _) => "new".to_owned(),
            Cell::Change(_, 0) => "gone".to_owned(),
            Cell::Change(base, head) => {
                let percent = format!("{:+.1}", (head as f64 / base as f64 - 1.0) * 100.0);
                percent[..1].to_owned() + &group_digits(&percent[1..]) + "%"
            }
            Cell::Average(sum, number) => group_digits(&format!("{:.2}", sum as f64 / number as f64)),
        }
    }

    /// The quotient of a share or an average, or the relative change, if it has one.
    pub fn quotient(&self) -> Option<f64> {
        match *self {
            Cell::Share(part, whole) | Cell::Average(part, whole) if whole != 0 => Some(part as f64 / whole as f64),
            Cell::Change(base, head) if base != 0 => Some(head as f64 / base as f64 - 1.0),
            _ => None,
        }
    }
}

/// Puts a comma between groups of three digits of the integer part.
fn group_digits(number: &str) -> String {
    let integer = number.find('.').unwrap_or(number.len());
    let mut grouped = String::new();
    for (index, digit) in number.char_indices() {
        if index != 0 && index < integer && (integer - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl Section {
    /// Nothing to show?
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| table.rows.is_empty()) && self.sections.iter().all(Section::is_empty)
    }
}

impl Table {
    /// Is this column numbers?
    pub fn is_numeric(&self, column: usize) -> bool {
        self.rows.iter().any(|row| !matches!(row[column], Cell::Text(_) | Cell::Explained(..)))
    }
}

/// The sections of a report, those without content left out.
pub fn make(counts: &Counts) -> Vec<Section> {
    let mut sections = sections::all(counts, &sections::Limits::READABLE);
    sections.retain(|section| !section.is_empty());
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(Cell::Count(0).show(), "0");
        assert_eq!(Cell::Count(999).show(), "999");
        assert_eq!(Cell::Count(1_234_567).show(), "1,234,567");
        assert_eq!(Cell::Share(1, 3).show(), "33.3%");
        assert_eq!(Cell::Share(40, 3).show(), "1,333.3%");
        assert_eq!(Cell::Share(0, 0).show(), "");
        assert_eq!(Cell::Share(1200, 0).show(), "1,200 / 0 !!");
        assert_eq!(Cell::Average(12345, 10).show(), "1,234.50");
        assert_eq!(Cell::Change(100, 75).show(), "-25.0%");
        assert_eq!(Cell::Change(1, 1001).show(), "+100,000.0%");
        assert_eq!(Cell::Change(0, 3).show(), "new");
        assert_eq!(Cell::Change(3, 0).show(), "gone");
    }
}
