package lab.ksqldb.table;

import java.util.List;

/** EXPLODE: a row per item of an array. */
public final class Explode implements TableFunction {
    @Override
    public List<?> rows(Object value) {
        return (List<?>) value;
    }
}
