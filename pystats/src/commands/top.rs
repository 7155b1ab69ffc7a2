//! `pystats top`: a running process on the whole terminal, or as lines of JSON.

use super::live::{self, Every, follow, interpreter};
use super::{Error, process};
use clap::Parser;
use limpid_pystats::watch::process::Process;
use limpid_pystats::watch::sample::{Change, Sample, Watched, show};
use limpid_pystats::watch::threads::Interpreter;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Row, Sparkline, Table};
use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Watch a running process on the whole terminal
///
/// Shows the counters with what is added each second, and the threads with the processor time they take. q ends it.
#[derive(Parser)]
pub struct Arguments {
    /// The process
    pid: u32,
    #[command(flatten)]
    every: Every,
}

/// How many readings the curves show at most.
const HISTORY: usize = 300;

/// The rates of each counter, the latest last.
type History = HashMap<String, Vec<u64>>;

/// Watches until q, Ctrl-C, or the end of the process.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let watched = Watched::open(arguments.pid)?;
    if arguments.every.json {
        return follow(&watched, &arguments.every, |out, change| writeln!(out, "{}", change.json(watched.process.pid)));
    }
    if !std::io::stdout().is_terminal() {
        return Err("top needs a terminal; with --json it prints lines, and `pystats live` a table".into());
    }
    let earlier = Sample::take(&watched)?;
    let mut terminal = ratatui::try_init()?;
    let result = watch(&mut terminal, &watched, &arguments.every, earlier);
    ratatui::restore();
    result
}

fn watch(terminal: &mut ratatui::DefaultTerminal, watched: &Watched, every: &Every, mut earlier: Sample) -> Result<(), Error> {
    let mut history = History::new();
    for reading in 0.. {
        if every.count.is_some_and(|count| reading >= count) || waits(Duration::from_secs_f64(every.interval))? {
            return Ok(());
        }
        if !process::exists(watched.process.pid) {
            return Ok(());
        }
        let now = Sample::take(watched)?;
        let change = now.since(&earlier);
        for (value, rate) in change.values.iter().filter(|(value, _)| value.counter) {
            let rates = history.entry(value.name.clone()).or_default();
            rates.push(rate.round() as u64);
            rates.drain(..rates.len().saturating_sub(HISTORY));
        }
        terminal.draw(|frame| draw(frame, &watched.process, &change, &history))?;
        earlier = now;
    }
    Ok(())
}

/// Waits for so long. True if the user wants to end meanwhile.
fn waits(duration: Duration) -> Result<bool, Error> {
    let end = Instant::now() + duration;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        if event::poll(left)?
            && let Event::Key(key) = event::read()?
            && (matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
                || (key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn draw(frame: &mut Frame, watched: &Process, change: &Change, history: &History) {
    let values = change.values.len() as u16 + 3;
    let [title, top, threads] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(values), Constraint::Min(3)]).areas(frame.area());
    frame.render_widget(Line::from(format!("process {}  {}", watched.pid, watched.command)).bold(), title);
    draw_values(frame, top, change, history);
    draw_threads(frame, threads, change);
}

fn draw_values(frame: &mut Frame, area: Rect, change: &Change, history: &History) {
    let block = Block::bordered().title(" counters ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [left, right] = Layout::horizontal([Constraint::Length(54), Constraint::Min(0)]).areas(inner);
    let rows = change.values.iter().map(|(value, rate)| {
        let rate = if value.counter { format!("{}/s", show(rate.round() as u64, value.unit)) } else { String::new() };
        Row::new([
            Line::from(value.name.clone()),
            Line::from(show(value.value, value.unit)).right_aligned(),
            Line::from(rate).right_aligned(),
        ])
    });
    let widths = [Constraint::Length(22), Constraint::Length(14), Constraint::Length(14)];
    let header = Row::new(["NAME", "VALUE", "A SECOND"]).style(Style::new().bold());
    frame.render_widget(Table::new(rows, widths).header(header), left);
    // A curve beside each counter, one line high.
    for (index, (value, _)) in change.values.iter().enumerate() {
        let row = Rect { y: right.y + 1 + index as u16, height: 1, ..right };
        if let Some(rates) = history.get(&value.name).filter(|_| row.y < right.bottom()) {
            let shown = &rates[rates.len().saturating_sub(row.width.into())..];
            frame.render_widget(Sparkline::default().data(shown), row);
        }
    }
}

fn draw_threads(frame: &mut Frame, area: Rect, change: &Change) {
    let mut threads = change.threads.clone();
    threads.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let rows = threads.iter().map(|(thread, share)| {
        Row::new([
            Cell::from(thread.tid.to_string()),
            Cell::from(interpreter(thread.interpreter)),
            Cell::from(thread.state.to_string()),
            Cell::from(format!("{:>7}", live::share(*share))),
            Cell::from(format!("{:.1} s", thread.cpu)),
            Cell::from(thread.name.clone()),
        ])
    });
    let widths = [9, 11, 5, 8, 10].map(Constraint::Length).into_iter().chain([Constraint::Min(8)]);
    let header = Row::new(["TID", "INTERPRETER", "STATE", "CPU", "CPU TIME", "NAME"]).style(Style::new().bold());
    let of_interpreter = |of: &Interpreter| match of.number {
        Some(number) => format!("{} of interpreter {number}: {}", of.threads, live::share(of.share)),
        None => format!("{} of the runtime: {}", of.threads, live::share(of.share)),
    };
    let interpreters: Vec<String> = change.interpreters().iter().map(of_interpreter).collect();
    let title = format!(" {} threads, {} ", change.threads.len(), interpreters.join(", "));
    frame.render_widget(Table::new(rows, widths).header(header).block(Block::bordered().title(title)), area);
}

#[cfg(test)]
mod tests {
    use super::*;
    use limpid_pystats::live::LIVE;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    #[test]
    fn screen() {
        LIVE.world_stops.add(41);
        let watched = Watched::open(std::process::id()).unwrap();
        let sample = Sample::take(&watched).unwrap();
        let history = History::from([("world_stops".to_owned(), vec![1, 8, 3])]);
        // Also a terminal with hardly any room.
        for (width, height) in [(100, 40), (20, 4)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| draw(frame, &watched.process, &sample.since(&sample), &history)).unwrap();
            if width == 100 {
                let screen = terminal.backend().to_string();
                assert!(screen.contains("world_stops                        41"), "{screen}");
                assert!(screen.contains("STATE") && screen.contains(&std::process::id().to_string()), "{screen}");
                assert!(screen.contains('█'), "{screen}");
            }
        }
    }
}
