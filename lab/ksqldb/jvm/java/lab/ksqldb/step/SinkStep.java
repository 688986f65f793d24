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

    public static void stream(KStream<Row, Row> in, String topic, Serde<Row> key, Serde<Row> value) {
        in.to(topic, Produced.with(key, value));
    }

    public static void table(KTable<Row, Row> in, String topic, Serde<Row> key, Serde<Row> value) {
        in.toStream().to(topic, Produced.with(key, value));
    }

    public static KStream<Row, Row> changes(KTable<Row, Row> in) {
        return in.toStream();
    }

    public static void push(KStream<Row, Row> in, RowSink sink) {
        in.process(() -> new ContextualProcessor<Row, Row, Void, Void>() {
            @Override
            public void process(Record<Row, Row> record) {
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
