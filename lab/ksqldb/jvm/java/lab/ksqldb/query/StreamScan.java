package lab.ksqldb.query;

import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lab.ksqldb.client.Broker;
import lab.ksqldb.row.Row;
import lab.ksqldb.serde.RowSerde;
import lab.ksqldb.step.ColumnTimestamp;
import lab.ksqldb.step.HeaderColumns;
import lab.ksqldb.step.Problems;
import lab.ksqldb.step.PseudoColumns;
import lab.ksqldb.step.RowFunction;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;

/**
 * Reads a stream's topic from its beginning to the offsets that were its end at the start. A plain
 * consumer without a group: it makes no topic and no group. Records that cannot be read are skipped.
 */
public final class StreamScan {
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final String topic;
    private final Deserializer<?> key;
    private final RowSerde value;
    private final ColumnTimestamp time;
    private final boolean timeInKey;
    private final int timeIndex;
    private final int values;
    private final HeaderColumns headers;
    private final RowFunction query;
    private final Answer answer;
    private final Map<TopicPartition, Long> ends;
    private final List<TopicPartition> open;
    private long left;

    public StreamScan(
            Broker broker, String topic, Serde<?> key, RowSerde value, ColumnTimestamp time, boolean timeInKey,
            int timeIndex, int values, HeaderColumns headers, RowFunction query, Answer answer, long limit) {
        this.topic = topic;
        this.key = key.deserializer();
        this.value = value;
        this.time = time;
        this.timeInKey = timeInKey;
        this.timeIndex = timeIndex;
        this.values = values;
        this.headers = headers;
        this.query = query;
        this.answer = answer;
        left = limit < 0 ? Long.MAX_VALUE : limit;
        consumer = broker.reader(Map.of("max.poll.records", "5000"));
        List<TopicPartition> all = new ArrayList<>();
        for (PartitionInfo partition : consumer.partitionsFor(topic)) {
            all.add(new TopicPartition(topic, partition.partition()));
        }
        ends = new HashMap<>(consumer.endOffsets(all));
        consumer.assign(all);
        consumer.seekToBeginning(all);
        open = new ArrayList<>(all);
        Map<TopicPartition, Long> starts = consumer.beginningOffsets(all);
        open.removeIf(partition -> starts.get(partition) >= ends.get(partition));
    }

    /** More rows, perhaps none yet; null at the end. */
    public byte[] next() {
        if (open.isEmpty() || left == 0) {
            return null;
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(1024);
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
            if (left > 0 && record.offset() < ends.get(new TopicPartition(topic, record.partition()))) {
                row(record, out);
            }
        }
        Map<TopicPartition, Long> reached = new HashMap<>();
        for (TopicPartition partition : open) {
            reached.put(partition, consumer.position(partition));
        }
        open.removeIf(partition -> reached.get(partition) >= ends.get(partition));
        return out.toByteArray();
    }

    private void row(ConsumerRecord<byte[], byte[]> record, ByteArrayOutputStream out) {
        Row row;
        Object id;
        try {
            id = key.deserialize(topic, record.key());
            row = value.deserializer().deserialize(topic, record.value());
        } catch (SerializationException | java.nio.BufferUnderflowException | IllegalArgumentException e) {
            return;
        }
        if (row == null) {
            return;
        }
        long timestamp = record.timestamp();
        if (time != null && (id != null || !timeInKey)) {
            timestamp = time.of((timeInKey ? PseudoColumns.plain(id) : row).columns[timeIndex]);
            if (timestamp < 0) {
                return;
            }
        }
        PseudoColumns.fill(row.columns, values, id, timestamp, record.partition(), record.offset());
        headers.fill(row.columns, record.headers());
        Object[] result = query.apply(row.columns, Problems.IGNORED);
        if (result != null) {
            answer.write(result, out);
            left--;
        }
    }

    /** Whether the limit ended the scan. */
    public boolean limited() {
        return left == 0;
    }

    public void close() {
        consumer.close(org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ZERO));
    }
}
