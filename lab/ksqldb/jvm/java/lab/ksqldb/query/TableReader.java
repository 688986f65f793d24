package lab.ksqldb.query;

import lab.ksqldb.row.Row;
import lab.ksqldb.step.RowFunction;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;
import org.apache.kafka.streams.state.ValueAndTimestamp;

/** Answers pull queries from a table's store: stored rows to the table's rows, then to answers. */
public final class TableReader {
    private final Runner runner;
    private final String store;
    private final StoredRows rows;

    /** The last five are those of {@link StoredRows}. */
    public TableReader(
            Runner runner, String store, RowFunction[] steps, int stored, int width, int values, int keys) {
        this.runner = runner;
        this.store = store;
        rows = new StoredRows(steps, stored, width, values, keys);
    }

    /**
     * Rows of the given keys, or of all when null; {@code query} filters and projects; negative limit: none.
     *
     * <p>Of the given partitions, or of all that are active here when null; {@code stale}: copies will do.
     */
    public byte[] read(
            Row[] lookups, RowFunction query, Answer answer, long limit, int[] partitions, boolean stale) {
        StoredRows.Taker taker = rows.new Taker(query, answer, limit);
        StoreQueryParameters<ReadOnlyKeyValueStore<Row, ValueAndTimestamp<Row>>> wanted =
                StoreQueryParameters.fromNameAndType(store, QueryableStoreTypes.timestampedKeyValueStore());
        if (partitions == null) {
            return read(lookups, runner.streams().store(wanted), taker);
        }
        if (stale) {
            wanted = wanted.enableStaleStores();
        }
        for (int partition : partitions) {
            read(lookups, runner.streams().store(wanted.withPartition(partition)), taker);
        }
        return taker.bytes();
    }

    private static byte[] read(
            Row[] lookups, ReadOnlyKeyValueStore<Row, ValueAndTimestamp<Row>> state, StoredRows.Taker taker) {
        if (lookups != null) {
            for (int i = 0; i < lookups.length && !taker.full(); i++) {
                take(taker, lookups[i], state.get(lookups[i]));
            }
            return taker.bytes();
        }
        try (KeyValueIterator<Row, ValueAndTimestamp<Row>> all = state.all()) {
            while (!taker.full() && all.hasNext()) {
                KeyValue<Row, ValueAndTimestamp<Row>> entry = all.next();
                take(taker, entry.key, entry.value);
            }
        }
        return taker.bytes();
    }

    private static void take(StoredRows.Taker taker, Row key, ValueAndTimestamp<Row> found) {
        if (found != null) {
            taker.take(key, found.value(), found.timestamp());
        }
    }
}
