package lab.ksqldb.fn;

/**
 * Masking of personal data: letters, digits and other characters are replaced, each class by its
 * own character. A NULL mask leaves its class as it is.
 */
public final class Masks {
    private Masks() {}

    public static String mask(String text) {
        return mask(text, "X", "x", "n", "-");
    }

    public static String mask(String text, String upper, String lower, String digit, String other) {
        return text == null ? null : part(text, 0, text.length(), upper, lower, digit, other);
    }

    public static String left(String text, Integer count) {
        return left(text, count, "X", "x", "n", "-");
    }

    public static String left(
            String text, Integer count, String upper, String lower, String digit, String other) {
        return none(text, count) ? null : part(text, 0, Math.min(count, text.length()), upper, lower, digit, other);
    }

    public static String right(String text, Integer count) {
        return right(text, count, "X", "x", "n", "-");
    }

    public static String right(
            String text, Integer count, String upper, String lower, String digit, String other) {
        return none(text, count)
                ? null
                : part(text, Math.max(0, text.length() - count), text.length(), upper, lower, digit, other);
    }

    public static String keepLeft(String text, Integer count) {
        return keepLeft(text, count, "X", "x", "n", "-");
    }

    public static String keepLeft(
            String text, Integer count, String upper, String lower, String digit, String other) {
        return none(text, count)
                ? null
                : part(text, Math.min(count, text.length()), text.length(), upper, lower, digit, other);
    }

    public static String keepRight(String text, Integer count) {
        return keepRight(text, count, "X", "x", "n", "-");
    }

    public static String keepRight(
            String text, Integer count, String upper, String lower, String digit, String other) {
        return none(text, count)
                ? null
                : part(text, 0, Math.max(0, text.length() - count), upper, lower, digit, other);
    }

    private static boolean none(String text, Integer count) {
        if (count != null && count < 0) {
            throw new IllegalArgumentException("the number of characters must not be negative: " + count);
        }
        return text == null || count == null;
    }

    private static String part(
            String text, int from, int to, String upper, String lower, String digit, String other) {
        int[] masks = {one(upper), one(lower), one(digit), one(other)};
        StringBuilder all = new StringBuilder(text);
        for (int i = from; i < to; i++) {
            int mask =
                    switch (Character.getType(text.charAt(i))) {
                        case Character.UPPERCASE_LETTER -> masks[0];
                        case Character.LOWERCASE_LETTER -> masks[1];
                        case Character.DECIMAL_DIGIT_NUMBER -> masks[2];
                        default -> masks[3];
                    };
            if (mask >= 0) {
                all.setCharAt(i, (char) mask);
            }
        }
        return all.toString();
    }

    private static int one(String mask) {
        if (mask == null) {
            return -1;
        }
        if (mask.length() != 1) {
            throw new IllegalArgumentException("a mask is one character: " + mask);
        }
        return mask.charAt(0);
    }
}
