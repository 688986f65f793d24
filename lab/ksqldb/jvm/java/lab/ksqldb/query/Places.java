package lab.ksqldb.query;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import lab.ksqldb.row.Row;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyQueryMetadata;
import org.apache.kafka.streams.StreamsMetadata;
import org.apache.kafka.streams.TopologyDescription;
import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.apache.kafka.streams.state.HostInfo;

/** Where the partitions of a store are: which node has each, and which have copies. */
public final class Places {
    private final Runner runner;
    private final String store;
    private final Serializer<Row> keys;
    private final String application;
    private final Set<String> topics = new HashSet<>();
    private volatile int most;

    /** {@code keys} writes keys as they stand in the topic that the store's partitions follow. */
    public Places(
            Runner runner, TopologyDescription topology, String application, String store, Serializer<Row> keys) {
        this.runner = runner;
        this.store = store;
        this.keys = keys;
        this.application = application;
        for (TopologyDescription.Subtopology part : topology.subtopologies()) {
            boolean here = part.nodes().stream()
                    .anyMatch(n -> n instanceof TopologyDescription.Processor p && p.stores().contains(store));
            for (TopologyDescription.Node node : part.nodes()) {
                if (here && node instanceof TopologyDescription.Source source && source.topicSet() != null) {
                    topics.addAll(source.topicSet());
                }
            }
        }
    }

    /**
     * Whether this node is alone: nothing of the store can be elsewhere.
     *
     * <p>Fails while some of it is with nobody: what is here would not be all.
     */
    public boolean alone() {
        Collection<StreamsMetadata> clients = runner.streams().metadataForAllStreamsClients();
        if (clients.size() == 1 && !topics.isEmpty()) {
            requireAll(mine(clients.iterator().next().topicPartitions()).size());
        }
        return clients.size() <= 1;
    }

    /** There are at least as many partitions as there ever were. */
    private void requireAll(int count) {
        if (count < most || count == 0) {
            throw new InvalidStateStoreException("the query's partitions are being assigned");
        }
        most = count;
    }

    /** Whether Kafka Streams itself chose the partitions of the store's keys. */
    public boolean repartitioned() {
        return topics.stream().anyMatch(topic -> topic.endsWith("-repartition"));
    }

    /** The partitions that hold some keys. */
    public int[] partitions(Row[] lookups) {
        return java.util.Arrays.stream(lookups).mapToInt(this::partition).distinct().sorted().toArray();
    }

    private int partition(Row key) {
        KeyQueryMetadata found = runner.streams().queryMetadataForKey(store, key, keys);
        if (found == null || found.equals(KeyQueryMetadata.NOT_AVAILABLE)) {
            throw new InvalidStateStoreException("the query's partitions are being assigned");
        }
        return found.partition();
    }

    /** [partition, active node or "", standby node, …] of each partition; nodes as host:port. */
    public String[][] all() {
        Map<Integer, List<String>> found = new TreeMap<>();
        for (StreamsMetadata client : runner.streams().metadataForAllStreamsClients()) {
            String node = name(client.hostInfo());
            for (int partition : mine(client.topicPartitions())) {
                of(found, partition).set(1, node);
            }
            if (client.standbyStateStoreNames().contains(store)) {
                for (int partition : mine(client.standbyTopicPartitions())) {
                    of(found, partition).add(node);
                }
            }
        }
        requireAll(found.size());
        return found.values().stream().map(row -> row.toArray(new String[0])).toArray(String[][]::new);
    }

    private static List<String> of(Map<Integer, List<String>> found, int partition) {
        return found.computeIfAbsent(partition, p -> new ArrayList<>(List.of(Integer.toString(p), "")));
    }

    private Set<Integer> mine(Set<TopicPartition> all) {
        Set<Integer> found = new HashSet<>();
        for (TopicPartition one : all) {
            if (topics.contains(one.topic()) || isInternal(one.topic())) {
                found.add(one.partition());
            }
        }
        return found;
    }

    /** A topology names its internal topics without the application. */
    private boolean isInternal(String topic) {
        return topic.startsWith(application + "-") && topics.contains(topic.substring(application.length() + 1));
    }

    static String name(HostInfo host) {
        return host.host() + ":" + host.port();
    }

    /** The nodes that run an application, as host:port. */
    public static String[] nodes(KafkaStreams streams) {
        return streams.metadataForAllStreamsClients().stream()
                .map(client -> name(client.hostInfo()))
                .distinct()
                .toArray(String[]::new);
    }
}
