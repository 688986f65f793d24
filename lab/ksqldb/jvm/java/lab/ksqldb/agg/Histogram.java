package lab.ksqldb.agg;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * HISTOGRAM: how often each text came; values beyond 1000 different ones are left out. NULLs are
 * "null", counted once however many came, as ksqlDB's are.
 */
public final class Histogram implements Aggregate.Undoable {
    private static final int LIMIT = 1000;

    public Histogram(Setup setup) {}

    @Override
    public Object initial() {
        return Map.of();
    }

    @Override
    public Object add(Object value, Object state) {
        if (value == null && ((Map<?, ?>) state).containsKey("null")) {
            return state;
        }
        return changed((Map<?, ?>) state, String.valueOf(value), 1);
    }

    @Override
    public Object undo(Object value, Object state) {
        return changed((Map<?, ?>) state, String.valueOf(value), -1);
    }

    @Override
    public Object merge(Object first, Object second) {
        Object all = first;
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) second).entrySet()) {
            all = changed((Map<?, ?>) all, (String) entry.getKey(), (Long) entry.getValue());
        }
        return all;
    }

    private static Map<Object, Object> changed(Map<?, ?> old, String text, long by) {
        Map<Object, Object> next = new LinkedHashMap<>(old);
        Long count = (Long) next.get(text);
        if (count == null && (by < 0 || next.size() >= LIMIT)) {
            return next;
        }
        long changed = (count == null ? 0 : count) + by;
        if (changed == 0) {
            next.remove(text);
        } else {
            next.put(text, changed);
        }
        return next;
    }
}
