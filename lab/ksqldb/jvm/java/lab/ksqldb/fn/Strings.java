package lab.ksqldb.fn;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;

/** Text and bytes. NULL in, NULL out, unless said otherwise. */
public final class Strings {
    private Strings() {}

    public static String ucase(String text) {
        return text == null ? null : text.toUpperCase(Locale.ROOT);
    }

    public static String lcase(String text) {
        return text == null ? null : text.toLowerCase(Locale.ROOT);
    }

    public static Integer len(String text) {
        return text == null ? null : Integer.valueOf(text.length());
    }

    public static Integer len(ByteBuffer bytes) {
        return bytes == null ? null : Integer.valueOf(bytes.remaining());
    }

    public static String trim(String text) {
        return text == null ? null : text.trim();
    }

    /** NULLs are left out. */
    public static String concat(String[] inputs) {
        StringBuilder all = new StringBuilder();
        for (String input : inputs) {
            if (input != null) {
                all.append(input);
            }
        }
        return all.toString();
    }

    /** NULLs are left out. */
    public static ByteBuffer concat(ByteBuffer[] inputs) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (ByteBuffer input : inputs) {
            if (input != null) {
                all.writeBytes(bytes(input));
            }
        }
        return ByteBuffer.wrap(all.toByteArray());
    }

    public static byte[] bytes(ByteBuffer buffer) {
        byte[] copy = new byte[buffer.remaining()];
        buffer.duplicate().get(copy);
        return copy;
    }

    private static int from(int length, int position) {
        return position < 0 ? Math.max(length + position, 0) : Math.max(Math.min(position - 1, length), 0);
    }

    public static String substring(String text, Integer position) {
        return text == null || position == null ? null : text.substring(from(text.length(), position));
    }

    public static String substring(String text, Integer position, Integer length) {
        if (text == null || position == null || length == null) {
            return null;
        }
        int start = from(text.length(), position);
        int end = (int) Math.max(Math.min((long) start + length, text.length()), start);
        return text.substring(start, end);
    }

    public static ByteBuffer substring(ByteBuffer data, Integer position) {
        return data == null || position == null ? null : substring(data, position, data.remaining());
    }

    public static ByteBuffer substring(ByteBuffer data, Integer position, Integer length) {
        if (data == null || position == null || length == null) {
            return null;
        }
        byte[] all = bytes(data);
        int start = from(all.length, position);
        int end = (int) Math.max(Math.min((long) start + length, all.length), start);
        return ByteBuffer.wrap(java.util.Arrays.copyOfRange(all, start, end));
    }

    public static String replace(String text, String old, String with) {
        return text == null || old == null || with == null ? null : text.replace(old, with);
    }

    public static ByteBuffer toBytes(String text, String encoding) {
        if (text == null || encoding == null) {
            return null;
        }
        return ByteBuffer.wrap(
                switch (encoding) {
                    case "hex" -> HexFormat.of().parseHex(text);
                    case "utf8" -> text.getBytes(StandardCharsets.UTF_8);
                    case "ascii" -> text.getBytes(StandardCharsets.US_ASCII);
                    case "base64" -> Base64.getDecoder().decode(text);
                    default -> throw new IllegalArgumentException("Supported encodings: hex, utf8, ascii, base64");
                });
    }

    public static String fromBytes(ByteBuffer data, String encoding) {
        if (data == null || encoding == null) {
            return null;
        }
        byte[] all = bytes(data);
        return switch (encoding) {
            case "hex" -> "0x" + HexFormat.of().withUpperCase().formatHex(all);
            case "utf8" -> new String(all, StandardCharsets.UTF_8);
            case "ascii" -> new String(all, StandardCharsets.US_ASCII);
            case "base64" -> Base64.getEncoder().encodeToString(all);
            default -> throw new IllegalArgumentException("Supported encodings: hex, utf8, ascii, base64");
        };
    }

    /** Matches like SQL's LIKE; {@code %} and {@code _} do not match line ends. Zero is no escape. */
    public static Boolean like(String text, String pattern, char escape) {
        if (text == null || pattern == null) {
            throw NullOperand.INSTANCE;
        }
        return like(text, 0, pattern, 0, escape);
    }

    private static boolean like(String text, int t, String pattern, int p, char escape) {
        while (p < pattern.length()) {
            char c = pattern.charAt(p);
            if (escape != 0 && c == escape && p + 1 < pattern.length()) {
                p++;
                if (t >= text.length() || text.charAt(t) != pattern.charAt(p)) {
                    return false;
                }
            } else if (c == '%') {
                while (p < pattern.length() && pattern.charAt(p) == '%') {
                    p++;
                }
                for (int i = t; i <= text.length(); i++) {
                    if (like(text, i, pattern, p, escape)) {
                        return true;
                    }
                    if (i < text.length() && text.charAt(i) == '\n') {
                        return false;
                    }
                }
                return false;
            } else if (t >= text.length() || (c == '_' ? text.charAt(t) == '\n' : text.charAt(t) != c)) {
                return false;
            }
            p++;
            t++;
        }
        return t == text.length();
    }
}
