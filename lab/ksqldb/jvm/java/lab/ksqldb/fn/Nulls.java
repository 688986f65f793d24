package lab.ksqldb.fn;

import java.util.Objects;

/** Functions about NULL. */
public final class Nulls {
    private Nulls() {}

    public static Object coalesce(Object first, Object[] others) {
        if (first != null) {
            return first;
        }
        for (Object other : others) {
            if (other != null) {
                return other;
            }
        }
        return null;
    }

    public static Object same(Object value) {
        return value;
    }

    public static Object ifNull(Object value, Object other) {
        return value == null ? other : value;
    }

    public static Object nullIf(Object value, Object other) {
        return Objects.equals(value, other) ? null : value;
    }
}
