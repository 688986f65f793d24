package lab.ksqldb.step;

import static java.time.Duration.ofMillis;

import lab.ksqldb.agg.Aggregate;
import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.Aggregator;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Initializer;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.WindowStore;

/** Aggregates groups within windows of time; rows as {@link AggregateStep} has them. Times are in ms. */
public final class WindowedAggregateStep {
    private final KGroupedStream<Row, Row> in;
    private final EmitStrategy emit;
    private final int columns;
    private final Aggregate[] aggregates;
    private final Initializer<Row> initial;
    private final Aggregator<Row, Row, Row> next;

    /** {@code last}: windows are given on once, when they close. The rest as in {@link AggregateStep#stream}. */
    public WindowedAggregateStep(
            KGroupedStream<Row, Row> in, boolean last, int columns, Aggregate[] aggregates, int[] arguments) {
        this.in = in;
        this.columns = columns;
        this.aggregates = aggregates;
        emit = last ? EmitStrategy.onWindowClose() : EmitStrategy.onWindowUpdate();
        initial = () -> AggregateStep.initial(columns, aggregates);
        next = (group, row, old) -> AggregateStep.next(row.columns, old.columns, columns, aggregates, arguments);
    }

    /** Windows of {@code size} that begin every {@code advance}; a negative retention is the least possible. */
    public KTable<Windowed<Row>, Row> time(
            long size, long advance, long grace, long retention, Serde<Row> key, Serde<Row> state, String store) {
        Materialized<Row, Row, WindowStore<Bytes, byte[]>> stored =
                Materialized.<Row, Row, WindowStore<Bytes, byte[]>>as(store).withKeySerde(key).withValueSerde(state);
        return in.windowedBy(TimeWindows.ofSizeAndGrace(ofMillis(size), ofMillis(grace)).advanceBy(ofMillis(advance)))
                .emitStrategy(emit)
                .aggregate(initial, next, retention < 0 ? stored : stored.withRetention(ofMillis(retention)));
    }

    /** Windows that end when {@code gap} passes without a row. */
    public KTable<Windowed<Row>, Row> session(
            long gap, long grace, long retention, Serde<Row> key, Serde<Row> state, String store) {
        Materialized<Row, Row, SessionStore<Bytes, byte[]>> stored =
                Materialized.<Row, Row, SessionStore<Bytes, byte[]>>as(store).withKeySerde(key).withValueSerde(state);
        return in.windowedBy(SessionWindows.ofInactivityGapAndGrace(ofMillis(gap), ofMillis(grace)))
                .emitStrategy(emit)
                .aggregate(
                        initial, next, (group, left, right) -> merged(left.columns, right.columns),
                        retention < 0 ? stored : stored.withRetention(ofMillis(retention)));
    }

    private Row merged(Object[] left, Object[] right) {
        Object[] row = right.clone();
        for (int i = columns; i < row.length; i++) {
            row[i] = aggregates[i - columns].merge(left[i], right[i]);
        }
        return new Row(row);
    }

    /** States to results, the bounds of their window in the last two places. */
    public static KTable<Windowed<Row>, Row> results(KTable<Windowed<Row>, Row> in, RowFunction results, String name) {
        return in.mapValues(
                (key, row) -> row == null ? null : new Row(PseudoColumns.bound(results.apply(row.columns, null), key)),
                Named.as(name));
    }

    /** Results of {@link AggregateStep#resultsOf} with two more places. */
    public static RowFunction resultsOf(RowFunction results) {
        return (row, problems) -> {
            Object[] plain = results.apply(row, problems);
            return java.util.Arrays.copyOf(plain, plain.length + 2);
        };
    }
}
