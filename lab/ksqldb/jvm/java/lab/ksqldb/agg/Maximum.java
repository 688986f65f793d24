package lab.ksqldb.agg;

/** MAX. */
public final class Maximum extends Extreme {
    public Maximum(Setup setup) {}

    @Override
    boolean better(int order) {
        return order > 0;
    }
}
