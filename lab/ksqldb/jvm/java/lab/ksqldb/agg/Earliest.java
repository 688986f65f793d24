package lab.ksqldb.agg;

import lab.ksqldb.row.Row;

/** EARLIEST_BY_OFFSET of one value: the state is its (SEQ, VAL). */
public final class Earliest implements Aggregate {
    private static final Offsets OFFSETS = new Offsets();

    private final boolean ignoresNulls;

    public Earliest(Setup setup) {
        ignoresNulls = setup.ignoresNulls();
    }

    @Override
    public Object initial() {
        return Offsets.none();
    }

    @Override
    public Object add(Object value, Object state) {
        return !Offsets.empty(state) || value == null && ignoresNulls ? state : OFFSETS.pair(value, state);
    }

    @Override
    public Object merge(Object first, Object second) {
        if (Offsets.empty(first) || Offsets.empty(second)) {
            return Offsets.empty(first) ? second : first;
        }
        return Offsets.order(first, second) <= 0 ? first : second;
    }

    @Override
    public Object result(Object state) {
        return Offsets.value((Row) state);
    }
}
