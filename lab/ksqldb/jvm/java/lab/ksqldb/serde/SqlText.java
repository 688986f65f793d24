package lab.ksqldb.serde;

import java.util.Locale;

/** SQL text of columns, as the planning side parses it. */
final class SqlText {
    private SqlText() {}

    static String column(String name, String type, boolean upperCase) {
        String shown = upperCase ? name.toUpperCase(Locale.ROOT) : name;
        return "`" + shown.replace("`", "``") + "` " + type;
    }
}
