package lab.ksqldb.step;

import lab.ksqldb.agg.Aggregate;
import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Aggregates groups. A group's row holds the latest values of the columns that the query needs,
 * then one state per aggregate.
 */
public final class AggregateStep {
    private AggregateStep() {}

    /** {@code arguments[i]} is the column that the aggregate {@code i} reads, of {@code columns} columns. */
    public static KTable<Row, Row> stream(
            KGroupedStream<Row, Row> in, int columns, Aggregate[] aggregates, int[] arguments,
            Serde<Row> key, Serde<Row> state, String store) {
        return in.aggregate(
                () -> initial(columns, aggregates),
                (group, row, old) -> next(row.columns, old.columns, columns, aggregates, arguments),
                Materialized.<Row, Row, KeyValueStore<Bytes, byte[]>>as(store).withKeySerde(key).withValueSerde(state));
    }

    /** States to results. */
    public static KTable<Row, Row> results(KTable<Row, Row> in, RowFunction results, String name) {
        return in.mapValues(row -> row == null ? null : new Row(results.apply(row.columns, null)), Named.as(name));
    }

    public static RowFunction resultsOf(int columns, Aggregate[] aggregates) {
        return (row, problems) -> {
            Object[] out = new Object[columns + aggregates.length];
            System.arraycopy(row, 0, out, 0, columns);
            for (int i = 0; i < aggregates.length; i++) {
                out[columns + i] = aggregates[i].result(row[columns + i]);
            }
            return out;
        };
    }

    static Row initial(int columns, Aggregate[] aggregates) {
        Object[] row = new Object[columns + aggregates.length];
        for (int i = 0; i < aggregates.length; i++) {
            row[columns + i] = aggregates[i].initial();
        }
        return new Row(row);
    }

    static Row next(Object[] row, Object[] old, int columns, Aggregate[] aggregates, int[] arguments) {
        Object[] next = new Object[old.length];
        System.arraycopy(row, 0, next, 0, columns);
        for (int i = 0; i < aggregates.length; i++) {
            next[columns + i] = aggregates[i].add(row[arguments[i]], old[columns + i]);
        }
        return new Row(next);
    }
}
