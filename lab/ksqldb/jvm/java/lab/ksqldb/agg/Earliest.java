package lab.ksqldb.agg;

import java.util.concurrent.atomic.AtomicLong;
import lab.ksqldb.row.Row;

/** EARLIEST_BY_OFFSET: the state is (SEQ, VAL), the number rising with each value taken. */
public final class Earliest implements Aggregate {
    private static final AtomicLong SEQUENCE = new AtomicLong();

    public Earliest(String type) {}

    @Override
    public Object initial() {
        return new Row(new Object[] {null, null});
    }

    @Override
    public Object add(Object value, Object state) {
        if (value == null || ((Row) state).columns[0] != null) {
            return state;
        }
        return new Row(new Object[] {SEQUENCE.getAndIncrement(), value});
    }

    @Override
    public Object result(Object state) {
        return ((Row) state).columns[1];
    }

    @Override
    public Object merge(Object left, Object right) {
        Long a = (Long) ((Row) left).columns[0];
        Long b = (Long) ((Row) right).columns[0];
        return a == null || (b != null && b < a) ? right : left;
    }
}
