package lab.ksqldb.step;

import java.time.Duration;
import java.util.function.Function;
import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.ValueJoiner;
import org.apache.kafka.streams.kstream.ValueJoinerWithKey;
import org.apache.kafka.streams.state.KeyValueStore;

/** Joins: a row of both sides' columns, a missing side's being NULL. */
public final class JoinStep {
    private JoinStep() {}

    /** How two rows become one: the sides' numbers of columns, and whether the key is appended. */
    public record Layout(int left, int right, boolean withKey) {
        Row join(Row key, Row a, Row b) {
            Object[] columns = new Object[left + right + (withKey ? 1 : 0)];
            if (a != null) {
                System.arraycopy(a.columns, 0, columns, 0, left);
            }
            if (b != null) {
                System.arraycopy(b.columns, 0, columns, left, right);
            }
            if (withKey && key != null) {
                columns[left + right] = key.columns[0];
            }
            return new Row(columns);
        }

        <K> ValueJoinerWithKey<K, Row, Row, Row> ordered() {
            return (key, a, b) -> join(PseudoColumns.plain(key), a, b);
        }

        <K> ValueJoinerWithKey<K, Row, Row, Row> swapped() {
            return (key, b, a) -> join(PseudoColumns.plain(key), a, b);
        }
    }

    /** A negative grace: rows without a match are given at once, and again with the match. */
    @SuppressWarnings("deprecation") // ksqlDB without GRACE PERIOD behaves as only the old windows do
    private static JoinWindows windows(long beforeMs, long afterMs, long graceMs) {
        JoinWindows windows =
                graceMs < 0
                        ? JoinWindows.of(Duration.ofMillis(beforeMs))
                        : JoinWindows.ofTimeDifferenceAndGrace(Duration.ofMillis(beforeMs), Duration.ofMillis(graceMs));
        return windows.before(Duration.ofMillis(beforeMs)).after(Duration.ofMillis(afterMs));
    }

    public static <K> KStream<K, Row> streams(
            KStream<K, Row> left, KStream<K, Row> right, String kind, long beforeMs, long afterMs, long graceMs,
            Serde<K> key, Serde<Row> leftRow, Serde<Row> rightRow, Layout layout, String name) {
        JoinWindows windows = windows(beforeMs, afterMs, graceMs);
        StreamJoined<K, Row, Row> joined = StreamJoined.with(key, leftRow, rightRow).withName(name);
        switch (kind) {
            case "INNER":
                return left.join(right, layout.ordered(), windows, joined);
            case "LEFT":
                return left.leftJoin(right, layout.ordered(), windows, joined);
            case "RIGHT":
                return right.leftJoin(
                        left, layout.swapped(), windows(afterMs, beforeMs, graceMs),
                        StreamJoined.with(key, rightRow, leftRow).withName(name));
            default:
                return left.outerJoin(right, layout.ordered(), windows, joined);
        }
    }

    public static <K> KStream<K, Row> lookup(
            KStream<K, Row> left, KTable<K, Row> right, String kind, Serde<K> key, Serde<Row> leftRow,
            Layout layout, String name) {
        Joined<K, Row, Row> joined = Joined.<K, Row, Row>with(key, leftRow, null).withName(name);
        return kind.equals("INNER")
                ? left.join(right, layout.ordered(), joined)
                : left.leftJoin(right, layout.ordered(), joined);
    }

    /** {@code leftKey} and {@code rightKey} are where a row has its key, for a layout that appends it. */
    public static <K> KTable<K, Row> tables(
            KTable<K, Row> left, KTable<K, Row> right, String kind, int leftKey, int rightKey, Layout layout) {
        ValueJoiner<Row, Row, Row> joiner = (a, b) -> layout.join(keyOf(layout, a, b, leftKey, rightKey), a, b);
        switch (kind) {
            case "INNER":
                return left.join(right, joiner);
            case "LEFT":
                return left.leftJoin(right, joiner);
            case "RIGHT":
                return right.leftJoin(left, (b, a) -> joiner.apply(a, b));
            default:
                return left.outerJoin(right, joiner);
        }
    }

    private static Row keyOf(Layout layout, Row left, Row right, int leftKey, int rightKey) {
        if (!layout.withKey()) {
            return null;
        }
        return new Row(new Object[] {left != null ? left.columns[leftKey] : right.columns[rightKey]});
    }

    /** Joins with the row of {@code right} whose key {@code foreign} computes; NULL matches nothing. */
    public static KTable<Row, Row> foreign(
            KTable<Row, Row> left, KTable<Row, Row> right, RowFunction foreign, Problems problems, String kind,
            Serde<Row> key, Serde<Row> row, int leftKey, Layout layout) {
        Function<Row, Row> extract = value -> {
            Object[] found = foreign.apply(value.columns, problems);
            return found[0] == null ? null : new Row(found);
        };
        ValueJoiner<Row, Row, Row> joiner = (a, b) -> layout.join(keyOf(layout, a, b, leftKey, -1), a, b);
        Materialized<Row, Row, KeyValueStore<Bytes, byte[]>> made = Materialized.with(key, row);
        return kind.equals("INNER")
                ? left.join(right, extract, joiner, made)
                : left.leftJoin(right, extract, joiner, made);
    }
}
