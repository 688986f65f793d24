package lab.ksqldb.agg;

/** STDDEV_SAMPLE: the root of the sample variance. */
public final class Deviation extends Variance {
    public Deviation(Setup setup) {
        super(setup);
    }

    @Override
    public Object result(Object state) {
        return Math.sqrt((Double) super.result(state));
    }
}
