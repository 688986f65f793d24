package lab.ksqldb.step;

import lab.ksqldb.row.Row;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Named;

/** Computes the columns of a projection. */
public final class SelectStep {
    private SelectStep() {}

    public static KStream<Row, Row> stream(KStream<Row, Row> in, RowFunction select, Problems problems, String name) {
        return in.processValues(() -> new RowProcessor(select, problems), Named.as(name));
    }

    public static KTable<Row, Row> table(KTable<Row, Row> in, RowFunction select, Problems problems, String name) {
        return in.mapValues(row -> row == null ? null : new Row(select.apply(row.columns, problems)), Named.as(name));
    }
}
