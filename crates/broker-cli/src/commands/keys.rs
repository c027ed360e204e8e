use std::time::Duration;

use broker_proto::v1::rotate_keys_request::Scope;
use broker_proto::v1::{
    GetKeyRotationRequest, Key, KeyKind, KeyRotation, KeyRotationState, ListKeyRotationsRequest,
    ListKeysRequest, ListKeysResponse, RetireKeyRequest, RotateKeysRequest, RotateKeysResponse,
};
use clap::{Args, Subcommand, ValueEnum};

use super::key_progress::Progress;
use super::key_table;
use crate::failure::Failure;
use crate::session::Session;
use crate::when::now;

/// How often a rotation that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// List keys and how much each protects; --tenant lists its data keys only
    List(List),
    /// Rotate keys: wrap data keys anew (kek), or make new ones and seal everything anew (dek)
    Rotate(Rotate),
    /// List rotations of keys, newest first
    Rotations,
    /// Retire a key that protects nothing any more
    Retire(Retire),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this kind
    #[arg(long, value_enum)]
    kind: Option<Kind>,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Which keys
    #[arg(value_enum)]
    kind: Kind,
    /// Those of every tenant, instead of --tenant
    #[arg(long)]
    all: bool,
    /// Count what there is to do and do nothing
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// Wait for the end, and fail if some values do not open
    #[arg(long)]
    wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Retire {
    /// The key's id, as `keys list` shows it
    key: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Key encryption keys
    Kek,
    /// Data keys
    Dek,
}

impl From<Kind> for KeyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Kek => Self::Kek,
            Kind::Dek => Self::Dek,
        }
    }
}

impl Keys {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(session).await,
            Self::Rotate(rotate) => rotate.run(session).await,
            Self::Rotations => rotations(session).await,
            Self::Retire(retire) => retire.run(session).await,
        }
    }
}

impl List {
    /// Reads page after page.
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut keys: Vec<Key> = Vec::new();
        let mut request = ListKeysRequest {
            tenant_id: session.tenant().unwrap_or_else(|_| "*".to_owned()),
            kind: self.kind.map_or(KeyKind::Unspecified, KeyKind::from).into(),
            ..Default::default()
        };
        loop {
            let page = session.admin().list_keys(session.request(request.clone())).await?.into_inner();
            keys.extend(page.keys);
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let answer = ListKeysResponse { keys, next_page_token: String::new() };
        session.output().answer(&answer, |answer| key_table::list(&answer.keys, &now()))
    }
}

impl Rotate {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = RotateKeysRequest {
            scope: Some(self.scope(session)?),
            kind: KeyKind::from(self.kind).into(),
            dry_run: self.dry_run,
            ..Default::default()
        };
        let answer = session.admin().rotate_keys(session.request(request)).await?.into_inner();
        let mut rotation = answer.key_rotation.ok_or(Failure::Incomplete("key_rotation"))?;
        if self.wait {
            rotation = ended(session, rotation).await?;
        }
        let failed = rotation.state() == KeyRotationState::Failed;
        let answer = RotateKeysResponse { key_rotation: Some(rotation.clone()) };
        session.output().answer(&answer, |_| key_table::rotation(&rotation, &now()))?;
        if self.wait && failed { Err(Failure::RotationFailed(rotation.failed_count)) } else { Ok(()) }
    }

    fn scope(&self, session: &Session) -> Result<Scope, Failure> {
        match (self.all, session.tenant()) {
            (true, Ok(_)) => Err(Failure::Usage("give --tenant or --all, not both".to_owned())),
            (true, Err(_)) => Ok(Scope::All(true)),
            (false, Ok(tenant)) => Ok(Scope::TenantId(tenant)),
            (false, Err(_)) => Err(Failure::Usage("--tenant or --all is required".to_owned())),
        }
    }
}

impl Retire {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = session.request(RetireKeyRequest { key_id: self.key });
        let answer = session.admin().retire_key(request).await?.into_inner();
        session.output().answer(&answer, |answer| key_table::list(answer.key.as_slice(), &now()))
    }
}

async fn rotations(session: &Session) -> Result<(), Failure> {
    let request = session.request(ListKeyRotationsRequest::default());
    let answer = session.admin().list_key_rotations(request).await?.into_inner();
    session.output().answer(&answer, |answer| key_table::rotations(&answer.key_rotations, &now()))
}

/// The rotation once it has ended; meanwhile standard error tells how far it is.
async fn ended(session: &Session, mut rotation: KeyRotation) -> Result<KeyRotation, Failure> {
    let mut progress = Progress::on_stderr();
    while rotation.state() == KeyRotationState::Running {
        progress.show(&rotation);
        tokio::time::sleep(LOOK_EVERY).await;
        let request = GetKeyRotationRequest {
            rotation_id: rotation.rotation_id.clone(),
            tenant_id: rotation.tenant_id.clone(),
        };
        let answer = session.admin().get_key_rotation(session.request(request)).await?.into_inner();
        rotation = answer.key_rotation.ok_or(Failure::Incomplete("key_rotation"))?;
    }
    progress.end();
    Ok(rotation)
}
