package lab.ksqldb.agg;

import lab.ksqldb.row.Row;

/** LATEST_BY_OFFSET of one value: the state is its (SEQ, VAL). */
public final class Latest implements Aggregate {
    private static final Offsets OFFSETS = new Offsets();

    private final boolean ignoresNulls;

    public Latest(Setup setup) {
        ignoresNulls = setup.ignoresNulls();
    }

    @Override
    public Object initial() {
        return Offsets.none();
    }

    @Override
    public Object add(Object value, Object state) {
        return value == null && ignoresNulls ? state : OFFSETS.pair(value, state);
    }

    @Override
    public Object merge(Object first, Object second) {
        if (Offsets.empty(first) || Offsets.empty(second)) {
            return Offsets.empty(first) ? second : first;
        }
        return Offsets.order(first, second) <= 0 ? second : first;
    }

    @Override
    public Object result(Object state) {
        return Offsets.value((Row) state);
    }
}
