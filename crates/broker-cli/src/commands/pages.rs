//! Lists, read page by page.

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

const PAGE_SIZE: i32 = 500;

/// How much of a list is read.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Limit {
    /// List no more than this many; 0 lists all
    #[arg(long, default_value_t = 1000, value_name = "COUNT")]
    limit: usize,
}

/// A page to ask for.
pub(crate) struct Page {
    pub(crate) size: i32,
    pub(crate) token: String,
}

impl Limit {
    /// Reads page after page with `fetch`, which answers items and the token of the next page. A limit that cuts the list
    /// leaves that token in the answer.
    pub(crate) async fn read<T>(
        self,
        mut fetch: impl AsyncFnMut(Page) -> Result<(Vec<T>, String), Failure>,
    ) -> Result<(Vec<T>, String), Failure> {
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        let (mut read, mut token) = (Vec::new(), String::new());
        loop {
            let left = limit - read.len();
            let size = i32::try_from(left).unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
            let (items, next) = fetch(Page { size, token }).await?;
            read.extend(items);
            if next.is_empty() || read.len() >= limit {
                return Ok((read, next));
            }
            token = next;
        }
    }
}

/// Says so where a list was cut.
pub(crate) fn remark_on_more(session: &Session, next_page_token: &str) {
    if !next_page_token.is_empty() {
        session.output().remark("There are more. List them with a higher --limit, or --limit 0.");
    }
}
