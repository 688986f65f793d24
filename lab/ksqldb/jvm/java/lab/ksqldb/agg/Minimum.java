package lab.ksqldb.agg;

/** MIN. */
public final class Minimum extends Extreme {
    public Minimum(Setup setup) {}

    @Override
    boolean better(int order) {
        return order < 0;
    }
}
