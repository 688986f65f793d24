package lab.ksqldb.query;

import lab.ksqldb.row.Row;
import lab.ksqldb.step.PseudoColumns;
import org.apache.kafka.streams.kstream.Windowed;

/** What a key tells of a row that is gone: the columns that come from it, the others NULL. */
public final class KeyColumns {
    /** In the place of a column: it does not come from the key, or is a bound of its window. */
    public static final int NONE = -1;

    public static final int WINDOW_START = -2;
    public static final int WINDOW_END = -3;

    private final int[] places;

    /** For each column the place in the key where it comes from, or one of the constants. */
    public KeyColumns(int[] places) {
        this.places = places;
    }

    Object[] of(Object key) {
        Row plain = PseudoColumns.plain(key);
        Object[] columns = new Object[places.length];
        for (int i = 0; i < places.length; i++) {
            int place = places[i];
            if (place >= 0) {
                columns[i] = plain == null ? null : plain.columns[place];
            } else if (place != NONE && key instanceof Windowed<?> windowed) {
                columns[i] = place == WINDOW_START ? windowed.window().start() : windowed.window().end();
            }
        }
        return columns;
    }
}
