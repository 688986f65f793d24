package lab.ksqldb.step;

import lab.ksqldb.row.Row;
import org.apache.kafka.streams.kstream.Windowed;

/**
 * The layout of a row once it is read: values, ROWTIME, ROWPARTITION, ROWOFFSET, the key, and the
 * bounds of the window if the key has one.
 */
public final class PseudoColumns {
    public static final int COUNT = 3;

    private PseudoColumns() {}

    /** Fills the places after {@code values} columns; a missing key leaves NULLs. */
    public static void fill(Object[] columns, int values, Object key, long timestamp, int partition, long offset) {
        columns[values] = timestamp;
        columns[values + 1] = partition;
        columns[values + 2] = offset;
        if (key instanceof Windowed<?> windowed) {
            bound(columns, windowed);
        }
        Row row = plain(key);
        if (row != null) {
            System.arraycopy(row.columns, 0, columns, values + COUNT, row.columns.length);
        }
    }

    /** The key without its window. */
    public static Row plain(Object key) {
        return (Row) (key instanceof Windowed<?> windowed ? windowed.key() : key);
    }

    /** Puts a window's bounds in the last two places; the same array. */
    public static Object[] bound(Object[] columns, Windowed<?> key) {
        columns[columns.length - 2] = key.window().start();
        columns[columns.length - 1] = key.window().end();
        return columns;
    }
}
