package lab.ksqldb.table;

import java.util.List;

/** A function that makes rows of one value, which is not NULL. */
public interface TableFunction {
    List<?> rows(Object value);

    /** A table function by class name, as the planning side declares it. */
    static TableFunction of(String name) {
        try {
            return (TableFunction) Class.forName("lab.ksqldb.table." + name).getConstructor().newInstance();
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException("no table function " + name, e);
        }
    }
}
