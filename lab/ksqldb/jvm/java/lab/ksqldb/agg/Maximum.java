package lab.ksqldb.agg;

/** MAX; NULLs are left out. */
public final class Maximum implements Aggregate {
    public Maximum(String type) {}

    @Override
    public Object initial() {
        return null;
    }

    @Override
    @SuppressWarnings("unchecked")
    public Object add(Object value, Object state) {
        if (value == null) {
            return state;
        }
        return state == null || ((Comparable<Object>) value).compareTo(state) > 0 ? value : state;
    }

    @Override
    public Object merge(Object left, Object right) {
        return add(right, left);
    }
}
