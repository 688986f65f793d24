package lab.ksqldb.agg;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** COLLECT_LIST: values in their order, NULLs too; what comes after the limit is left out. */
public final class CollectList implements Aggregate.Undoable {
    private final int limit;

    public CollectList(Setup setup) {
        limit = setup.limit("collect_list");
    }

    @Override
    public Object initial() {
        return Collections.emptyList();
    }

    @Override
    public Object add(Object value, Object state) {
        List<?> old = (List<?>) state;
        if (old.size() >= limit) {
            return state;
        }
        List<Object> next = new ArrayList<>(old.size() + 1);
        next.addAll(old);
        next.add(value);
        return next;
    }

    /** Takes the last such value away. */
    @Override
    public Object undo(Object value, Object state) {
        int index = ((List<?>) state).lastIndexOf(value);
        if (index < 0) {
            return state;
        }
        List<Object> next = new ArrayList<>((List<?>) state);
        next.remove(index);
        return next;
    }

    @Override
    public Object merge(Object first, Object second) {
        List<Object> all = new ArrayList<>((List<?>) first);
        List<?> more = (List<?>) second;
        all.addAll(more.subList(0, Math.max(0, Math.min(more.size(), limit - all.size()))));
        return all;
    }
}
