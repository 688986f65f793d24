package lab.ksqldb.serde;

import java.util.Locale;

/** SQL text of columns, as the planning side parses it. */
final class SqlText {
    private SqlText() {}

    /** The refusal of a schema of a value by itself where columns are wanted. */
    static IllegalArgumentException noRecord(String type) {
        return new IllegalArgumentException(
                "the schema is no record but " + type + ": a value by itself needs WRAP_SINGLE_VALUE=false");
    }

    static String column(String name, String type, boolean upperCase) {
        String shown = upperCase ? name.toUpperCase(Locale.ROOT) : name;
        return "`" + shown.replace("`", "``") + "` " + type;
    }
}
