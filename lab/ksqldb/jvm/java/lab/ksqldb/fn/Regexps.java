package lab.ksqldb.fn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Java's regular expressions. NULL in, NULL out. */
public final class Regexps {
    private static final int REMEMBERED = 256;
    private static final Map<String, Pattern> PATTERNS =
            new LinkedHashMap<>(64, 0.75f, true) {
                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Pattern> eldest) {
                    return size() > REMEMBERED;
                }
            };

    private Regexps() {}

    private static Pattern pattern(String regexp) {
        synchronized (PATTERNS) {
            return PATTERNS.computeIfAbsent(regexp, Pattern::compile);
        }
    }

    public static String extract(String regexp, String text) {
        return extract(regexp, text, 0);
    }

    /** The first match's group; NULL when there is no such match or group. */
    public static String extract(String regexp, String text, Integer group) {
        if (regexp == null || text == null || group == null) {
            return null;
        }
        Matcher found = pattern(regexp).matcher(text);
        return group >= 0 && group <= found.groupCount() && found.find() ? found.group(group) : null;
    }

    public static List<Object> extractAll(String regexp, String text) {
        return extractAll(regexp, text, 0);
    }

    public static List<Object> extractAll(String regexp, String text, Integer group) {
        if (regexp == null || text == null || group == null) {
            return null;
        }
        Matcher found = pattern(regexp).matcher(text);
        if (group < 0 || group > found.groupCount()) {
            return null;
        }
        List<Object> all = new ArrayList<>();
        while (found.find()) {
            all.add(found.group(group));
        }
        return all;
    }

    public static String replace(String text, String regexp, String with) {
        return text == null || regexp == null || with == null ? null : pattern(regexp).matcher(text).replaceAll(with);
    }

    public static List<Object> split(String text, String regexp) {
        if (text == null || regexp == null) {
            return null;
        }
        if (regexp.isEmpty()) {
            return Splits.split(text, "");
        }
        return new ArrayList<>(Arrays.<Object>asList((Object[]) pattern(regexp).split(text, -1)));
    }
}
