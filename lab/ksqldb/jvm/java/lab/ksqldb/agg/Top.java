package lab.ksqldb.agg;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import lab.ksqldb.row.Row;

/** TOPK: the K highest values, or the rows of the K highest values of a first column; highest first. */
public class Top implements Aggregate {
    private final int size;
    private final boolean rows;

    public Top(Setup setup) {
        size = setup.count(0);
        rows = setup.types().length > 1;
    }

    @Override
    public Object initial() {
        return Collections.emptyList();
    }

    @Override
    public Object add(Object value, Object state) {
        if (value == null || rows && ((Object[]) value)[0] == null) {
            return state;
        }
        return inserted(rows ? new Row((Object[]) value) : value, (List<?>) state);
    }

    /** Whether a value that ranks like one in the list is left out. */
    boolean distinct() {
        return false;
    }

    private List<?> inserted(Object entry, List<?> old) {
        int index = old.size();
        // What came first stays before its equals.
        while (index > 0 && order(old.get(index - 1), entry) < 0) {
            index--;
        }
        if (index >= size || distinct() && index > 0 && order(old.get(index - 1), entry) == 0) {
            return old;
        }
        List<Object> next = new ArrayList<>(old);
        next.add(index, entry);
        return next.size() > size ? next.subList(0, size) : next;
    }

    @SuppressWarnings("unchecked")
    private int order(Object a, Object b) {
        Object left = rows ? ((Row) a).columns[0] : a;
        Object right = rows ? ((Row) b).columns[0] : b;
        return ((Comparable<Object>) left).compareTo(right);
    }

    @Override
    public Object merge(Object first, Object second) {
        List<?> all = (List<?>) first;
        for (Object entry : (List<?>) second) {
            all = inserted(entry, all);
        }
        return all;
    }
}
