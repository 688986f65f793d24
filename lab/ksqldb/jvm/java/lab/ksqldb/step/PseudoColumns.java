package lab.ksqldb.step;

import lab.ksqldb.row.Row;

/** The layout of a row once it is read: values, ROWTIME, ROWPARTITION, ROWOFFSET, then the key. */
public final class PseudoColumns {
    public static final int COUNT = 3;

    private PseudoColumns() {}

    /** Fills the places after {@code values} columns; a missing key leaves NULLs. */
    public static void fill(Object[] columns, int values, Row key, long timestamp, int partition, long offset) {
        columns[values] = timestamp;
        columns[values + 1] = partition;
        columns[values + 2] = offset;
        if (key != null) {
            System.arraycopy(key.columns, 0, columns, values + COUNT, columns.length - values - COUNT);
        }
    }
}
