"""The names of Kafka's requests by API key.

Source: the "Api Keys" table of Kafka's protocol guide, and ``ApiKeys`` in kafka-clients, which also
has those between brokers and controllers.
"""

from __future__ import annotations

_NAMES = (
    *("Produce", "Fetch", "ListOffsets", "Metadata", "LeaderAndIsr", "StopReplica"),
    *("UpdateMetadata", "ControlledShutdown", "OffsetCommit", "OffsetFetch", "FindCoordinator"),
    *("JoinGroup", "Heartbeat", "LeaveGroup", "SyncGroup", "DescribeGroups", "ListGroups"),
    *("SaslHandshake", "ApiVersions", "CreateTopics", "DeleteTopics", "DeleteRecords"),
    *("InitProducerId", "OffsetForLeaderEpoch", "AddPartitionsToTxn", "AddOffsetsToTxn"),
    *("EndTxn", "WriteTxnMarkers", "TxnOffsetCommit", "DescribeAcls", "CreateAcls"),
    *("DeleteAcls", "DescribeConfigs", "AlterConfigs", "AlterReplicaLogDirs"),
    *("DescribeLogDirs", "SaslAuthenticate", "CreatePartitions", "CreateDelegationToken"),
    *("RenewDelegationToken", "ExpireDelegationToken", "DescribeDelegationToken"),
    *("DeleteGroups", "ElectLeaders", "IncrementalAlterConfigs", "AlterPartitionReassignments"),
    *("ListPartitionReassignments", "OffsetDelete", "DescribeClientQuotas"),
    *("AlterClientQuotas", "DescribeUserScramCredentials", "AlterUserScramCredentials"),
    *("Vote", "BeginQuorumEpoch", "EndQuorumEpoch", "DescribeQuorum", "AlterPartition"),
    *("UpdateFeatures", "Envelope", "FetchSnapshot", "DescribeCluster", "DescribeProducers"),
    *("BrokerRegistration", "BrokerHeartbeat", "UnregisterBroker", "DescribeTransactions"),
    *("ListTransactions", "AllocateProducerIds", "ConsumerGroupHeartbeat"),
    *("ConsumerGroupDescribe", "ControllerRegistration", "GetTelemetrySubscriptions"),
    *("PushTelemetry", "AssignReplicasToDirs", "ListConfigResources"),
    *("DescribeTopicPartitions", "ShareGroupHeartbeat", "ShareGroupDescribe", "ShareFetch"),
    *("ShareAcknowledge", "AddRaftVoter", "RemoveRaftVoter", "UpdateRaftVoter"),
    *("InitializeShareGroupState", "ReadShareGroupState", "WriteShareGroupState"),
    *("DeleteShareGroupState", "ReadShareGroupStateSummary", "StreamsGroupHeartbeat"),
    *("StreamsGroupDescribe", "DescribeShareGroupOffsets", "AlterShareGroupOffsets"),
    *("DeleteShareGroupOffsets",),
)
API_KEYS = {name: key for key, name in enumerate(_NAMES)}


def api_name(key: int) -> str:
    """The request's name, or "api key 93" for one that has none here."""
    return _NAMES[key] if 0 <= key < len(_NAMES) else f"api key {key}"


def require_api(name: str) -> str:
    """The name itself. Raises ValueError unless Kafka has a request called so."""
    if name not in API_KEYS:
        raise ValueError(f"Kafka has no request {name!r}")
    return name
