package lab.ksqldb.agg;

import java.util.List;

/** SUM_LIST: the sum of all the lists' items; NULLs count as zero. */
public final class SumList implements Aggregate.Undoable {
    private final Numbers numbers;
    private final Object zero;

    public SumList(Setup setup) {
        numbers = Numbers.of(setup.type().parts[0]);
        zero = numbers.zero(setup.type().parts[0]);
    }

    @Override
    public Object initial() {
        return zero;
    }

    private Object sum(Object list) {
        Object sum = zero;
        for (Object item : (List<?>) list) {
            sum = item == null ? sum : numbers.plus(sum, item);
        }
        return sum;
    }

    @Override
    public Object add(Object value, Object state) {
        return value == null ? state : numbers.plus(state, sum(value));
    }

    @Override
    public Object undo(Object value, Object state) {
        return value == null ? state : numbers.minus(state, sum(value));
    }

    @Override
    public Object merge(Object first, Object second) {
        return numbers.plus(first, second);
    }
}
