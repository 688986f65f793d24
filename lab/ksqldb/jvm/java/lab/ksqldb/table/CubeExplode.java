package lab.ksqldb.table;

import java.util.ArrayList;
import java.util.List;

/**
 * CUBE_EXPLODE: a row per combination of an array's items with NULLs in their places, from all NULL
 * to all there. An item that is NULL anyway has one form only.
 */
public final class CubeExplode implements TableFunction {
    /** More items would make more rows than an array holds. */
    private static final int MOST = 24;

    @Override
    public List<?> rows(Object value) {
        List<?> items = (List<?>) value;
        long there = items.stream().filter(item -> item != null).count();
        if (there > MOST) {
            throw new IllegalArgumentException("CUBE_EXPLODE of " + there + " values");
        }
        int combinations = items.isEmpty() ? 0 : 1 << there;
        List<Object> rows = new ArrayList<>(combinations);
        for (int chosen = 0; chosen < combinations; chosen++) {
            rows.add(combination(items, chosen, (int) there));
        }
        return rows;
    }

    private static List<Object> combination(List<?> items, int chosen, int there) {
        List<Object> row = new ArrayList<>(items.size());
        int bit = there;
        for (Object item : items) {
            row.add(item != null && (chosen >> --bit & 1) == 1 ? item : null);
        }
        return row;
    }
}
