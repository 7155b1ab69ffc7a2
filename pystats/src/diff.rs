//! What has changed between two sets of dumps: the tables of both reports, row by row.

use crate::counts::Counts;
use crate::report::sections::{self, Limits};
use crate::report::{Cell, Section, Table};
use indexmap::IndexMap;

/// How many rows a table of changes has at most.
const ROWS: usize = 100;

/// A report of what changed: in each table Base, Head and Change, the greatest relative change first. What did not change is left out.
pub fn make(base: &Counts, head: &Counts) -> Vec<Section> {
    compare(&sections::all(base, &Limits::NONE), &sections::all(head, &Limits::NONE))
}

/// Sections are the same if they have the same title; an empty one stands for what only the other side has.
fn compare(base: &[Section], head: &[Section]) -> Vec<Section> {
    let nothing = Section::default();
    let mut titles: Vec<&str> = base.iter().map(|section| section.title.as_str()).collect();
    titles.extend(head.iter().map(|section| section.title.as_str()).filter(|title| !base.iter().any(|other| other.title == *title)));
    let find = |sections: &'_ [Section], title: &str| sections.iter().position(|section| section.title == title);
    let changed = titles.into_iter().map(|title| {
        let base = find(base, title).map_or(&nothing, |index| &base[index]);
        let head = find(head, title).map_or(&nothing, |index| &head[index]);
        let named = if head.title.is_empty() { base } else { head };
        let tables = (0..base.tables.len().max(head.tables.len())).map(|index| changes(base.tables.get(index), head.tables.get(index)));
        Section {
            title: title.to_owned(),
            summary: named.summary.clone(),
            doc: named.doc.clone(),
            tables: tables.filter(|table| !table.rows.is_empty()).collect(),
            sections: compare(&base.sections, &head.sections),
        }
    });
    changed.filter(|section| !section.is_empty()).collect()
}

/// The counts of two tables of the same kind that are not the same in both.
fn changes(base: Option<&Table>, head: Option<&Table>) -> Table {
    let heading = head.or(base).map_or("", |table| table.columns[0]);
    let mut rows: IndexMap<String, (Cell, u64, u64)> = IndexMap::new();
    each_count(base, &mut |name, label, count| rows.entry(name).or_insert((label, 0, 0)).1 = count);
    each_count(head, &mut |name, label, count| rows.entry(name).or_insert((label, 0, 0)).2 = count);
    let mut changed: Vec<(Cell, u64, u64)> = rows.into_values().filter(|(_, base, head)| base != head).collect();
    let size = |&(_, base, head): &(Cell, u64, u64)| Cell::Change(base, head).quotient().map_or(f64::INFINITY, f64::abs);
    // Of what is new or gone, the most frequent first.
    changed.sort_by(|a, b| size(b).total_cmp(&size(a)).then((b.1.max(b.2)).cmp(&a.1.max(a.2))));
    let row = |(label, base, head)| vec![label, Cell::Count(base), Cell::Count(head), Cell::Change(base, head)];
    Table { columns: vec![heading, "Base", "Head", "Change"], rows: changed.into_iter().take(ROWS).map(row).collect() }
}

/// Calls `visit` with the name of each count of a table, the cell to label it with, and the count. A row with several counts has a
/// name for each.
fn each_count(table: Option<&Table>, visit: &mut dyn FnMut(String, Cell, u64)) {
    for row in table.iter().flat_map(|table| &table.rows) {
        let counts = || row.iter().enumerate().skip(1).filter(|(_, cell)| matches!(cell, Cell::Count(_)));
        let several = counts().count() > 1;
        for (column, cell) in counts() {
            let Cell::Count(count) = *cell else { continue };
            let label = match (several, table) {
                (true, Some(table)) => Cell::Text(format!("{} {}: {}", table.columns[0], row[0].show(), table.columns[column])),
                _ => row[0].clone(),
            };
            visit(label.show(), label, count);
        }
    }
}
