package lab.ksqldb.agg;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** COLLECT_SET: different values in the order they came first, NULL among them. */
public final class CollectSet implements Aggregate {
    private final int limit;

    public CollectSet(Setup setup) {
        limit = setup.limit("collect_set");
    }

    @Override
    public Object initial() {
        return Collections.emptyList();
    }

    @Override
    public Object add(Object value, Object state) {
        List<?> old = (List<?>) state;
        if (old.size() >= limit || old.indexOf(value) >= 0) {
            return state;
        }
        List<Object> next = new ArrayList<>(old.size() + 1);
        next.addAll(old);
        next.add(value);
        return next;
    }

    @Override
    public Object merge(Object first, Object second) {
        Set<Object> all = new LinkedHashSet<>((List<?>) first);
        for (Object value : (List<?>) second) {
            if (all.size() >= limit) {
                break;
            }
            all.add(value);
        }
        return new ArrayList<>(all);
    }
}
