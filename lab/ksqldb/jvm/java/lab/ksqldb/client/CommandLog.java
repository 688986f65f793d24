package lab.ksqldb.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.WakeupException;

/**
 * The command topic: one partition, kept for ever, read in order. The nodes of a cluster share a transactional id: one
 * of them is the writer at a time, and what it appends stands on all that was there before. Claiming and appending, and
 * polling, are each done by one thread at a time.
 */
public final class CommandLog {
    /** A command as it stands in the topic. */
    public static final class Entry {
        public final long offset;
        public final byte[] key;
        public final byte[] value;

        Entry(ConsumerRecord<byte[], byte[]> record) {
            offset = record.offset();
            key = record.key();
            value = record.value();
        }
    }

    public static final long NOT_WRITTEN = -1;

    private final Broker broker;
    private final String topic;
    private final String writerId;
    private final TopicPartition partition;
    private KafkaConsumer<byte[], byte[]> reader;
    private Producer<byte[], byte[]> writer;
    private boolean claimed;
    private volatile Exception lastFailure;

    public CommandLog(Broker broker, String topic, String writerId) {
        this.broker = broker;
        this.topic = topic;
        this.writerId = writerId;
        partition = new TopicPartition(topic, 0);
    }

    /** Makes the topic if it is missing and starts reading at its beginning. */
    public void open(int replicas) throws Exception {
        if (broker.topic(topic) == null) {
            // The first command follows at once, and the first transaction has the broker make its
            // own log: that goes on while the topic is made.
            Thread.ofPlatform().daemon().name("command-writer").start(this::prepareWriter);
            Map<String, String> configs = new HashMap<>();
            configs.put("retention.ms", "-1");
            configs.put("cleanup.policy", "delete");
            try {
                broker.create(topic, 1, replicas, configs);
            } catch (TopicExistsException e) {
                // Another node was faster.
            }
        }
        reader = broker.reader(Map.of("isolation.level", "read_committed", "client.id", writerId + "-command-reader"));
        reader.assign(List.of(partition));
        reader.seekToBeginning(List.of(partition));
    }

    /** The offset after the last committed command. */
    public long end() {
        return reader.endOffsets(List.of(partition)).get(partition);
    }

    /** The offset of the next record to be read; transaction markers are passed over. */
    public long position() {
        return reader.position(partition);
    }

    /** The commands that follow, after waiting for the first; none when interrupted or out of time. */
    public List<Entry> poll(long waitMs) {
        List<Entry> entries = new ArrayList<>();
        try {
            for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(waitMs))) {
                entries.add(new Entry(record));
            }
        } catch (WakeupException e) {
            return entries;
        }
        return entries;
    }

    private synchronized void prepareWriter() {
        try {
            openWriter();
        } catch (KafkaException e) {
            abandonWriter(); // the first claim tries again, and says what is wrong
        }
    }

    private void openWriter() {
        if (writer == null) {
            writer = broker.transactional(writerId);
            writer.initTransactions();
            claimed = false;
        }
    }

    /**
     * Makes this node the topic's one writer: whoever was is fenced, and what it had begun is ended.
     *
     * <p>Gives the offset up to which everything must be read before something is appended that depends on it, or -1
     * if this node has been the writer ever since that was asked for.
     */
    public synchronized long claim() throws Exception {
        try {
            openWriter();
            if (claimed) {
                return -1;
            }
            long end = broker.committedEnd(partition);
            claimed = true;
            return end;
        } catch (KafkaException e) {
            lastFailure = e;
            abandonWriter();
            throw e;
        }
    }

    /**
     * Appends one command and waits until it is committed; its offset.
     *
     * <p>Another node may have become the writer meanwhile, or the broker may not answer. {@link #NOT_WRITTEN}: the
     * command is not in the topic. Less than that: it may be, at the offset {@code NOT_WRITTEN - 1 - result}; the next
     * claim decides it. The writer is given up in both cases.
     */
    public synchronized long append(byte[] key, byte[] value) throws Exception {
        long offset;
        try {
            if (!claimed) {
                return NOT_WRITTEN;
            }
            writer.beginTransaction();
            offset = writer.send(new ProducerRecord<>(topic, 0, key, value)).get(30, TimeUnit.SECONDS).offset();
        } catch (KafkaException | ExecutionException | TimeoutException e) {
            lastFailure = e;
            abandonWriter();
            return NOT_WRITTEN;
        }
        try {
            writer.commitTransaction();
            return offset;
        } catch (KafkaException e) {
            lastFailure = e;
            abandonWriter();
            return NOT_WRITTEN - 1 - offset;
        }
    }

    /** Why the last claim or append failed. */
    public String lastFailure() {
        Throwable failure = lastFailure;
        if (failure instanceof ExecutionException && failure.getCause() != null) {
            failure = failure.getCause();
        }
        return failure == null ? "" : failure.toString();
    }

    private void abandonWriter() {
        Producer<byte[], byte[]> broken = writer;
        writer = null;
        claimed = false;
        if (broken != null) {
            broken.close(Duration.ZERO);
        }
    }

    public void wakeup() {
        reader.wakeup();
    }

    public void closeReader() {
        reader.close(org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ofMillis(200)));
    }

    public synchronized void closeWriter() {
        if (writer != null) {
            writer.close(Duration.ofMillis(500));
        }
    }
}
