package lab.ksqldb.query;

import java.io.ByteArrayOutputStream;
import lab.ksqldb.row.Row;
import lab.ksqldb.step.Problems;
import lab.ksqldb.step.PseudoColumns;
import lab.ksqldb.step.RowFunction;
import lab.ksqldb.step.SourceStep;
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
    private final RowFunction[] steps;
    private final int stored;
    private final int width;
    private final int values;
    private final int keys;

    /**
     * {@code steps} make a stored row a row of the table, of {@code values} columns. When the store
     * holds source rows, {@code stored} is how many values they have, and they are completed to
     * {@code width} columns first; otherwise it is negative.
     */
    public TableReader(
            Runner runner, String store, RowFunction[] steps, int stored, int width, int values, int keys) {
        this.runner = runner;
        this.store = store;
        this.steps = steps;
        this.stored = stored;
        this.width = width;
        this.values = values;
        this.keys = keys;
    }

    /** Rows of the given keys, or of all when null; {@code query} filters and projects; negative limit: none. */
    public byte[] read(Row[] lookups, RowFunction query, Answer answer, long limit) {
        ReadOnlyKeyValueStore<Row, ValueAndTimestamp<Row>> state =
                runner.streams().store(
                        StoreQueryParameters.fromNameAndType(store, QueryableStoreTypes.timestampedKeyValueStore()));
        ByteArrayOutputStream out = new ByteArrayOutputStream(512);
        long left = limit < 0 ? Long.MAX_VALUE : limit;
        if (lookups != null) {
            for (int i = 0; i < lookups.length && left > 0; i++) {
                left -= row(lookups[i], state.get(lookups[i]), query, answer, out);
            }
            return out.toByteArray();
        }
        try (KeyValueIterator<Row, ValueAndTimestamp<Row>> all = state.all()) {
            while (left > 0 && all.hasNext()) {
                KeyValue<Row, ValueAndTimestamp<Row>> entry = all.next();
                left -= row(entry.key, entry.value, query, answer, out);
            }
        }
        return out.toByteArray();
    }

    private int row(Row key, ValueAndTimestamp<Row> found, RowFunction query, Answer answer, ByteArrayOutputStream out) {
        if (found == null || found.value() == null) {
            return 0;
        }
        Object[] row = found.value().columns;
        if (stored >= 0) {
            row = SourceStep.complete(row, stored, width, key, found.timestamp());
        }
        for (RowFunction step : steps) {
            row = step.apply(row, Problems.IGNORED);
            if (row == null) {
                return 0;
            }
        }
        Object[] full = new Object[values + PseudoColumns.COUNT + keys];
        System.arraycopy(row, 0, full, 0, values);
        PseudoColumns.fill(full, values, key, found.timestamp(), 0, 0);
        Object[] result = query.apply(full, Problems.IGNORED);
        if (result == null) {
            return 0;
        }
        answer.write(result, out);
        return 1;
    }
}
