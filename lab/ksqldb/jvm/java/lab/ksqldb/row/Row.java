package lab.ksqldb.row;

import java.util.Arrays;

/** The columns of a key, of a value or of a struct, by position. Not to be changed once shared. */
public final class Row {
    public final Object[] columns;

    public Row(Object[] columns) {
        this.columns = columns;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Row row && Arrays.equals(columns, row.columns);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(columns);
    }

    @Override
    public String toString() {
        return Arrays.toString(columns);
    }
}
