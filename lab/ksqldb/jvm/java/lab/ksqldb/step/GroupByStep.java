package lab.ksqldb.step;

import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;

/** Groups a stream by its key, or by other values through a repartition topic. */
public final class GroupByStep {
    private GroupByStep() {}

    public static KGroupedStream<Row, Row> byKey(KStream<Row, Row> in, Serde<Row> key, Serde<Row> value, String name) {
        return in.groupByKey(Grouped.with(name, key, value));
    }

    /** Rows with a NULL among the values they are grouped by are dropped. */
    public static <K> KGroupedStream<Row, Row> by(
            KStream<K, Row> in, RowFunction group, Problems problems, Serde<Row> key, Serde<Row> value, String name) {
        return in.filter((old, row) -> row != null && complete(group.apply(row.columns, problems)))
                .groupBy((old, row) -> new Row(group.apply(row.columns, problems)), Grouped.with(name, key, value));
    }

    private static boolean complete(Object[] columns) {
        for (Object column : columns) {
            if (column == null) {
                return false;
            }
        }
        return true;
    }
}
