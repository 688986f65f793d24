package lab.ksqldb.fn;

/** LIKE. */
public final class Likes {
    private Likes() {}

    /** Matches like SQL's LIKE; {@code %} and {@code _} do not match line ends. Zero is no escape. */
    public static Boolean like(String text, String pattern, char escape) {
        if (text == null || pattern == null) {
            throw NullOperand.INSTANCE;
        }
        // The place after the last % seen, and where in the text its match ends. No earlier one needs
        // another try: % stays within a line, and so do the texts between two of them.
        int after = -1;
        int end = 0;
        int t = 0;
        int p = 0;
        while (true) {
            if (p < pattern.length() && pattern.charAt(p) == '%' && pattern.charAt(p) != escape) {
                after = ++p;
                end = t;
                continue;
            }
            if (t == text.length() && p == pattern.length()) {
                return true;
            }
            int next = t < text.length() ? step(text.charAt(t), pattern, p, escape) : -1;
            if (next >= 0) {
                t++;
                p = next;
            } else if (after < 0 || end == text.length() || text.charAt(end) == '\n') {
                return false;
            } else {
                t = ++end;
                p = after;
            }
        }
    }

    /** The place in the pattern after what matches one character, or -1. */
    private static int step(char c, String pattern, int p, char escape) {
        if (p == pattern.length()) {
            return -1;
        }
        char wanted = pattern.charAt(p);
        if (escape != 0 && wanted == escape && p + 1 < pattern.length()) {
            return pattern.charAt(p + 1) == c ? p + 2 : -1;
        }
        return (wanted == '_' ? c != '\n' : wanted == c) ? p + 1 : -1;
    }
}
