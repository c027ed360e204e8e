use std::time::Duration;

use broker_proto::v1::{ListAtRiskGrantsRequest, ListAtRiskGrantsResponse};
use clap::Args;

use super::grant_table;
use super::pages::{Limit, remark_on_more};
use crate::failure::Failure;
use crate::session::Session;
use crate::when::now;

#[derive(Debug, Args)]
pub(crate) struct AtRisk {
    /// How far to look ahead, for example `72h`
    #[arg(long, value_name = "TIME", default_value = "72h", value_parser = humantime::parse_duration)]
    within: Duration,
    #[command(flatten)]
    limit: Limit,
}

impl AtRisk {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let answer = self.read(session).await?;
        session.output().answer(&answer, |answer| grant_table::at_risk(&answer.grants, &now()))?;
        remark_on_more(session, &answer.next_page_token);
        Ok(())
    }

    async fn read(self, session: &Session) -> Result<ListAtRiskGrantsResponse, Failure> {
        let limit = self.limit;
        let within = prost_types::Duration::try_from(self.within);
        let mut request = ListAtRiskGrantsRequest {
            tenant_id: session.tenant()?,
            within: Some(within.map_err(|_| Failure::Usage("--within is too long".to_owned()))?),
            provider: session.any_provider(),
            ..Default::default()
        };
        let (grants, next_page_token) = limit
            .read(async |page| {
                (request.page_size, request.page_token) = (page.size, page.token);
                let page = session.admin().list_at_risk_grants(session.request(request.clone())).await?;
                let page = page.into_inner();
                Ok((page.grants, page.next_page_token))
            })
            .await?;
        Ok(ListAtRiskGrantsResponse { grants, next_page_token })
    }
}
