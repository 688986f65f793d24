package lab.ksqldb.step;

import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/** Writes rows to a topic, or hands them to a push query. */
public final class SinkStep {
    private SinkStep() {}

    public static <K> void stream(KStream<K, Row> in, String topic, Serde<K> key, Serde<Row> value) {
        in.to(topic, Produced.with(key, value));
    }

    /**
     * Gives records the time of one of their columns. One without a time is reported and dropped, or
     * fails the query where {@code fails} says so.
     */
    public static <K> KStream<K, Row> timed(
            KStream<K, Row> in, ColumnTimestamp time, Problems problems, boolean fails, String name) {
        return in.process(() -> new ContextualProcessor<K, Row, K, Row>() {
            @Override
            public void process(Record<K, Row> record) {
                if (record.value() == null) {
                    context().forward(record);
                    return;
                }
                long at;
                try {
                    at = time.ofRow(PseudoColumns.plain(record.key()), record.value());
                } catch (RuntimeException e) {
                    refuse(record, e);
                    return;
                }
                if (at < 0) {
                    refuse(record, new IllegalArgumentException("the column has no time: " + at));
                } else {
                    context().forward(record.withTimestamp(at));
                }
            }

            private void refuse(Record<K, Row> record, RuntimeException reason) {
                if (fails) {
                    throw reason;
                }
                problems.failed("Error computing the timestamp of the record", reason, record.value().columns);
            }
        }, Named.as(name));
    }

    public static <K> KStream<K, Row> changes(KTable<K, Row> in) {
        return in.toStream();
    }

    /** {@code tombstones} says that a record without a value is a row that is gone. */
    public static <K> void push(KStream<K, Row> in, RowSink sink, boolean tombstones) {
        in.process(() -> new ContextualProcessor<K, Row, Void, Void>() {
            @Override
            public void process(Record<K, Row> record) {
                if (record.value() != null) {
                    sink.row(record.value().columns);
                } else if (tombstones) {
                    sink.gone(record.key());
                }
            }
        });
    }

    /** Takes rows, and may block to slow the query down. */
    public interface RowSink {
        void row(Object[] columns);

        /** A table's row is deleted. */
        void gone(Object key);
    }
}
