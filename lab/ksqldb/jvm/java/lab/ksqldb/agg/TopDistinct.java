package lab.ksqldb.agg;

/** TOPKDISTINCT: the K highest different values. */
public final class TopDistinct extends Top {
    public TopDistinct(Setup setup) {
        super(setup);
    }

    @Override
    boolean distinct() {
        return true;
    }
}
