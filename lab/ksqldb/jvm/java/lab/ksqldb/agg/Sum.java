package lab.ksqldb.agg;

import java.math.BigDecimal;
import lab.ksqldb.row.Type;

/**
 * SUM; NULLs count as zero, whole numbers wrap. A DECIMAL is added with more digits than its type has:
 * a sum that is too large for it is no result, but may become one again.
 */
public final class Sum implements Aggregate.Undoable {
    private final Type type;
    private final Numbers numbers;
    private final Object zero;

    public Sum(Setup setup) {
        type = setup.type();
        numbers = Numbers.of(type);
        zero = numbers.zero(type);
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
    public Object result(Object state) {
        if (state instanceof BigDecimal sum && sum.precision() - sum.scale() > type.precision - type.scale && sum.signum() != 0) {
            throw new ArithmeticException("SUM: numeric field overflow: " + sum);
        }
        return state;
    }

    @Override
    public Object merge(Object first, Object second) {
        return numbers.plus(first, second);
    }
}
