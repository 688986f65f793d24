package lab.ksqldb.step;

import java.util.Arrays;
import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;

/** Gives rows another key. Parts of the key that are no columns yet are appended to the row. */
public final class SelectKeyStep {
    private SelectKeyStep() {}

    /** {@code appended} are the parts of the key that become columns. A key of only NULLs is none. */
    public static KStream<Row, Row> stream(
            KStream<Row, Row> in, RowFunction keys, int[] appended, Problems problems, String name) {
        return in.map((old, row) -> rekeyed(row, keys.apply(row.columns, problems), appended), Named.as(name));
    }

    /** Rows without a key. */
    public static KStream<Row, Row> none(KStream<Row, Row> in, String name) {
        return in.map((old, row) -> new KeyValue<>(null, row), Named.as(name));
    }

    /** The same table through a topic, and a store, of other formats. */
    public static KTable<Row, Row> table(KTable<Row, Row> in, Serde<Row> key, Serde<Row> value, String name) {
        return in.toStream()
                .selectKey((old, row) -> old, Named.as(name + "-SelectKey"))
                .toTable(Named.as(name), Materialized.with(key, value));
    }

    private static KeyValue<Row, Row> rekeyed(Row row, Object[] key, int[] appended) {
        Object[] columns = row.columns;
        if (appended.length > 0) {
            columns = Arrays.copyOf(row.columns, row.columns.length + appended.length);
            for (int i = 0; i < appended.length; i++) {
                columns[row.columns.length + i] = key[appended[i]];
            }
        }
        return new KeyValue<>(keyOf(key), columns == row.columns ? row : new Row(columns));
    }

    private static Row keyOf(Object[] key) {
        for (Object part : key) {
            if (part != null) {
                return new Row(key);
            }
        }
        return null;
    }
}
