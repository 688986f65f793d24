package lab.ksqldb.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.WakeupException;

/**
 * The command topic: one partition, kept for ever, written in transactions (so that two writers
 * cannot interleave), read in order. Appending and polling are each done by one thread at a time.
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

    private static final int ATTEMPTS = 3;

    private final Broker broker;
    private final String topic;
    private final String writerId;
    private final TopicPartition partition;
    private KafkaConsumer<byte[], byte[]> reader;
    private Producer<byte[], byte[]> writer;

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
            abandonWriter(); // the first append tries again, and says what is wrong
        }
    }

    private void openWriter() {
        if (writer == null) {
            writer = broker.transactional(writerId);
            writer.initTransactions();
        }
    }

    /**
     * Appends one command and waits until it is committed; its offset.
     *
     * <p>Another node's writer, or the coordinator, may have ended this one's epoch. What was not yet
     * to be committed is then sent again by a new writer; a commit whose outcome is unknown is not.
     */
    public synchronized long append(byte[] key, byte[] value) throws Exception {
        for (int attempt = 1; ; attempt++) {
            long offset;
            try {
                openWriter();
                writer.beginTransaction();
                offset = writer.send(new ProducerRecord<>(topic, 0, key, value)).get(30, TimeUnit.SECONDS).offset();
            } catch (KafkaException | ExecutionException e) {
                abandonWriter();
                if (attempt == ATTEMPTS) {
                    throw e;
                }
                continue;
            }
            try {
                writer.commitTransaction();
                return offset;
            } catch (KafkaException e) {
                abandonWriter();
                throw e;
            }
        }
    }

    private void abandonWriter() {
        Producer<byte[], byte[]> broken = writer;
        writer = null;
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
