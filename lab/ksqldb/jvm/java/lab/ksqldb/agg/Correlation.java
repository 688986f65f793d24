package lab.ksqldb.agg;

import lab.ksqldb.row.Row;

/**
 * CORRELATION: Pearson's, over the rows in which both values are there. The state is (SUM1, SUM2,
 * SQUARES1, SQUARES2, PRODUCTS, COUNT).
 */
public final class Correlation implements Aggregate.Undoable {
    public Correlation(Setup setup) {}

    @Override
    public Object initial() {
        return new Row(new Object[] {0.0, 0.0, 0.0, 0.0, 0.0, 0L});
    }

    @Override
    public Object add(Object value, Object state) {
        return change((Object[]) value, (Row) state, 1);
    }

    @Override
    public Object undo(Object value, Object state) {
        return change((Object[]) value, (Row) state, -1);
    }

    private static Row change(Object[] pair, Row state, int sign) {
        if (pair[0] == null || pair[1] == null) {
            return state;
        }
        double x = ((Number) pair[0]).doubleValue();
        double y = ((Number) pair[1]).doubleValue();
        return sum(state, new Row(new Object[] {x, y, x * x, y * y, x * y, 1L}), sign);
    }

    private static Row sum(Row a, Row b, int sign) {
        Object[] out = new Object[a.columns.length];
        int last = out.length - 1;
        for (int i = 0; i < last; i++) {
            out[i] = (Double) a.columns[i] + sign * (Double) b.columns[i];
        }
        out[last] = (Long) a.columns[last] + sign * (Long) b.columns[last];
        return new Row(out);
    }

    @Override
    public Object merge(Object first, Object second) {
        return sum((Row) first, (Row) second, 1);
    }

    /** NaN where it is not defined: no values, or one side does not vary. */
    @Override
    public Object result(Object state) {
        Object[] s = ((Row) state).columns;
        double n = (Long) s[5];
        double x = (Double) s[0];
        double y = (Double) s[1];
        double covariance = n * (Double) s[4] - x * y;
        return covariance / Math.sqrt((n * (Double) s[2] - x * x) * (n * (Double) s[3] - y * y));
    }
}
