package lab.ksqldb.step;

/** Where failures of single records go; the query goes on. */
public interface Problems {
    Problems IGNORED = (what, error, row) -> { };

    /** For rows that are made by hand: a failure is their writer's. */
    Problems RAISED = (what, error, row) -> {
        throw error;
    };

    /** An expression failed on a row; its value is NULL. {@code what} says which, where. */
    void failed(String what, RuntimeException error, Object[] row);

    /** A row is left out by a rule, not by a failure. */
    default void dropped(String why, Object[] row) {}
}
