package lab.ksqldb.agg;

import lab.ksqldb.row.Row;

/**
 * STDDEV_SAMP: the sample variance, which is what ksqlDB's function of that name gives. The state is
 * (MEAN, COUNT, M2), kept by Welford's method; fewer than two values give 0.
 */
public class Variance implements Aggregate.Undoable {
    public Variance(Setup setup) {}

    @Override
    public Object initial() {
        return state(0.0, 0, 0.0);
    }

    private static Row state(double mean, long count, double m2) {
        return new Row(new Object[] {mean, count, m2});
    }

    @Override
    public Object add(Object value, Object state) {
        if (value == null) {
            return state;
        }
        Object[] old = ((Row) state).columns;
        double x = ((Number) value).doubleValue();
        double mean = (Double) old[0];
        long count = (Long) old[1] + 1;
        double delta = x - mean;
        mean += delta / count;
        return state(mean, count, (Double) old[2] + delta * (x - mean));
    }

    @Override
    public Object undo(Object value, Object state) {
        if (value == null) {
            return state;
        }
        Object[] old = ((Row) state).columns;
        double x = ((Number) value).doubleValue();
        long count = (Long) old[1] - 1;
        if (count <= 0) {
            return initial();
        }
        double delta = x - (Double) old[0];
        double mean = (Double) old[0] - delta / count;
        return state(mean, count, Math.max(0.0, (Double) old[2] - delta * (x - mean)));
    }

    @Override
    public Object merge(Object first, Object second) {
        Object[] a = ((Row) first).columns;
        Object[] b = ((Row) second).columns;
        long count = (Long) a[1] + (Long) b[1];
        if (count == 0) {
            return first;
        }
        double delta = (Double) b[0] - (Double) a[0];
        double mean = (Double) a[0] + delta * (Long) b[1] / count;
        double m2 = (Double) a[2] + (Double) b[2] + delta * delta * (Long) a[1] * (Long) b[1] / count;
        return state(mean, count, m2);
    }

    @Override
    public Object result(Object state) {
        Object[] columns = ((Row) state).columns;
        long count = (Long) columns[1];
        return count < 2 ? 0.0 : (Double) columns[2] / (count - 1);
    }
}
