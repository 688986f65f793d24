package lab.ksqldb.step;

import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.StreamsBuilder;
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

    public static KStream<Row, Row> stream(
            StreamsBuilder builder, String topic, Serde<Row> key, Serde<Row> value, TimestampExtractor time,
            int values, String name) {
        return builder.stream(topic, consumed(key, value, time))
                .processValues(() -> new Append(values), Named.as(name));
    }

    /** The table is stored under {@code store} before anything else is done with it. */
    public static KTable<Row, Row> table(
            StreamsBuilder builder, String topic, Serde<Row> key, Serde<Row> value, TimestampExtractor time,
            int values, String name, String store) {
        Materialized<Row, Row, KeyValueStore<org.apache.kafka.common.utils.Bytes, byte[]>> stored =
                Materialized.<Row, Row, KeyValueStore<org.apache.kafka.common.utils.Bytes, byte[]>>as(store)
                        .withKeySerde(key).withValueSerde(value);
        return builder.table(topic, consumed(key, value, time), stored)
                .transformValues(() -> new AppendToTable(values), Named.as(name));
    }

    private static Consumed<Row, Row> consumed(Serde<Row> key, Serde<Row> value, TimestampExtractor time) {
        Consumed<Row, Row> consumed = Consumed.with(key, value);
        return time == null ? consumed : consumed.withTimestampExtractor(time);
    }

    private static final class Append implements FixedKeyProcessor<Row, Row, Row> {
        private final int values;
        private FixedKeyProcessorContext<Row, Row> context;

        Append(int values) {
            this.values = values;
        }

        @Override
        public void init(FixedKeyProcessorContext<Row, Row> context) {
            this.context = context;
        }

        @Override
        public void process(FixedKeyRecord<Row, Row> record) {
            Row row = record.value();
            if (row == null) {
                return;
            }
            RecordMetadata from = context.recordMetadata().get();
            PseudoColumns.fill(row.columns, values, record.key(), record.timestamp(), from.partition(), from.offset());
            context.forward(record);
        }
    }

    private static final class AppendToTable implements ValueTransformerWithKey<Row, Row, Row> {
        private final int values;
        private ProcessorContext context;

        AppendToTable(int values) {
            this.values = values;
        }

        @Override
        public void init(ProcessorContext context) {
            this.context = context;
        }

        @Override
        public Row transform(Row key, Row row) {
            if (row == null) {
                return null;
            }
            PseudoColumns.fill(row.columns, values, key, context.timestamp(), context.partition(), context.offset());
            return row;
        }

        @Override
        public void close() {}
    }
}
