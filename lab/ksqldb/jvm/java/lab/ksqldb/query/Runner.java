package lab.ksqldb.query;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import lab.ksqldb.client.ProcessingLog;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** One Kafka Streams application: a persistent query, or a push query. */
public final class Runner {
    private static final long LEAVE_WAIT_MS = 30_000;

    private final KafkaStreams streams;
    private final Failures failures;

    /** A thread that fails is replaced after a while; with a negative first wait the whole ends. */
    public Runner(
            Topology topology, Map<String, String> settings, ProcessingLog log, String query, Admin admin,
            int remembered, long firstWaitMs, long longestWaitMs, String classes) {
        Properties properties = new Properties();
        properties.putAll(settings);
        properties.put(UnreadableRecords.LOG, log);
        properties.put(UnreadableRecords.QUERY, query);
        properties.put("deserialization.exception.handler", UnreadableRecords.class);
        properties.put("production.exception.handler", UnsentRecords.class);
        failures = new Failures(remembered, firstWaitMs, longestWaitMs, classes);
        streams = new KafkaStreams(topology, properties);
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) {
                failures.allRun();
            }
        });
        String instance = settings.get("main.consumer.group.instance.id");
        streams.setUncaughtExceptionHandler(error -> {
            if (!failures.goOnAfter(error)) {
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            }
            if (admin != null && instance != null) {
                leave(admin, settings.get("application.id"), instance, Thread.currentThread());
            }
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
    }

    /**
     * Takes a dying thread out of its group: as a static member it would keep its partitions from the
     * thread that replaces it until its session ends.
     */
    private static void leave(Admin admin, String group, String instance, Thread dying) {
        String name = dying.getName();
        String member = instance + name.substring(name.lastIndexOf('-'));
        Thread.ofPlatform().daemon().name("leave-" + name).start(() -> {
            try {
                dying.join(LEAVE_WAIT_MS);
                admin.removeMembersFromConsumerGroup(
                        group, new RemoveMembersFromConsumerGroupOptions(Set.of(new MemberToRemove(member)))).all().get();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (ExecutionException e) {
                // It is out already, or goes when its session ends.
            }
        });
    }

    public void start() {
        streams.start();
    }

    /** Kafka Streams' name for the state it is in; ERROR from a failure until all threads run again. */
    public String state() {
        return failures.failing() ? "ERROR" : streams.state().name();
    }

    public KafkaStreams streams() {
        return streams;
    }

    /** [time in ms, stack trace, kind] of the last failures. */
    public String[][] failures() {
        return failures.last();
    }

    /** Records sent to a topic per second and in all, then records read from it per second, in all, and bytes. */
    public double[] traffic(String topic) {
        List<String> wanted = List.of(
                "record-send-rate", "record-send-total", "records-consumed-rate", "records-consumed-total",
                "bytes-consumed-total");
        double[] found = new double[wanted.size()];
        Set<String> taken = new java.util.HashSet<>();
        streams.metrics().forEach((name, metric) -> {
            int place = wanted.indexOf(name.name());
            String of = name.tags().get("topic");
            // A client may give one figure under two spellings of the topic's name.
            if (place >= 0 && of != null && of.replace('.', '_').equals(topic.replace('.', '_'))
                    && metric.metricValue() instanceof Double value && !value.isNaN()
                    && taken.add(name.name() + " " + name.tags().get("client-id"))) {
                found[place] += value;
            }
        });
        return found;
    }

    /** The nodes that run the application, as host:port; none while its partitions are being assigned. */
    public String[] nodes() {
        return Places.nodes(streams);
    }

    /**
     * How far each store's partitions on this node are behind: [store, partition, current offset, end offset, lag].
     * Asks the broker.
     */
    public String[][] lags() {
        List<String[]> rows = new ArrayList<>();
        streams.allLocalStorePartitionLags().forEach((store, partitions) -> partitions.forEach((partition, lag) ->
                rows.add(new String[] {
                    store, Integer.toString(partition), Long.toString(lag.currentOffsetPosition()),
                    Long.toString(lag.endOffsetPosition()), Long.toString(lag.offsetLag())
                })));
        return rows.toArray(new String[0][]);
    }

    /** What each node has: [node, "active" or "standby", "store", name] or [node, …, "partition", topic, partition]. */
    public String[][] assignment() {
        List<String[]> rows = new ArrayList<>();
        for (var client : streams.metadataForAllStreamsClients()) {
            String node = Places.name(client.hostInfo());
            client.stateStoreNames().forEach(s -> rows.add(new String[] {node, "active", "store", s}));
            client.standbyStateStoreNames().forEach(s -> rows.add(new String[] {node, "standby", "store", s}));
            client.topicPartitions().forEach(p -> rows.add(partition(node, "active", p)));
            client.standbyTopicPartitions().forEach(p -> rows.add(partition(node, "standby", p)));
        }
        return rows.toArray(new String[0][]);
    }

    private static String[] partition(String node, String kind, TopicPartition found) {
        return new String[] {node, kind, "partition", found.topic(), Integer.toString(found.partition())};
    }

    /** The tasks on this node: [task, topic, partition, end offset, committed offset]. */
    public String[][] tasks() {
        List<String[]> rows = new ArrayList<>();
        for (var thread : streams.metadataForLocalThreads()) {
            for (var task : thread.activeTasks()) {
                for (var partition : task.topicPartitions()) {
                    rows.add(new String[] {
                        task.taskId().toString(), partition.topic(), Integer.toString(partition.partition()),
                        Long.toString(task.endOffsets().getOrDefault(partition, -1L)),
                        Long.toString(task.committedOffsets().getOrDefault(partition, -1L))
                    });
                }
            }
        }
        return rows.toArray(new String[0][]);
    }

    /** Waits until the application runs or has failed; whether it runs. */
    public boolean awaitRunning(long timeoutMs) throws InterruptedException {
        long deadline = System.nanoTime() + timeoutMs * 1_000_000L;
        while (streams.state() != KafkaStreams.State.RUNNING) {
            if (System.nanoTime() > deadline || streams.state().hasCompletedShutdown()) {
                return false;
            }
            Thread.sleep(5);
        }
        return true;
    }

    /** Ends the application; {@code forget} also removes its local state. */
    public boolean close(long timeoutMs, boolean forget) {
        failures.close();
        boolean closed =
                streams.close(
                        CloseOptions.timeout(Duration.ofMillis(timeoutMs))
                                .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
        if (forget && closed) {
            streams.cleanUp();
        }
        return closed;
    }
}
