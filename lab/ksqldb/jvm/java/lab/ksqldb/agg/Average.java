package lab.ksqldb.agg;

import lab.ksqldb.row.Row;

/** AVG: the state is (SUM, COUNT); no values give 0. */
public final class Average implements Aggregate.Undoable {
    public Average(Setup setup) {}

    @Override
    public Object initial() {
        return state(0.0, 0L);
    }

    @Override
    public Object add(Object value, Object state) {
        return change(value, state, 1);
    }

    @Override
    public Object undo(Object value, Object state) {
        return change(value, state, -1);
    }

    private static Object change(Object value, Object state, int sign) {
        if (value == null) {
            return state;
        }
        Object[] old = ((Row) state).columns;
        return state((Double) old[0] + sign * ((Number) value).doubleValue(), (Long) old[1] + sign);
    }

    @Override
    public Object merge(Object first, Object second) {
        Object[] a = ((Row) first).columns;
        Object[] b = ((Row) second).columns;
        return state((Double) a[0] + (Double) b[0], (Long) a[1] + (Long) b[1]);
    }

    private static Row state(double sum, long count) {
        return new Row(new Object[] {sum, count});
    }

    @Override
    public Object result(Object state) {
        Object[] columns = ((Row) state).columns;
        return (Long) columns[1] == 0 ? 0.0 : (Double) columns[0] / (Long) columns[1];
    }
}
