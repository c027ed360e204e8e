use clap::Args;
use serde_json::json;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::cli::Format;
use crate::failure::Failure;
use crate::output::{Cell, Table, Tone};
use crate::session::Session;

/// The services of the contract; the empty name is the broker as a whole (`grpc.health.v1`).
const SERVICES: [&str; 5] = [
    "",
    "tokenbroker.v1.TokenService",
    "tokenbroker.v1.ConsentService",
    "tokenbroker.v1.AdminService",
    "tokenbroker.v1.EventService",
];

#[derive(Debug, Args)]
pub(crate) struct Health {}

type Checked = (&'static str, ServingStatus);

impl Health {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut checks: Vec<Checked> = Vec::new();
        for service in SERVICES {
            checks.push((service, check(session, service).await?));
        }
        print(session, &checks)?;
        let overall = checks.first().map(|(_, status)| *status);
        if overall == Some(ServingStatus::Serving) { Ok(()) } else { Err(Failure::NotServing) }
    }
}

/// A service that the broker does not run (another role does) is unknown to it, which is no error.
async fn check(session: &Session, service: &str) -> Result<ServingStatus, Failure> {
    let request = session.request(HealthCheckRequest { service: service.to_owned() });
    match session.health().check(request).await {
        Ok(answer) => Ok(answer.into_inner().status()),
        Err(status) if status.code() == Code::NotFound => Ok(ServingStatus::ServiceUnknown),
        Err(status) => Err(status.into()),
    }
}

fn print(session: &Session, checks: &[Checked]) -> Result<(), Failure> {
    let output = session.output();
    match output.format() {
        Format::Json | Format::Yaml => {
            output.document(&json!({ "services": checks.iter().map(as_json).collect::<Vec<_>>() }))
        }
        Format::Table | Format::Token => output.table(&table(checks)),
    }
}

fn as_json((service, status): &Checked) -> serde_json::Value {
    json!({ "service": service, "status": status.as_str_name() })
}

fn table(checks: &[Checked]) -> Table {
    let mut table = Table::headed(["SERVICE", "STATUS"]);
    for (service, status) in checks {
        let name = if service.is_empty() { "(the broker)" } else { service };
        let tone = match status {
            ServingStatus::Serving => Tone::Good,
            ServingStatus::NotServing => Tone::Bad,
            ServingStatus::ServiceUnknown | ServingStatus::Unknown => Tone::Plain,
        };
        table.row([name.into(), Cell::toned(status.as_str_name(), tone)]);
    }
    table
}
