package lab.ksqldb.agg;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import lab.ksqldb.row.Row;

/**
 * ATTR: the value that all rows share, else NULL. The state is the different values, NULL among
 * them, with how often each came: (VAL, COUNT).
 */
public final class Attribute implements Aggregate.Undoable {
    private final boolean undone;

    public Attribute(Setup setup) {
        undone = setup.undone();
    }

    @Override
    public Object initial() {
        return Collections.emptyList();
    }

    @Override
    public Object add(Object value, Object state) {
        return changed((List<?>) state, value, 1);
    }

    @Override
    public Object undo(Object value, Object state) {
        return changed((List<?>) state, value, -1);
    }

    @Override
    public Object merge(Object first, Object second) {
        Object all = first;
        for (Object entry : (List<?>) second) {
            Object[] columns = ((Row) entry).columns;
            all = changed((List<?>) all, columns[0], (Long) columns[1]);
        }
        return all;
    }

    private List<?> changed(List<?> old, Object value, long by) {
        int index = 0;
        while (index < old.size() && !Objects.equals(((Row) old.get(index)).columns[0], value)) {
            index++;
        }
        boolean known = index < old.size();
        // Nothing is taken back from a stream's groups: two values settle it.
        if (!known && (by < 0 || !undone && old.size() > 1)) {
            return old;
        }
        List<Object> next = new ArrayList<>(old);
        long count = by + (known ? (Long) ((Row) old.get(index)).columns[1] : 0);
        if (known) {
            next.remove(index);
        }
        if (count > 0) {
            next.add(index, new Row(new Object[] {value, count}));
        }
        return next;
    }

    @Override
    public Object result(Object state) {
        List<?> values = (List<?>) state;
        return values.size() == 1 ? ((Row) values.get(0)).columns[0] : null;
    }
}
