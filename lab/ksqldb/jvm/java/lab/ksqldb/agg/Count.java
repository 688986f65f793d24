package lab.ksqldb.agg;

/** COUNT: values that are not NULL. */
public final class Count implements Aggregate.Undoable {
    public Count(Setup setup) {}

    @Override
    public Object initial() {
        return 0L;
    }

    @Override
    public Object add(Object value, Object state) {
        return value == null ? state : Long.valueOf((Long) state + 1);
    }

    @Override
    public Object undo(Object value, Object state) {
        return value == null ? state : Long.valueOf((Long) state - 1);
    }

    @Override
    public Object merge(Object first, Object second) {
        return (Long) first + (Long) second;
    }
}
