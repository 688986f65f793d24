package lab.ksqldb.step;

import lab.ksqldb.row.Row;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/** Applies a row function to each value of a stream. */
final class RowProcessor implements FixedKeyProcessor<Row, Row, Row> {
    private final RowFunction function;
    private final Problems problems;
    private FixedKeyProcessorContext<Row, Row> context;

    RowProcessor(RowFunction function, Problems problems) {
        this.function = function;
        this.problems = problems;
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
        Object[] result = function.apply(row.columns, problems);
        if (result == row.columns) {
            context.forward(record);
        } else if (result != null) {
            context.forward(record.withValue(new Row(result)));
        }
    }
}
