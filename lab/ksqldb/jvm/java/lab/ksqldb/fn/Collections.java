package lab.ksqldb.fn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lab.ksqldb.row.Row;

/** Arrays (from one, from the end when negative), maps and structs. */
public final class Collections {
    private Collections() {}

    public static Object item(List<?> list, Integer index) {
        if (list == null || index == null) {
            return null;
        }
        int at = index > 0 ? index - 1 : list.size() + index;
        return index == 0 || at < 0 || at >= list.size() ? null : list.get(at);
    }

    public static Object entry(Map<?, ?> map, Object key) {
        return map == null ? null : map.get(key);
    }

    public static Object member(Row struct, int index) {
        return struct == null ? null : struct.columns[index];
    }

    public static List<Object> list(Object[] items) {
        return new ArrayList<>(Arrays.asList(items));
    }

    public static Map<Object, Object> map(Object[] keys, Object[] values) {
        Map<Object, Object> map = new HashMap<>();
        for (int i = 0; i < keys.length; i++) {
            map.put(keys[i], values[i]);
        }
        return map;
    }
}
