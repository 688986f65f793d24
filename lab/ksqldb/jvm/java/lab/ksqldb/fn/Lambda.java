package lab.ksqldb.fn;

/** A lambda of an SQL expression, compiled with it. */
public interface Lambda {
    Object apply(Object[] arguments);
}
