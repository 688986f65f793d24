package lab.ksqldb.agg;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** EARLIEST_BY_OFFSET of the first N values. */
public final class EarliestList implements Aggregate {
    private static final Offsets OFFSETS = new Offsets();

    private final int size;
    private final boolean ignoresNulls;

    public EarliestList(Setup setup) {
        size = setup.count(0);
        ignoresNulls = setup.ignoresNulls();
    }

    @Override
    public Object initial() {
        return Collections.emptyList();
    }

    @Override
    public Object add(Object value, Object state) {
        List<?> old = (List<?>) state;
        if (old.size() >= size || value == null && ignoresNulls) {
            return state;
        }
        List<Object> next = new ArrayList<>(old);
        next.add(OFFSETS.pair(value, old.isEmpty() ? null : old.get(old.size() - 1)));
        return next;
    }

    @Override
    public Object merge(Object first, Object second) {
        List<Object> all = Offsets.merged(first, second);
        return new ArrayList<>(all.subList(0, Math.min(all.size(), size)));
    }

    @Override
    public Object result(Object state) {
        return Offsets.values(state);
    }
}
