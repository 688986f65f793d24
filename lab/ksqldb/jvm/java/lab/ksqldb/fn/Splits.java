package lab.ksqldb.fn;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Texts and bytes in parts. NULL in, NULL out. */
public final class Splits {
    private Splits() {}

    /** An empty delimiter splits between all characters. */
    public static List<Object> split(String text, String delimiter) {
        if (text == null || delimiter == null) {
            return null;
        }
        List<Object> parts = new ArrayList<>();
        if (delimiter.isEmpty()) {
            for (int i = 0; i < text.length(); i++) {
                parts.add(text.substring(i, i + 1));
            }
            if (parts.isEmpty()) {
                parts.add("");
            }
            return parts;
        }
        int start = 0;
        for (int at = text.indexOf(delimiter); at >= 0; at = text.indexOf(delimiter, start)) {
            parts.add(text.substring(start, at));
            start = at + delimiter.length();
        }
        parts.add(text.substring(start));
        return parts;
    }

    public static List<Object> split(ByteBuffer data, ByteBuffer delimiter) {
        if (data == null || delimiter == null) {
            return null;
        }
        // Latin-1 maps bytes to characters one to one.
        String text = new String(Strings.bytes(data), StandardCharsets.ISO_8859_1);
        String between = new String(Strings.bytes(delimiter), StandardCharsets.ISO_8859_1);
        List<Object> parts = split(text, between);
        parts.replaceAll(
                part -> ByteBuffer.wrap(((String) part).getBytes(StandardCharsets.ISO_8859_1)));
        return parts;
    }

    /**
     * Entries without a key-value delimiter are left out, and what follows a second one; the last of
     * equal keys wins.
     */
    public static Map<Object, Object> toMap(String text, String entryDelimiter, String delimiter) {
        if (text == null || entryDelimiter == null || delimiter == null) {
            return null;
        }
        if (entryDelimiter.isEmpty() || delimiter.isEmpty() || entryDelimiter.equals(delimiter)) {
            return null;
        }
        Map<Object, Object> map = new HashMap<>();
        for (Object entry : split(text, entryDelimiter)) {
            List<Object> parts = split((String) entry, delimiter);
            if (parts.size() > 1) {
                map.put(parts.get(0), parts.get(1));
            }
        }
        return map;
    }
}
