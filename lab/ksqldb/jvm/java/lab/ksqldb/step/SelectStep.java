package lab.ksqldb.step;

import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.ValueTransformerWithKey;
import org.apache.kafka.streams.processor.ProcessorContext;
import org.apache.kafka.streams.state.KeyValueStore;

/** Computes the columns of a projection. */
public final class SelectStep {
    private SelectStep() {}

    public static KStream<Row, Row> stream(KStream<Row, Row> in, RowFunction select, Problems problems, String name) {
        return in.processValues(() -> new RowProcessor(select, problems), Named.as(name));
    }

    /** The rows with serdes, for steps that write them; under {@code store} unless it is null. */
    public static <K> KTable<K, Row> table(
            KTable<K, Row> in, RowFunction select, Problems problems, String name, Serde<K> key, Serde<Row> value,
            String store) {
        Materialized<K, Row, KeyValueStore<Bytes, byte[]>> made =
                store == null ? Materialized.with(key, value)
                        : Materialized.<K, Row, KeyValueStore<Bytes, byte[]>>as(store)
                                .withKeySerde(key).withValueSerde(value);
        return in.transformValues(() -> new Selecting<K>(select, problems), made, Named.as(name));
    }

    private record Selecting<K>(RowFunction select, Problems problems) implements ValueTransformerWithKey<K, Row, Row> {
        @Override
        public void init(ProcessorContext context) {}

        @Override
        public Row transform(K key, Row row) {
            return row == null ? null : new Row(select.apply(row.columns, problems));
        }

        @Override
        public void close() {}
    }

    public static KTable<Row, Row> table(KTable<Row, Row> in, RowFunction select, Problems problems, String name) {
        return in.mapValues(row -> row == null ? null : new Row(select.apply(row.columns, problems)), Named.as(name));
    }
}
