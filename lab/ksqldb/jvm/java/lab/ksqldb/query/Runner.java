package lab.ksqldb.query;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Map;
import lab.ksqldb.client.ProcessingLog;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** One Kafka Streams application: a persistent query, or a push query. */
public final class Runner {
    private static final int REMEMBERED = 10;

    private final KafkaStreams streams;
    private final List<String[]> errors = new ArrayList<>();

    public Runner(Topology topology, Map<String, String> settings, ProcessingLog log, String query) {
        Properties properties = new Properties();
        properties.putAll(settings);
        properties.put(SkipBadRecords.LOG, log);
        properties.put(SkipBadRecords.QUERY, query);
        properties.put("deserialization.exception.handler", SkipBadRecords.class);
        streams = new KafkaStreams(topology, properties);
        streams.setUncaughtExceptionHandler(error -> {
            failed(error);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    }

    private synchronized void failed(Throwable error) {
        StringWriter trace = new StringWriter();
        error.printStackTrace(new PrintWriter(trace));
        if (errors.size() == REMEMBERED) {
            errors.remove(0);
        }
        errors.add(new String[] {Long.toString(System.currentTimeMillis()), trace.toString()});
    }

    public void start() {
        streams.start();
    }

    /** Kafka Streams' name for the state it is in. */
    public String state() {
        return streams.state().name();
    }

    public KafkaStreams streams() {
        return streams;
    }

    /** [time in ms, stack trace] of the last failures. */
    public synchronized String[][] failures() {
        return errors.toArray(new String[0][]);
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
