//! `pystats serve`: the counters of all processes of the machine over HTTP, for Prometheus.

use super::{Error, output};
use clap::Parser;
use limpid_pystats::watch::metrics::{self, CONTENT_TYPE};
use limpid_pystats::watch::process::Finder;
use tiny_http::{Header, Method, Request, Response, Server};

/// The dashboard for Grafana.
const DASHBOARD: &str = include_str!("../../grafana.json");

/// Serve the counters of all Limpid processes of this machine, for Prometheus
///
/// GET /metrics has them in the OpenMetrics format. Run it as root to see the processes of all users; otherwise it has your own.
#[derive(Parser)]
pub struct Arguments {
    /// The address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9464")]
    listen: String,
    /// Print a dashboard for Grafana instead
    #[arg(long)]
    dashboard: bool,
}

/// Serves until it is killed.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    if arguments.dashboard {
        return output::write(None, |out| out.write_all(DASHBOARD.as_bytes()));
    }
    let server = Server::http(&arguments.listen).map_err(|error| format!("{}: {error}", arguments.listen))?;
    eprintln!("pystats: http://{}/metrics", server.server_addr());
    let mut finder = Finder::default();
    for request in server.incoming_requests() {
        // That a client has gone away is no reason to end.
        let _ = answer(request, &mut finder);
    }
    Ok(())
}

fn answer(request: Request, finder: &mut Finder) -> std::io::Result<()> {
    let path = request.url().split('?').next().unwrap_or("");
    match (request.method(), path) {
        (Method::Get | Method::Head, "/metrics") => {
            let header = Header::from_bytes("Content-Type", CONTENT_TYPE).expect("a valid header");
            request.respond(Response::from_string(metrics::collect(finder)).with_header(header))
        }
        (Method::Get | Method::Head, _) => request.respond(Response::from_string("see /metrics\n").with_status_code(404)),
        _ => request.respond(Response::from_string("only GET\n").with_status_code(405)),
    }
}
