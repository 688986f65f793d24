package lab.ksqldb.step;

import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KGroupedTable;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;

/** Groups a stream by its key, or a stream or table by other values through a repartition topic. */
public final class GroupByStep {
    private GroupByStep() {}

    public static KGroupedStream<Row, Row> byKey(KStream<Row, Row> in, Serde<Row> key, Serde<Row> value, String name) {
        return in.groupByKey(Grouped.with(name, key, value));
    }

    /** Rows with a NULL among the values they are grouped by are reported and dropped. */
    public static <K> KGroupedStream<Row, Row> by(
            KStream<K, Row> in, RowFunction group, Problems problems, Serde<Row> key, Serde<Row> value, String name) {
        Grouping grouping = new Grouping(group, problems);
        return in.filter((old, row) -> row != null && grouping.of(row) != null)
                .groupBy((old, row) -> grouping.of(row), Grouped.with(name, key, value));
    }

    /** The same for a table: a row without a group is in none. */
    public static <K> KGroupedTable<Row, Row> table(
            KTable<K, Row> in, RowFunction group, Problems problems, Serde<Row> key, Serde<Row> value, String name) {
        Grouping grouping = new Grouping(group, problems);
        return in.groupBy((old, row) -> KeyValue.pair(grouping.of(row), row), Grouped.with(name, key, value));
    }

    /**
     * Computes the groups of rows. The filter and the mapper of a stream ask one after the other, in
     * one thread, for the same row: the second gets what the first computed.
     */
    private static final class Grouping {
        private final RowFunction group;
        private final Problems problems;
        private final ThreadLocal<Row[]> last = ThreadLocal.withInitial(() -> new Row[2]);

        Grouping(RowFunction group, Problems problems) {
            this.group = group;
            this.problems = problems;
        }

        Row of(Row row) {
            Row[] known = last.get();
            if (known[0] != row) {
                Object[] columns = group.apply(row.columns, problems);
                int missing = missing(columns);
                if (missing >= 0) {
                    problems.dropped(
                            "Group-by column with index " + missing + " resolved to null. "
                                    + "The source row will be excluded from the table.",
                            row.columns);
                }
                known[1] = missing < 0 ? new Row(columns) : null;
                known[0] = row;
            }
            return known[1];
        }

        /** The first column without a value, or -1. */
        private static int missing(Object[] columns) {
            for (int i = 0; i < columns.length; i++) {
                if (columns[i] == null) {
                    return i;
                }
            }
            return -1;
        }
    }
}
