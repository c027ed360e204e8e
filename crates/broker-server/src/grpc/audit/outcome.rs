//! How a call ended, for its record.

use broker_core::AuditOutcome;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The outcome a status tells of. `None`: the call succeeded.
pub(in crate::grpc) fn outcome(status: &Status) -> Option<AuditOutcome> {
    let reason =
        || status.get_details_error_info().map_or_else(|| code_name(status.code()), |info| info.reason);
    match status.code() {
        Code::Ok => None,
        Code::PermissionDenied | Code::Unauthenticated => Some(AuditOutcome::Denied(reason())),
        _ => Some(AuditOutcome::Failed(reason())),
    }
}

/// The name of a code as gRPC has it: `DeadlineExceeded` is `DEADLINE_EXCEEDED`.
pub(in crate::grpc) fn code_name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::caller_unknown;

    #[test]
    fn a_reason_is_that_of_the_contract_or_the_code() {
        assert_eq!(outcome(&caller_unknown()), Some(AuditOutcome::Denied("CALLER_UNKNOWN".to_owned())));
        let late = Status::deadline_exceeded("");
        assert_eq!(outcome(&late), Some(AuditOutcome::Failed("DEADLINE_EXCEEDED".to_owned())));
        assert_eq!(outcome(&Status::ok("")), None);
    }
}
