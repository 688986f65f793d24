package lab.ksqldb.step;

import lab.ksqldb.row.Row;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Named;

/** Keeps the rows that a function does not drop. */
public final class FilterStep {
    private FilterStep() {}

    public static KStream<Row, Row> stream(KStream<Row, Row> in, RowFunction where, Problems problems, String name) {
        return in.processValues(() -> new RowProcessor(where, problems), Named.as(name));
    }

    public static <K> KTable<K, Row> table(KTable<K, Row> in, RowFunction where, Problems problems, String name) {
        return in.filter((key, row) -> where.apply(row.columns, problems) != null, Named.as(name));
    }
}
