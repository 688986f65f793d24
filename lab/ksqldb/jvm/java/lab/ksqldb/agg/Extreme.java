package lab.ksqldb.agg;

/** What MIN and MAX share; NULLs are left out. */
abstract class Extreme implements Aggregate {
    /** Whether a value takes the place of the one that was best so far. */
    abstract boolean better(int order);

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
        return state == null || better(((Comparable<Object>) value).compareTo(state)) ? value : state;
    }

    @Override
    public Object merge(Object first, Object second) {
        return add(second, first);
    }
}
