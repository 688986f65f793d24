package lab.ksqldb.agg;

import java.util.Map;
import lab.ksqldb.row.Type;

/**
 * What an aggregate is made for: the types of its columns, its constant arguments, whether rows are
 * taken back too, and the server's settings of functions.
 */
public record Setup(Type[] types, Object[] constants, boolean undone, Map<String, String> settings) {
    public Type type() {
        return types[0];
    }

    /** A positive whole constant. */
    int count(int index) {
        return (Integer) constants[index];
    }

    /** The last constant if it is a BOOLEAN, else true. */
    boolean ignoresNulls() {
        return constants.length == 0 || !(constants[constants.length - 1] instanceof Boolean flag) || flag;
    }

    /** How many entries a collection may have; no limit unless it is set and not negative. */
    int limit(String function) {
        String text = settings.get("ksql.functions." + function + ".limit");
        int limit = text == null ? -1 : Integer.parseInt(text.trim());
        return limit < 0 ? Integer.MAX_VALUE : limit;
    }
}
