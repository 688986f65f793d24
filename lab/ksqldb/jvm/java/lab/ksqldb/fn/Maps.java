package lab.ksqldb.fn;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lab.ksqldb.row.Row;

/** Functions of maps. NULL in, NULL out, unless said otherwise. */
public final class Maps {
    private Maps() {}

    /** Keys without a value get NULL; the last of equal keys wins. */
    public static Map<Object, Object> of(List<?> keys, List<?> values) {
        if (keys == null || values == null) {
            return null;
        }
        Map<Object, Object> map = new HashMap<>();
        for (int i = 0; i < keys.size(); i++) {
            map.put(keys.get(i), i < values.size() ? values.get(i) : null);
        }
        return map;
    }

    public static List<Object> keys(Map<?, ?> map) {
        return map == null ? null : new ArrayList<>(map.keySet());
    }

    public static List<Object> values(Map<?, ?> map) {
        return map == null ? null : new ArrayList<>(map.values());
    }

    /** NULL maps are left out; the second map's entries win. */
    public static Map<Object, Object> union(Map<?, ?> first, Map<?, ?> second) {
        if (first == null && second == null) {
            return null;
        }
        Map<Object, Object> all = new HashMap<>();
        if (first != null) {
            all.putAll(first);
        }
        if (second != null) {
            all.putAll(second);
        }
        return all;
    }

    /** A list of key and value structs. */
    public static List<Object> entries(Map<?, ?> map, Boolean sorted) {
        if (map == null || sorted == null) {
            return null;
        }
        List<Object> all = new ArrayList<>();
        for (Map.Entry<?, ?> entry : (sorted ? new TreeMap<>(map) : map).entrySet()) {
            all.add(new Row(new Object[] {entry.getKey(), entry.getValue()}));
        }
        return all;
    }
}
