use broker_proto::FILE_DESCRIPTOR_SET;
use prost_reflect::DescriptorPool;

/// The contract as server reflection answers it.
pub(crate) fn pool() -> DescriptorPool {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap()
}

#[test]
fn error_details_can_be_read_by_reflection_clients() {
    let pool = pool();
    for name in ["ErrorInfo", "RetryInfo", "BadRequest", "Status"] {
        assert!(pool.get_message_by_name(&format!("google.rpc.{name}")).is_some(), "{name}");
    }
}
