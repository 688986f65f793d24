package lab.ksqldb.client;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What format data may have, judged by all of it that was seen: a format that does not fit is ruled
 * out for good, and what is left is how data is shown.
 */
public final class FormatGuess {
    private static final JsonFactory JSON = new JsonFactory();
    private static final String BYTES = "UNRECOGNIZED_BYTES";
    // Window starts are taken for such only between 2001 and 2100.
    private static final long EARLIEST = 1_000_000_000_000L;
    private static final long LATEST = 4_102_444_800_000L;

    private interface Attempt {
        /** The data as text, or null when it does not fit. */
        String read(byte[] data);
    }

    private final Map<String, Attempt> open = new LinkedHashMap<>();
    private String registered;
    private boolean seen;

    public FormatGuess(String topic, boolean isKey, Printer.Decoder decoder) {
        if (decoder != null) {
            open.put("", data -> registered(decoder.decode(topic, isKey, data)));
        }
        open.put("JSON", FormatGuess::json);
        if (isKey) {
            for (String kind : new String[] {"SESSION", "HOPPING", "TUMBLING"}) {
                open.put(kind + "(KAFKA_STRING)", data -> windowed(data, kind.equals("SESSION")));
            }
        }
        open.put("KAFKA_INT", data -> data.length == 4 ? Integer.toString(ByteBuffer.wrap(data).getInt()) : null);
        open.put("KAFKA_BIGINT", data -> data.length == 8 ? Long.toString(ByteBuffer.wrap(data).getLong()) : null);
        open.put("KAFKA_DOUBLE", data -> data.length == 8 ? Double.toString(ByteBuffer.wrap(data).getDouble()) : null);
        open.put("KAFKA_STRING", FormatGuess::utf8);
        open.put(BYTES, data -> HexFormat.of().formatHex(data));
    }

    private String registered(String[] found) {
        if (found == null) {
            return null;
        }
        registered = found[0];
        return found[1];
    }

    /** The data as text, by the first format that still fits all of it. */
    public String text(byte[] data) {
        if (data == null) {
            return "<null>";
        }
        seen = true;
        String shown = null;
        List<String> wrong = new ArrayList<>();
        for (Map.Entry<String, Attempt> attempt : open.entrySet()) {
            String read = attempt.getValue().read(data);
            if (read == null) {
                wrong.add(attempt.getKey());
            } else if (shown == null) {
                shown = read;
            }
        }
        wrong.forEach(open::remove);
        return shown;
    }

    /** The formats that fit what was seen; none before anything was. */
    public List<String> names() {
        if (!seen) {
            return List.of();
        }
        List<String> names = new ArrayList<>(open.keySet());
        if (names.size() > 1) {
            names.remove(BYTES);
        }
        names.replaceAll(name -> name.isEmpty() ? registered : name);
        return names;
    }

    private static String json(byte[] data) {
        String text = utf8(data);
        if (text == null) {
            return null;
        }
        try (JsonParser in = JSON.createParser(text)) {
            JsonToken token = in.nextToken();
            boolean fits = token == JsonToken.START_OBJECT || token == JsonToken.START_ARRAY
                    || token == JsonToken.VALUE_STRING || (token != null && token.isNumeric());
            if (!fits) {
                return null;
            }
            in.skipChildren();
            return in.nextToken() == null ? text : null;
        } catch (IOException e) {
            return null;
        }
    }

    private static String utf8(byte[] data) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(data)).toString();
            return text.codePoints().anyMatch(c -> c < 32 && c != '\t' && c != '\n' && c != '\r') ? null : text;
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    private static String windowed(byte[] data, boolean session) {
        int tail = session ? 16 : 8;
        if (data.length <= tail) {
            return null;
        }
        byte[] key = new byte[data.length - tail];
        ByteBuffer buffer = ByteBuffer.wrap(data);
        buffer.get(key);
        String text = utf8(key);
        long first = buffer.getLong();
        if (text == null || first < EARLIEST || first > LATEST) {
            return null;
        }
        if (!session) {
            return "[" + text + "@" + first + "/-]";
        }
        long start = buffer.getLong(); // a session key has its end first
        return start < EARLIEST || start > first ? null : "[" + text + "@" + start + "/" + first + "]";
    }
}
