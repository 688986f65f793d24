package lab.ksqldb.query;

import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lab.ksqldb.client.Broker;
import lab.ksqldb.row.Row;
import lab.ksqldb.serde.RowSerde;
import lab.ksqldb.step.ColumnTimestamp;
import lab.ksqldb.step.FlatMapStep;
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
    private final FlatMapStep flat;
    private final RowFunction projection;
    private final Answer answer;
    private final Map<TopicPartition, Long> ends;
    private final List<TopicPartition> open;
    private final Set<TopicPartition> unread;
    private long left;

    /**
     * {@code query} filters and projects a row; with table functions {@code flat} it only filters, and
     * {@code projection} makes the answer's rows of what they give.
     */
    public StreamScan(
            Broker broker, String topic, Serde<?> key, RowSerde value, ColumnTimestamp time, boolean timeInKey,
            int timeIndex, int values, HeaderColumns headers, RowFunction query, FlatMapStep flat,
            RowFunction projection, Answer answer, long limit) {
        this.topic = topic;
        this.key = key.deserializer();
        this.value = value;
        this.time = time;
        this.timeInKey = timeInKey;
        this.timeIndex = timeIndex;
        this.values = values;
        this.headers = headers;
        this.query = query;
        this.flat = flat;
        this.projection = projection;
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
        unread = new HashSet<>(open);
    }

    /** More rows, perhaps none yet; null at the end. */
    public byte[] next() {
        if (open.isEmpty() || left == 0) {
            return null;
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(1024);
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
            TopicPartition partition = new TopicPartition(topic, record.partition());
            if (left > 0 && record.offset() < ends.get(partition)) {
                row(record, out);
                if (record.offset() + 1 == ends.get(partition)) {
                    unread.remove(partition);
                }
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
            try {
                timestamp = time.of((timeInKey ? PseudoColumns.plain(id) : row).columns[timeIndex]);
            } catch (java.time.DateTimeException e) {
                return;
            }
            if (timestamp < 0) {
                return;
            }
        }
        PseudoColumns.fill(row.columns, values, id, timestamp, record.partition(), record.offset());
        headers.fill(row.columns, record.headers());
        Object[] result = query.apply(row.columns, Problems.IGNORED);
        if (result == null) {
            return;
        }
        if (flat == null) {
            answer.write(result, out);
            left--;
            return;
        }
        boolean last = isLast(record);
        for (Object[] made : flat.rows(result, Problems.IGNORED)) {
            answer.write(projection.apply(made, Problems.IGNORED), out);
            if (last) {
                return;
            }
        }
    }

    /**
     * Whether every partition was read to its end with this record. As ksqlDB's, a query ends with the
     * first row of such a record.
     */
    private boolean isLast(ConsumerRecord<byte[], byte[]> record) {
        TopicPartition own = new TopicPartition(topic, record.partition());
        return record.offset() + 1 == ends.get(own) && unread.size() == 1 && unread.contains(own);
    }

    /** Whether the limit ended the scan. */
    public boolean limited() {
        return left == 0;
    }

    public void close() {
        consumer.close(org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ZERO));
    }
}
