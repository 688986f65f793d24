package lab.ksqldb.fn;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** JSON documents in texts. NULL in, NULL out; what is no JSON is an error, and so NULL. */
public final class Jsons {
    private static final ObjectMapper MAPPER =
            JsonMapper.builder()
                    .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .nodeFactory(JsonNodeFactory.withExactBigDecimals(true))
                    .build();

    private static final Pattern INDEX = Pattern.compile("\\d{1,9}");

    private Jsons() {}

    private static JsonNode parse(String text) {
        try {
            JsonNode node = MAPPER.readTree(text);
            if (node.isMissingNode()) {
                throw new IllegalArgumentException("an empty text is no JSON");
            }
            return node;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("no JSON: " + e.getOriginalMessage());
        }
    }

    private static String raw(JsonNode node) {
        try {
            return MAPPER.writeValueAsString(node);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e.getOriginalMessage());
        }
    }

    /** Texts without their quotes, everything else as JSON. */
    private static String plain(JsonNode node) {
        return node.isTextual() ? node.textValue() : raw(node);
    }

    /** What a path such as {@code $.a.b[0]["c d"]} leads to; NULL when it leads nowhere. */
    public static String extract(String text, String path) {
        if (text == null || path == null) {
            return null;
        }
        List<String> steps = steps(path);
        JsonNode node = parse(text);
        for (String step : steps) {
            node = node.isArray() ? item(node, step) : node.get(step);
            if (node == null) {
                return null;
            }
        }
        return plain(node);
    }

    private static JsonNode item(JsonNode array, String step) {
        return INDEX.matcher(step).matches() ? array.get(Integer.parseInt(step)) : null;
    }

    /** Names and indexes alike: what they find depends on what is there, an object or an array. */
    private static List<String> steps(String path) {
        if (!path.startsWith("$")) {
            throw new IllegalArgumentException("a path begins with $: " + path);
        }
        List<String> steps = new ArrayList<>();
        int at = 1;
        while (at < path.length()) {
            if (path.charAt(at) == '.') {
                int end = at + 1;
                while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
                    end++;
                }
                if (end == at + 1) {
                    throw new IllegalArgumentException("a name is missing in " + path);
                }
                steps.add(path.substring(at + 1, end));
                at = end;
            } else if (path.startsWith("[\"", at)) {
                int end = path.indexOf("\"]", at + 2);
                steps.add(path.substring(at + 2, end));
                at = end + 2;
            } else if (path.charAt(at) == '[') {
                int end = path.indexOf(']', at);
                steps.add(path.substring(at + 1, end));
                at = end + 1;
            } else {
                throw new IllegalArgumentException("not a path: " + path);
            }
        }
        return steps;
    }

    public static Boolean valid(String text) {
        if (text == null) {
            return false;
        }
        try {
            parse(text);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** Whether an array has such an item; whole numbers and others are told apart. */
    public static Boolean contains(String text, Object value) {
        if (text == null) {
            return false;
        }
        JsonNode array;
        try {
            array = parse(text);
        } catch (IllegalArgumentException e) {
            return false;
        }
        if (!array.isArray()) {
            return false;
        }
        for (JsonNode item : array) {
            if (same(item, value)) {
                return true;
            }
        }
        return false;
    }

    private static boolean same(JsonNode item, Object value) {
        if (value == null) {
            return item.isNull();
        }
        if (value instanceof Integer || value instanceof Long) {
            return item.isIntegralNumber() && item.canConvertToLong() && item.longValue() == ((Number) value).longValue();
        }
        if (value instanceof Double number) {
            return item.isFloatingPointNumber() && item.doubleValue() == number;
        }
        if (value instanceof Boolean flag) {
            return item.isBoolean() && item.booleanValue() == flag;
        }
        return value instanceof String && item.isTextual() && item.textValue().equals(value);
    }

    public static Integer length(String text) {
        JsonNode array = text == null ? null : parse(text);
        return array == null || !array.isArray() ? null : Integer.valueOf(array.size());
    }

    /** Objects are merged; otherwise everything becomes one array. */
    public static String concat(String[] texts) {
        List<JsonNode> nodes = new ArrayList<>();
        boolean objects = true;
        for (String text : texts) {
            if (text == null) {
                return null;
            }
            JsonNode node = parse(text);
            objects &= node.isObject();
            nodes.add(node);
        }
        if (nodes.isEmpty()) {
            return null;
        }
        if (nodes.size() == 1) {
            return raw(nodes.get(0));
        }
        if (objects) {
            ObjectNode all = MAPPER.createObjectNode();
            nodes.forEach(node -> all.setAll((ObjectNode) node));
            return raw(all);
        }
        ArrayNode all = MAPPER.createArrayNode();
        // Objects that stand before the first other value are merged, as a fold from the left does.
        ObjectNode merged = null;
        for (JsonNode node : nodes) {
            if (node.isObject() && all.isEmpty()) {
                merged = merged == null ? node.deepCopy() : merged.setAll((ObjectNode) node);
                continue;
            }
            if (merged != null) {
                all.add(merged);
                merged = null;
            }
            if (node.isArray()) {
                all.addAll((ArrayNode) node);
            } else {
                all.add(node);
            }
        }
        return raw(all);
    }

    public static List<Object> items(String text) {
        JsonNode array = text == null ? null : parse(text);
        if (array == null || !array.isArray()) {
            return null;
        }
        List<Object> all = new ArrayList<>();
        array.forEach(item -> all.add(raw(item)));
        return all;
    }

    public static List<Object> keys(String text) {
        JsonNode object = text == null ? null : parse(text);
        if (object == null || !object.isObject()) {
            return null;
        }
        List<Object> all = new ArrayList<>();
        object.fieldNames().forEachRemaining(all::add);
        return all;
    }

    public static Map<Object, Object> records(String text) {
        JsonNode object = text == null ? null : parse(text);
        if (object == null || !object.isObject()) {
            return null;
        }
        Map<Object, Object> all = new HashMap<>();
        object.fields().forEachRemaining(field -> all.put(field.getKey(), plain(field.getValue())));
        return all;
    }
}
