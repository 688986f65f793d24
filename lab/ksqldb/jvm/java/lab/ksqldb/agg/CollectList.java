package lab.ksqldb.agg;

import java.util.ArrayList;
import java.util.List;

/** COLLECT_LIST: at most 1000 values. */
public final class CollectList implements Aggregate.Undoable {
    private static final int LIMIT = 1000;

    public CollectList(String type) {}

    @Override
    public Object initial() {
        return new ArrayList<>();
    }

    @Override
    public Object add(Object value, Object state) {
        List<?> old = (List<?>) state;
        if (old.size() >= LIMIT) {
            return state;
        }
        List<Object> next = new ArrayList<>(old);
        next.add(value);
        return next;
    }

    @Override
    public Object undo(Object value, Object state) {
        List<Object> next = new ArrayList<>((List<?>) state);
        next.remove(value);
        return next;
    }

    @Override
    public Object merge(Object left, Object right) {
        List<Object> all = new ArrayList<>((List<?>) left);
        List<?> more = (List<?>) right;
        all.addAll(more.subList(0, Math.min(more.size(), LIMIT - all.size())));
        return all;
    }
}
