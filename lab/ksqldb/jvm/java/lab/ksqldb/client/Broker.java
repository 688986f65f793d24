package lab.ksqldb.client;

import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** One admin client and one producer for the whole server. Answers that Python reads are JSON text. */
public final class Broker {
    private static final JsonFactory JSON = new JsonFactory();
    private static final long TIMEOUT_S = 30;

    private final Properties common;
    private final Admin admin;
    private volatile Producer<byte[], byte[]> producer;

    public Broker(Map<String, String> settings) {
        common = new Properties();
        common.putAll(settings);
        admin = Admin.create(common);
    }

    public Admin admin() {
        return admin;
    }

    /** The shared producer, made when it is first needed. */
    public Producer<byte[], byte[]> producer() {
        Producer<byte[], byte[]> made = producer;
        if (made == null) {
            synchronized (this) {
                made = producer;
                if (made == null) {
                    Properties properties = copy();
                    properties.put("acks", "all");
                    properties.put("linger.ms", "0");
                    properties.put("enable.idempotence", "false");
                    made = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
                    producer = made;
                }
            }
        }
        return made;
    }

    private Properties copy() {
        Properties properties = new Properties();
        properties.putAll(common);
        return properties;
    }

    /** A consumer that belongs to no group. */
    public KafkaConsumer<byte[], byte[]> reader(Map<String, String> settings) {
        Properties properties = copy();
        properties.put("enable.auto.commit", "false");
        properties.put("auto.offset.reset", "earliest");
        properties.put("allow.auto.create.topics", "false");
        properties.putAll(settings);
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** A transactional producer. */
    public Producer<byte[], byte[]> transactional(String id) {
        Properties properties = copy();
        properties.put("acks", "all");
        properties.put("linger.ms", "0");
        properties.put("transactional.id", id);
        properties.put("transaction.timeout.ms", "30000");
        properties.put("max.block.ms", "10000");
        properties.put("request.timeout.ms", "8000");
        properties.put("delivery.timeout.ms", "10000");
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** How many members a consumer group has; none if there is no such group. */
    public int members(String group) throws Exception {
        try {
            return wait(admin.describeConsumerGroups(List.of(group)).describedGroups().get(group)).members().size();
        } catch (GroupIdNotFoundException e) {
            return 0;
        }
    }

    /** The offset after the last record of a partition that is committed. */
    public long committedEnd(TopicPartition partition) throws Exception {
        var asked = Map.of(partition, OffsetSpec.latest());
        var options = new ListOffsetsOptions(IsolationLevel.READ_COMMITTED);
        return wait(admin.listOffsets(asked, options).partitionResult(partition)).offset();
    }

    private static <T> T wait(org.apache.kafka.common.KafkaFuture<T> future) throws Exception {
        return wait(future, TIMEOUT_S * 1000);
    }

    private static <T> T wait(org.apache.kafka.common.KafkaFuture<T> future, long timeoutMs) throws Exception {
        try {
            return future.get(timeoutMs, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    /** Asks for the cluster's id; fails when the broker does not answer in time. */
    public String clusterId(long timeoutMs) throws Exception {
        return wait(admin.describeCluster().clusterId(), timeoutMs);
    }

    /** Every topic's replica counts by partition: {"name": [1, 1]}. */
    public String topics() throws Exception {
        Map<String, TopicDescription> all = wait(admin.describeTopics(wait(admin.listTopics().names())).allTopicNames());
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            json.writeStartObject();
            for (String name : all.keySet().stream().sorted().toList()) {
                json.writeArrayFieldStart(name);
                for (TopicPartitionInfo partition : all.get(name).partitions()) {
                    json.writeNumber(partition.replicas().size());
                }
                json.writeEndArray();
            }
            json.writeEndObject();
        }
        return text.toString();
    }

    /** [partitions, replicas, retention.ms] of a topic, or null when there is none. */
    public long[] topic(String name) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, name);
        var described = admin.describeTopics(List.of(name)).topicNameValues().get(name);
        var configured = admin.describeConfigs(List.of(resource)).values().get(resource);
        try {
            List<TopicPartitionInfo> partitions = wait(described).partitions();
            Config config = wait(configured);
            ConfigEntry retention = config.get("retention.ms");
            long retentionMs = retention == null ? -1 : Long.parseLong(retention.value());
            return new long[] {partitions.size(), partitions.get(0).replicas().size(), retentionMs};
        } catch (UnknownTopicOrPartitionException e) {
            return null;
        }
    }

    /** The latest time of a topic's records in ms, or -1. */
    public long latestTime(String name) throws Exception {
        Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
        for (TopicPartitionInfo partition : wait(admin.describeTopics(List.of(name)).allTopicNames()).get(name).partitions()) {
            wanted.put(new TopicPartition(name, partition.partition()), OffsetSpec.maxTimestamp());
        }
        long latest = -1;
        for (var found : wait(admin.listOffsets(wanted).all()).values()) {
            latest = Math.max(latest, found.timestamp());
        }
        return latest;
    }

    /** Creates a topic; replicas of -1 are the broker's default. */
    public void create(String name, int partitions, int replicas, Map<String, String> configs) throws Exception {
        NewTopic topic = new NewTopic(name, partitions, (short) replicas).configs(configs);
        wait(admin.createTopics(List.of(topic)).all());
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(TIMEOUT_S);
        while (System.nanoTime() < deadline) {
            try {
                if (!wait(admin.describeTopics(List.of(name)).allTopicNames()).isEmpty()) {
                    return;
                }
            } catch (UnknownTopicOrPartitionException e) {
                Thread.sleep(10);
            }
        }
    }

    public void delete(Collection<String> names) throws Exception {
        try {
            wait(admin.deleteTopics(names).all());
        } catch (UnknownTopicOrPartitionException e) {
            // Gone already: what was wanted.
        }
    }

    /** Deletes every topic with a prefix. */
    public void deletePrefixed(String prefix) throws Exception {
        Set<String> names = new HashSet<>(wait(admin.listTopics().names()));
        names.removeIf(name -> !name.startsWith(prefix));
        if (!names.isEmpty()) {
            delete(names);
        }
    }

    public void deleteGroup(String group) throws Exception {
        wait(admin.deleteConsumerGroups(List.of(group)).all());
    }

    /** Where a group stands in all partitions of the topics it reads: [[topic, partition, start, end, committed], …]. */
    public String offsets(String group) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> committed =
                wait(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
        committed = new HashMap<>(committed);
        Set<String> topics = new HashSet<>();
        committed.keySet().forEach(partition -> topics.add(partition.topic()));
        for (TopicDescription topic : wait(admin.describeTopics(topics).allTopicNames()).values()) {
            for (TopicPartitionInfo partition : topic.partitions()) {
                committed.putIfAbsent(new TopicPartition(topic.name(), partition.partition()), null);
            }
        }
        Map<TopicPartition, OffsetSpec> starts = new HashMap<>();
        Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
        for (TopicPartition partition : committed.keySet()) {
            starts.put(partition, OffsetSpec.earliest());
            ends.put(partition, OffsetSpec.latest());
        }
        var from = wait(admin.listOffsets(starts).all());
        var to = wait(admin.listOffsets(ends).all());
        List<TopicPartition> partitions = new ArrayList<>(committed.keySet());
        partitions.sort((a, b) -> a.topic().equals(b.topic()) ? a.partition() - b.partition() : a.topic().compareTo(b.topic()));
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            json.writeStartArray();
            for (TopicPartition partition : partitions) {
                OffsetAndMetadata at = committed.get(partition);
                json.writeStartArray();
                json.writeString(partition.topic());
                json.writeNumber(partition.partition());
                json.writeNumber(from.get(partition).offset());
                json.writeNumber(to.get(partition).offset());
                json.writeNumber(at == null ? 0 : at.offset());
                json.writeEndArray();
            }
            json.writeEndArray();
        }
        return text.toString();
    }

    /** Groups and their members per topic: {"topic": [groups, members]} of those that read it. */
    public String readers() throws Exception {
        Map<String, int[]> counts = new HashMap<>();
        List<String> groups = new ArrayList<>();
        for (var listing : wait(admin.listGroups().all())) {
            if (listing.type().isEmpty() || "consumer".equalsIgnoreCase(listing.protocol()) || "stream".equals(listing.protocol())) {
                groups.add(listing.groupId());
            }
        }
        for (var group : admin.describeConsumerGroups(groups).describedGroups().entrySet()) {
            Map<String, Integer> members = new HashMap<>();
            try {
                for (var member : wait(group.getValue()).members()) {
                    Set<String> read = new HashSet<>();
                    member.assignment().topicPartitions().forEach(p -> read.add(p.topic()));
                    read.forEach(topic -> members.merge(topic, 1, Integer::sum));
                }
            } catch (org.apache.kafka.common.errors.GroupIdNotFoundException e) {
                continue;
            }
            members.forEach((topic, count) -> {
                int[] pair = counts.computeIfAbsent(topic, t -> new int[2]);
                pair[0]++;
                pair[1] += count;
            });
        }
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            json.writeStartObject();
            for (var entry : counts.entrySet()) {
                json.writeArrayFieldStart(entry.getKey());
                json.writeNumber(entry.getValue()[0]);
                json.writeNumber(entry.getValue()[1]);
                json.writeEndArray();
            }
            json.writeEndObject();
        }
        return text.toString();
    }

    /** Produces one record and waits until it is acknowledged. */
    public void produce(String topic, byte[] key, byte[] value, Long timestamp) throws Exception {
        try {
            producer().send(new ProducerRecord<>(topic, null, timestamp, key, value)).get(TIMEOUT_S, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    public void close() {
        if (producer != null) {
            producer.close(Duration.ofMillis(500));
        }
        admin.close(Duration.ofMillis(500));
    }
}
