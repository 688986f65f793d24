package lab.ksqldb.step;

import java.util.Arrays;
import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.ValueTransformerWithKey;
import org.apache.kafka.streams.processor.ProcessorContext;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;

/** Reads a topic and appends the pseudo columns and the key's columns to each row. */
public final class SourceStep {
    private SourceStep() {}

    public static <K> KStream<K, Row> stream(
            NumberedBuilder builder, String topic, Serde<K> key, Serde<Row> value, TimestampExtractor time,
            int values, HeaderColumns headers) {
        KStream<K, Row> read = builder.stream(topic, consumed(key, value, time));
        return read.processValues(() -> new Append<>(values, headers), Named.as(builder.next("KSTREAM-TRANSFORMVALUES-")));
    }

    /** A table's store, which {@code state} reads and writes. */
    public static <K> Materialized<K, Row, KeyValueStore<Bytes, byte[]>> store(
            String name, Serde<K> key, Serde<Row> state, boolean cached) {
        Materialized<K, Row, KeyValueStore<Bytes, byte[]>> stored =
                Materialized.<K, Row, KeyValueStore<Bytes, byte[]>>as(name).withKeySerde(key).withValueSerde(state);
        return cached ? stored : stored.withCachingDisabled();
    }

    /**
     * The table is stored before anything else is done with it: its values, then partition and
     * offset. {@code width} is the number of columns of the rows given.
     */
    public static <K> KTable<K, Row> table(
            NumberedBuilder builder, String topic, Serde<K> key, Serde<Row> value, TimestampExtractor time,
            int values, int width, Materialized<K, Row, KeyValueStore<Bytes, byte[]>> stored) {
        return builder.table(topic, consumed(key, value, time))
                .transformValues(() -> new Remember<>(values), stored)
                .transformValues(() -> new AppendToTable<>(values, width));
    }

    /** A stored row as the steps after the source see it. */
    public static Object[] complete(Object[] stored, int values, int width, Object key, long timestamp) {
        Object[] columns = new Object[width];
        System.arraycopy(stored, 0, columns, 0, values);
        int partition = stored[values] == null ? -1 : (Integer) stored[values];
        long offset = stored[values + 1] == null ? -1 : (Long) stored[values + 1];
        PseudoColumns.fill(columns, values, key, timestamp, partition, offset);
        return columns;
    }

    private static <K> Consumed<K, Row> consumed(Serde<K> key, Serde<Row> value, TimestampExtractor time) {
        Consumed<K, Row> consumed = Consumed.with(key, value);
        return time == null ? consumed : consumed.withTimestampExtractor(time);
    }

    private static final class Append<K> implements FixedKeyProcessor<K, Row, Row> {
        private final int values;
        private final HeaderColumns headers;
        private FixedKeyProcessorContext<K, Row> context;

        Append(int values, HeaderColumns headers) {
            this.values = values;
            this.headers = headers;
        }

        @Override
        public void init(FixedKeyProcessorContext<K, Row> context) {
            this.context = context;
        }

        @Override
        public void process(FixedKeyRecord<K, Row> record) {
            Row row = record.value();
            if (row == null) {
                return;
            }
            RecordMetadata from = context.recordMetadata().get();
            PseudoColumns.fill(row.columns, values, record.key(), record.timestamp(), from.partition(), from.offset());
            headers.fill(row.columns, record.headers());
            context.forward(record);
        }
    }

    private static final class Remember<K> implements ValueTransformerWithKey<K, Row, Row> {
        private final int values;
        private ProcessorContext context;

        Remember(int values) {
            this.values = values;
        }

        @Override
        public void init(ProcessorContext context) {
            this.context = context;
        }

        @Override
        public Row transform(K key, Row row) {
            if (row == null) {
                return null;
            }
            Object[] columns = Arrays.copyOf(row.columns, values + 2);
            columns[values] = context.partition();
            columns[values + 1] = context.offset();
            return new Row(columns);
        }

        @Override
        public void close() {}
    }

    private static final class AppendToTable<K> implements ValueTransformerWithKey<K, Row, Row> {
        private final int values;
        private final int width;
        private ProcessorContext context;

        AppendToTable(int values, int width) {
            this.values = values;
            this.width = width;
        }

        @Override
        public void init(ProcessorContext context) {
            this.context = context;
        }

        @Override
        public Row transform(K key, Row row) {
            return row == null ? null : new Row(complete(row.columns, values, width, key, context.timestamp()));
        }

        @Override
        public void close() {}
    }
}
