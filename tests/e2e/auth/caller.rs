//! A client that shows what it is told to, and how it fared.

use std::net::SocketAddr;
use std::time::Duration;

use broker_proto::error::BrokerError;
use broker_proto::v1::admin_service_client::AdminServiceClient;
use broker_proto::v1::{GetGrantRequest, GrantKey, Reason};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

use broker_e2e::authority::Identity;

/// How the broker received a caller.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reception {
    /// The caller is known: the answer is about what was asked.
    Known,
    /// UNAUTHENTICATED, CALLER_UNKNOWN.
    Unknown,
    /// No connection came about, or it broke.
    CutOff,
}

/// What a caller shows, and whom it believes.
#[derive(Clone, Default)]
pub(super) struct Caller {
    /// Certificates (PEM) of the authorities that the server's may come from.
    pub(super) authorities: String,
    pub(super) identity: Option<Identity>,
    pub(super) token: Option<String>,
}

impl Caller {
    pub(super) fn of(authorities: String) -> Self {
        Self { authorities, ..Self::default() }
    }

    pub(super) fn with_identity(&self, identity: Identity) -> Self {
        Self { identity: Some(identity), ..self.clone() }
    }

    pub(super) fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// Connects at the first call.
    pub(super) fn channel(&self, address: SocketAddr) -> Channel {
        let mut tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.authorities))
            .domain_name("localhost");
        if let Some(Identity { certificate, key }) = &self.identity {
            tls = tls.identity(tonic::transport::Identity::from_pem(certificate, key));
        }
        let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
        endpoint.connect_timeout(Duration::from_secs(10)).tls_config(tls).unwrap().connect_lazy()
    }

    /// Calls once, on a connection of its own.
    pub(super) async fn call(&self, address: SocketAddr) -> Reception {
        self.call_over(self.channel(address)).await
    }

    /// Calls once.
    pub(super) async fn call_over(&self, channel: Channel) -> Reception {
        let key = GrantKey {
            tenant_id: "acme".to_owned(),
            provider: "evercam".to_owned(),
            user_id: "nobody".to_owned(),
            account: String::new(),
        };
        let mut request = Request::new(GetGrantRequest { key: Some(key) });
        request.set_timeout(Duration::from_secs(20));
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        // A name somebody only says is none, whatever else is shown.
        request.metadata_mut().insert("x-tokenbroker-principal", "root".parse().unwrap());
        reception(&AdminServiceClient::new(channel).get_grant(request).await.unwrap_err())
    }
}

/// Nobody's grant is there, so that every answer is an error; that of the broker has a reason.
fn reception(status: &Status) -> Reception {
    match (status.code(), BrokerError::from_status(status).reason()) {
        (Code::Unauthenticated, Some(Reason::CallerUnknown)) => Reception::Unknown,
        (Code::NotFound | Code::PermissionDenied, Some(_)) => Reception::Known,
        (Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal, None) => Reception::CutOff,
        _ => panic!("{status:?}"),
    }
}
