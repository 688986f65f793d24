package lab.ksqldb.agg;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import lab.ksqldb.row.Row;

/** What the BY_OFFSET aggregates share: (SEQ, VAL) pairs, the number rising with each value taken. */
final class Offsets {
    private final AtomicLong next = new AtomicLong();

    /** A pair after all that were made and all that are in the state: numbers go on rising after a restart. */
    Row pair(Object value, Object last) {
        if (last instanceof Row row && row.columns[0] instanceof Long seen) {
            next.accumulateAndGet(seen + 1, Math::max);
        }
        return new Row(new Object[] {next.getAndIncrement(), value});
    }

    static Row none() {
        return new Row(new Object[] {null, null});
    }

    static boolean empty(Object pair) {
        return ((Row) pair).columns[0] == null;
    }

    static Object value(Object pair) {
        return ((Row) pair).columns[1];
    }

    static List<Object> values(Object pairs) {
        List<Object> values = new ArrayList<>();
        for (Object pair : (List<?>) pairs) {
            values.add(value(pair));
        }
        return values;
    }

    static int order(Object a, Object b) {
        return Long.compare((Long) ((Row) a).columns[0], (Long) ((Row) b).columns[0]);
    }

    /** All pairs of two states in the order of their numbers. */
    static List<Object> merged(Object first, Object second) {
        List<Object> all = new ArrayList<>((List<?>) first);
        all.addAll((List<?>) second);
        all.sort(Offsets::order);
        return all;
    }
}
