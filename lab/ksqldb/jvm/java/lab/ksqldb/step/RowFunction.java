package lab.ksqldb.step;

/** One row to another, or to null to drop it. Compiled from SQL, or written here. */
public interface RowFunction {
    Object[] apply(Object[] row, Problems problems);
}
