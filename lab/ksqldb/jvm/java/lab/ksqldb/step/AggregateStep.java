package lab.ksqldb.step;

import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KGroupedTable;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.state.KeyValueStore;

/** Aggregates the groups of a stream or a table. */
public final class AggregateStep {
    private AggregateStep() {}

    public static KTable<Row, Row> stream(
            KGroupedStream<Row, Row> in, Groups groups, Serde<Row> key, Serde<Row> state, String store) {
        return in.aggregate(
                groups::initial, (group, row, old) -> groups.add(row, old), materialized(key, state, store));
    }

    /** What a changed or removed row of the table gave its old group is taken back. */
    public static KTable<Row, Row> table(
            KGroupedTable<Row, Row> in, Groups groups, Serde<Row> key, Serde<Row> state, String store) {
        return in.aggregate(
                groups::initial,
                (group, row, old) -> groups.add(row, old),
                (group, row, old) -> groups.undo(row, old),
                materialized(key, state, store));
    }

    private static Materialized<Row, Row, KeyValueStore<Bytes, byte[]>> materialized(
            Serde<Row> key, Serde<Row> state, String store) {
        return Materialized.<Row, Row, KeyValueStore<Bytes, byte[]>>as(store).withKeySerde(key).withValueSerde(state);
    }

    public static KTable<Row, Row> results(
            KTable<Row, Row> in, RowFunction results, Problems problems, String name) {
        return in.mapValues(row -> row == null ? null : new Row(results.apply(row.columns, problems)), Named.as(name));
    }
}
