package lab.ksqldb.agg;

import java.util.concurrent.atomic.AtomicLong;
import lab.ksqldb.row.Row;

/** LATEST_BY_OFFSET: the state is (SEQ, VAL), the number rising with each value taken. */
public final class Latest implements Aggregate {
    private static final AtomicLong SEQUENCE = new AtomicLong();

    public Latest(String type) {}

    @Override
    public Object initial() {
        return new Row(new Object[] {null, null});
    }

    @Override
    public Object add(Object value, Object state) {
        if (value == null) {
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
        return a == null || (b != null && b > a) ? right : left;
    }
}
