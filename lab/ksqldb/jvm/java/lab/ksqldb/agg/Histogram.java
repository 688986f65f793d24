package lab.ksqldb.agg;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * HISTOGRAM: how often each text came; values beyond 1000 different ones are left out. NULLs are
 * "null", counted once however many came, as ksqlDB's are. Where rows are taken back, the state has
 * their number under a key of their own, so that the entry goes with the last of them.
 */
public final class Histogram implements Aggregate.Undoable {
    private static final int LIMIT = 1000;
    private static final String NULL = "null";
    private static final String NULLS = "\u0000";

    private final boolean undone;

    public Histogram(Setup setup) {
        undone = setup.undone();
    }

    @Override
    public Object initial() {
        return Map.of();
    }

    @Override
    public Object add(Object value, Object state) {
        if (value == null && !undone && ((Map<?, ?>) state).containsKey(NULL)) {
            return state;
        }
        return changed((Map<?, ?>) state, key(value), 1);
    }

    @Override
    public Object undo(Object value, Object state) {
        return changed((Map<?, ?>) state, key(value), -1);
    }

    private String key(Object value) {
        return value != null ? (String) value : undone ? NULLS : NULL;
    }

    @Override
    public Object result(Object state) {
        if (!((Map<?, ?>) state).containsKey(NULLS)) {
            return state;
        }
        Map<Object, Object> shown = new LinkedHashMap<>((Map<?, ?>) state);
        shown.remove(NULLS);
        shown.putIfAbsent(NULL, 1L);
        return shown;
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
