package lab.ksqldb.agg;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** LATEST_BY_OFFSET of the last N values. */
public final class LatestList implements Aggregate {
    private static final Offsets OFFSETS = new Offsets();

    private final int size;
    private final boolean ignoresNulls;

    public LatestList(Setup setup) {
        size = setup.count(0);
        ignoresNulls = setup.ignoresNulls();
    }

    @Override
    public Object initial() {
        return Collections.emptyList();
    }

    @Override
    public Object add(Object value, Object state) {
        if (value == null && ignoresNulls) {
            return state;
        }
        List<?> old = (List<?>) state;
        List<Object> next = new ArrayList<>(old.size() < size ? old : old.subList(old.size() - size + 1, old.size()));
        next.add(OFFSETS.pair(value, old.isEmpty() ? null : old.get(old.size() - 1)));
        return next;
    }

    @Override
    public Object merge(Object first, Object second) {
        List<Object> all = Offsets.merged(first, second);
        return new ArrayList<>(all.subList(Math.max(0, all.size() - size), all.size()));
    }

    @Override
    public Object result(Object state) {
        return Offsets.values(state);
    }
}
