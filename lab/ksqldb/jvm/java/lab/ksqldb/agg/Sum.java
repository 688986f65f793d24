package lab.ksqldb.agg;

import java.math.BigDecimal;
import lab.ksqldb.row.Type;

/** SUM; NULLs count as zero, whole numbers wrap. */
public final class Sum implements Aggregate.Undoable {
    private final Type type;

    public Sum(String type) {
        this.type = Type.parse(type);
    }

    @Override
    public Object initial() {
        return switch (type.base) {
            case INTEGER -> 0;
            case BIGINT -> 0L;
            case DOUBLE -> 0.0;
            default -> BigDecimal.ZERO.setScale(type.scale);
        };
    }

    @Override
    public Object add(Object value, Object state) {
        if (value == null) {
            return state;
        }
        return switch (type.base) {
            case INTEGER -> (Integer) state + (Integer) value;
            case BIGINT -> (Long) state + (Long) value;
            case DOUBLE -> (Double) state + (Double) value;
            default -> ((BigDecimal) state).add((BigDecimal) value);
        };
    }

    @Override
    public Object undo(Object value, Object state) {
        if (value == null) {
            return state;
        }
        return switch (type.base) {
            case INTEGER -> (Integer) state - (Integer) value;
            case BIGINT -> (Long) state - (Long) value;
            case DOUBLE -> (Double) state - (Double) value;
            default -> ((BigDecimal) state).subtract((BigDecimal) value);
        };
    }

    @Override
    public Object merge(Object left, Object right) {
        return add(right, left);
    }
}
