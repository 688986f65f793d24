package lab.ksqldb.agg;

/** SUM; NULLs count as zero, whole numbers wrap. */
public final class Sum implements Aggregate.Undoable {
    private final Numbers numbers;
    private final Object zero;

    public Sum(Setup setup) {
        numbers = Numbers.of(setup.type());
        zero = numbers.zero(setup.type());
    }

    @Override
    public Object initial() {
        return zero;
    }

    @Override
    public Object add(Object value, Object state) {
        return value == null ? state : numbers.plus(state, value);
    }

    @Override
    public Object undo(Object value, Object state) {
        return value == null ? state : numbers.minus(state, value);
    }

    @Override
    public Object merge(Object first, Object second) {
        return numbers.plus(first, second);
    }
}
