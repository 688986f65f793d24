package lab.ksqldb.step;

import static java.time.Duration.ofMillis;

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
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.WindowStore;

/** Aggregates groups within windows of time. Times are in ms. */
public final class WindowedAggregateStep {
    private final KGroupedStream<Row, Row> in;
    private final boolean last;
    private final Groups groups;
    private final Initializer<Row> initial;
    private final Aggregator<Row, Row, Row> next;

    /** {@code last}: windows are given on once, when they close. */
    public WindowedAggregateStep(KGroupedStream<Row, Row> in, boolean last, Groups groups) {
        this.in = in;
        this.last = last;
        this.groups = groups;
        initial = groups::initial;
        next = (group, row, old) -> groups.add(row, old);
    }

    /** Windows of {@code size} that begin every {@code advance}; a negative retention is the least possible. */
    public KTable<Windowed<Row>, Row> time(
            long size, long advance, long grace, long retention, Serde<Row> key, Serde<Row> state, String store) {
        Materialized<Row, Row, WindowStore<Bytes, byte[]>> stored =
                Materialized.<Row, Row, WindowStore<Bytes, byte[]>>as(store).withKeySerde(key).withValueSerde(state);
        return in.windowedBy(TimeWindows.ofSizeAndGrace(ofMillis(size), ofMillis(grace)).advanceBy(ofMillis(advance)))
                .emitStrategy(emit())
                .aggregate(initial, next, kept(stored, retention));
    }

    /** Windows that end when {@code gap} passes without a row. */
    public KTable<Windowed<Row>, Row> session(
            long gap, long grace, long retention, Serde<Row> key, Serde<Row> state, String store) {
        Materialized<Row, Row, SessionStore<Bytes, byte[]>> stored =
                Materialized.<Row, Row, SessionStore<Bytes, byte[]>>as(store).withKeySerde(key).withValueSerde(state);
        return in.windowedBy(SessionWindows.ofInactivityGapAndGrace(ofMillis(gap), ofMillis(grace)))
                .emitStrategy(emit())
                .aggregate(
                        initial, next, (group, left, right) -> groups.merge(left, right),
                        kept(stored, retention));
    }

    /**
     * Without a cache where windows are given on when they close: the first search for closed ones
     * would walk through the cache segment by segment from 1970 on.
     */
    private <S extends StateStore> Materialized<Row, Row, S> kept(Materialized<Row, Row, S> stored, long retention) {
        Materialized<Row, Row, S> kept = retention < 0 ? stored : stored.withRetention(ofMillis(retention));
        return last ? kept.withCachingDisabled() : kept;
    }

    private EmitStrategy emit() {
        return last ? EmitStrategy.onWindowClose() : EmitStrategy.onWindowUpdate();
    }

    /** States to results, the bounds of their window in the last two places. */
    public static KTable<Windowed<Row>, Row> results(
            KTable<Windowed<Row>, Row> in, RowFunction results, Problems problems, String name) {
        return in.mapValues(
                (key, row) ->
                        row == null ? null : new Row(PseudoColumns.bound(results.apply(row.columns, problems), key)),
                Named.as(name));
    }

    /** Results of {@link Groups#results} with two more places. */
    public static RowFunction resultsOf(RowFunction results) {
        return (row, problems) -> {
            Object[] plain = results.apply(row, problems);
            return java.util.Arrays.copyOf(plain, plain.length + 2);
        };
    }
}
