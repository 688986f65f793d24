package lab.ksqldb.step;

import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/** Writes rows to a topic, or hands them to a push query. */
public final class SinkStep {
    private SinkStep() {}

    public static <K> void stream(KStream<K, Row> in, String topic, Serde<K> key, Serde<Row> value) {
        in.to(topic, Produced.with(key, value));
    }

    public static <K> void table(KTable<K, Row> in, String topic, Serde<K> key, Serde<Row> value) {
        in.toStream().to(topic, Produced.with(key, value));
    }

    public static <K> KStream<K, Row> changes(KTable<K, Row> in) {
        return in.toStream();
    }

    public static <K> void push(KStream<K, Row> in, RowSink sink) {
        in.process(() -> new ContextualProcessor<K, Row, Void, Void>() {
            @Override
            public void process(Record<K, Row> record) {
                if (record.value() != null) {
                    sink.row(record.value().columns);
                }
            }
        });
    }

    /** Takes rows, and may block to slow the query down. */
    public interface RowSink {
        void row(Object[] columns);
    }
}
