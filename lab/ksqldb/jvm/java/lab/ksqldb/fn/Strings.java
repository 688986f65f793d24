package lab.ksqldb.fn;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Locale;

/** Text and bytes. NULL in, NULL out, unless said otherwise. */
public final class Strings {
    private static final int LONGEST = 16 << 20;

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

    /** The first input goes between the others; NULLs are left out. */
    public static String concatWs(String[] inputs) {
        if (inputs.length < 2) {
            throw new IllegalArgumentException("CONCAT_WS needs a separator and at least one text");
        }
        if (inputs[0] == null) {
            return null;
        }
        StringBuilder all = new StringBuilder();
        boolean first = true;
        for (int i = 1; i < inputs.length; i++) {
            if (inputs[i] != null) {
                all.append(first ? "" : inputs[0]).append(inputs[i]);
                first = false;
            }
        }
        return all.toString();
    }

    /** The first input goes between the others; NULLs are left out. */
    public static ByteBuffer concatWs(ByteBuffer[] inputs) {
        if (inputs.length < 2) {
            throw new IllegalArgumentException("CONCAT_WS needs a separator and at least one value");
        }
        if (inputs[0] == null) {
            return null;
        }
        byte[] separator = bytes(inputs[0]);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        boolean first = true;
        for (int i = 1; i < inputs.length; i++) {
            if (inputs[i] != null) {
                if (!first) {
                    all.writeBytes(separator);
                }
                all.writeBytes(bytes(inputs[i]));
                first = false;
            }
        }
        return ByteBuffer.wrap(all.toByteArray());
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

    /** One value must not take the memory of the server. */
    private static int check(int length) {
        if (length > LONGEST) {
            throw new IllegalArgumentException("longer than " + LONGEST + ": " + length);
        }
        return length;
    }

    /** NULL for a negative length or an empty padding; longer texts are cut. */
    public static String lpad(String text, Integer length, String padding) {
        if (text == null || length == null || padding == null || padding.isEmpty() || length < 0) {
            return null;
        }
        return pad(length - text.length(), padding) + text.substring(0, Math.min(text.length(), length));
    }

    public static String rpad(String text, Integer length, String padding) {
        if (text == null || length == null || padding == null || padding.isEmpty() || length < 0) {
            return null;
        }
        return text.substring(0, Math.min(text.length(), length)) + pad(length - text.length(), padding);
    }

    private static String pad(int length, String padding) {
        check(length);
        return length <= 0 ? "" : padding.repeat(length / padding.length() + 1).substring(0, length);
    }

    public static ByteBuffer lpad(ByteBuffer data, Integer length, ByteBuffer padding) {
        if (data == null || length == null || padding == null || !padding.hasRemaining() || length < 0) {
            return null;
        }
        byte[] own = bytes(data);
        byte[] all = new byte[check(length)];
        int before = Math.max(0, length - own.length);
        fill(all, 0, before, bytes(padding));
        System.arraycopy(own, 0, all, before, length - before);
        return ByteBuffer.wrap(all);
    }

    public static ByteBuffer rpad(ByteBuffer data, Integer length, ByteBuffer padding) {
        if (data == null || length == null || padding == null || !padding.hasRemaining() || length < 0) {
            return null;
        }
        byte[] own = bytes(data);
        byte[] all = new byte[check(length)];
        int kept = Math.min(own.length, length);
        System.arraycopy(own, 0, all, 0, kept);
        fill(all, kept, length, bytes(padding));
        return ByteBuffer.wrap(all);
    }

    private static void fill(byte[] target, int from, int to, byte[] padding) {
        for (int i = from; i < to; i++) {
            target[i] = padding[(i - from) % padding.length];
        }
    }

    /** Each word, delimited by white space, with an upper-case first letter and the rest lower. */
    public static String initcap(String text) {
        if (text == null) {
            return null;
        }
        String lower = text.toLowerCase(Locale.ROOT);
        StringBuilder all = new StringBuilder(lower.length());
        boolean start = true;
        for (int i = 0; i < lower.length(); ) {
            int c = lower.codePointAt(i);
            all.appendCodePoint(start ? Character.toTitleCase(c) : c);
            start = Character.isWhitespace(c);
            i += Character.charCount(c);
        }
        return all.toString();
    }

    public static Integer instr(String text, String part) {
        return instr(text, part, 1, 1);
    }

    public static Integer instr(String text, String part, Integer position) {
        return instr(text, part, position, 1);
    }

    /** Zero when there is none; a negative position searches backwards from the end. */
    public static Integer instr(String text, String part, Integer position, Integer occurrence) {
        if (text == null || part == null || position == null || occurrence == null || position == 0) {
            return 0;
        }
        int at = position > 0 ? position - 1 : text.length() + position;
        for (int left = occurrence; left > 0; left--) {
            at = position > 0 ? text.indexOf(part, at) : text.lastIndexOf(part, at);
            if (at < 0) {
                return 0;
            }
            if (left > 1) {
                at += position > 0 ? 1 : -1;
                if (at < 0) {
                    return 0;
                }
            }
        }
        return occurrence > 0 ? at + 1 : 0;
    }

    public static String chr(Integer code) {
        return code == null ? null : Character.toString(code);
    }

    /** Escapes such as {@code \\u004b}; NULL for other texts. */
    public static String chr(String escaped) {
        if (escaped == null || escaped.length() < 6 || !escaped.startsWith("\\u")) {
            return null;
        }
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < escaped.length(); ) {
            if (escaped.startsWith("\\u", i)) {
                all.append((char) Integer.parseInt(escaped.substring(i + 2, i + 6), 16));
                i += 6;
            } else {
                all.append(escaped.charAt(i++));
            }
        }
        return all.toString();
    }

    public static String elt(Integer n, String[] texts) {
        return n == null || n < 1 || n > texts.length ? null : texts[n - 1];
    }

    public static Integer field(String text, String[] texts) {
        for (int i = 0; text != null && i < texts.length; i++) {
            if (text.equals(texts[i])) {
                return i + 1;
            }
        }
        return 0;
    }
}
