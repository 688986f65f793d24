package lab.ksqldb.step;

/** Where failures of single records go; the query goes on. */
public interface Problems {
    Problems IGNORED = (text, error, row) -> { };

    /** An expression failed on a row; its value is NULL. */
    void expression(String text, RuntimeException error, Object[] row);
}
