use broker_proto::v1::{
    AccessAction, AccessPolicy, CreateAccessPolicyRequest, DeleteAccessPolicyRequest, ExplainAccessRequest,
    GrantKey, ListAccessPoliciesRequest, ListAccessPoliciesResponse,
};
use clap::{Args, Subcommand, ValueEnum};

use super::policy_table;
use crate::failure::Failure;
use crate::session::Session;
use crate::when::now;

const PAGE_SIZE: i32 = 500;
const EVERY: &str = "*";

#[derive(Debug, Subcommand)]
pub(crate) enum Policies {
    /// Allow a caller something at --tenant and --provider; '*' means every one
    Create(Create),
    /// List policies; --tenant narrows the list to those that touch it
    List(List),
    /// Delete a policy
    Delete(Delete),
    /// Ask whether a caller may do something at --tenant and --provider, and by which policy
    Explain(Explain),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Who: the name of a caller, or what names begin with and a '*' after a '/' or ':'
    #[arg(long, value_name = "NAME")]
    principal: String,
    /// What; may be repeated
    #[arg(long = "action", value_enum, required = true, value_name = "ACTION")]
    actions: Vec<Action>,
    /// A scope that tokens may have; may be repeated. Default: any
    #[arg(long = "max-scope", value_name = "SCOPE")]
    max_scopes: Vec<String>,
    /// How often, for each tenant and replica. Default: any number
    #[arg(long, value_name = "NUMBER")]
    requests_per_second: Option<f64>,
    /// Why the policy exists
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    description: String,
    /// A UUID; the same one within a day creates no second policy
    #[arg(long, default_value = "", hide_default_value = true, value_name = "UUID")]
    request_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only policies for this caller
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    principal: String,
    /// List no more than this many; 0 lists all
    #[arg(long, default_value_t = 1000, value_name = "COUNT")]
    limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Id of the policy
    #[arg(long = "policy", value_name = "ID")]
    policy_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The name of the caller
    #[arg(long, value_name = "NAME")]
    principal: String,
    /// What the caller wants to do
    #[arg(long, value_enum, value_name = "ACTION")]
    action: Action,
    /// A scope of the token; may be repeated. Default: scopes are left out of account
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Action {
    /// Get tokens
    Vend,
    /// Obtain, import and revoke grants
    Consent,
    /// Read what holds no secret
    Observe,
    /// Change how grants are kept
    Operate,
    /// Change tenants, client registrations, access policies, keys and webhooks
    Administer,
}

impl From<Action> for AccessAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Vend => Self::Vend,
            Action::Consent => Self::Consent,
            Action::Observe => Self::Observe,
            Action::Operate => Self::Operate,
            Action::Administer => Self::Administer,
        }
    }
}

impl Policies {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(session).await,
            Self::List(list) => list.run(session).await,
            Self::Delete(delete) => delete.run(session).await,
            Self::Explain(explain) => explain.run(session).await,
        }
    }
}

impl Create {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = session.request(CreateAccessPolicyRequest {
            principal: self.principal,
            actions: self.actions.into_iter().map(|action| AccessAction::from(action).into()).collect(),
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            description: self.description,
            request_id: self.request_id,
            max_scopes: self.max_scopes,
            requests_per_second: self.requests_per_second,
        });
        let answer = session.admin().create_access_policy(request).await?.into_inner();
        let policy = answer.access_policy.as_ref().ok_or(Failure::Incomplete("access policy"))?;
        session.output().answer(&answer, |_| policy_table::details(policy, &now()))
    }
}

impl List {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let answer = self.read(session).await?;
        session.output().answer(&answer, |answer| policy_table::list(&answer.access_policies))?;
        if !answer.next_page_token.is_empty() {
            session.output().remark("There are more. List them with a higher --limit, or --limit 0.");
        }
        Ok(())
    }

    /// Reads page after page. A limit that cuts the list leaves the token of the next page in the answer.
    async fn read(self, session: &Session) -> Result<ListAccessPoliciesResponse, Failure> {
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        let tenant_id = session.any_tenant().unwrap_or_else(|| EVERY.to_owned());
        let mut request =
            ListAccessPoliciesRequest { tenant_id, principal: self.principal, ..Default::default() };
        let mut access_policies: Vec<AccessPolicy> = Vec::new();
        loop {
            let left = limit - access_policies.len();
            request.page_size = i32::try_from(left).unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
            let page = session.admin().list_access_policies(session.request(request.clone())).await?;
            let ListAccessPoliciesResponse { access_policies: more, next_page_token } = page.into_inner();
            access_policies.extend(more);
            if next_page_token.is_empty() || access_policies.len() >= limit {
                return Ok(ListAccessPoliciesResponse { access_policies, next_page_token });
            }
            request.page_token = next_page_token;
        }
    }
}

impl Delete {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = session.request(DeleteAccessPolicyRequest { policy_id: self.policy_id.clone() });
        let answer = session.admin().delete_access_policy(request).await?.into_inner();
        session.output().answer(&answer, |_| policy_table::deleted(&self.policy_id))
    }
}

impl Explain {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let key = GrantKey {
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            user_id: session.any_user(),
            account: session.account(),
        };
        let request = session.request(ExplainAccessRequest {
            principal: self.principal,
            action: AccessAction::from(self.action).into(),
            key: Some(key),
            scopes: self.scopes,
        });
        let answer = session.admin().explain_access(request).await?.into_inner();
        session.output().answer(&answer, |answer| policy_table::explained(answer, &now()))
    }
}
