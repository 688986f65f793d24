package lab.ksqldb.fn;

/** The largest and the smallest of values of one type; NULLs are left out. */
public final class Extremes {
    private Extremes() {}

    public static Object greatest(Object first, Object[] others) {
        return best(first, others, 1);
    }

    public static Object least(Object first, Object[] others) {
        return best(first, others, -1);
    }

    @SuppressWarnings("unchecked")
    private static Object best(Object first, Object[] others, int sign) {
        Object found = first;
        for (Object other : others) {
            if (other != null && (found == null || sign * ((Comparable<Object>) other).compareTo(found) > 0)) {
                found = other;
            }
        }
        return found;
    }
}
