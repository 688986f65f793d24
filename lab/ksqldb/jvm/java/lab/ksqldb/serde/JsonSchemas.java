package lab.ksqldb.serde;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lab.ksqldb.row.Type;

/** SQL types as JSON schemas and back, with the members by which Kafka Connect tells types that JSON has not. */
final class JsonSchemas {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String LOGICAL = "org.apache.kafka.connect.data.";
    private static final String INDEX = "connect.index";
    private static final int DEPTH = 100;

    private final JsonNode root;
    private final Map<String, String> references;
    private final boolean upperCase;

    private JsonSchemas(JsonNode root, Map<String, String> references, boolean upperCase) {
        this.root = root;
        this.references = references;
        this.upperCase = upperCase;
    }

    static String ofRow(Type row, boolean bare, String title) {
        if (bare) {
            return nullable(of(row.parts[0])).toString();
        }
        ObjectNode made = object(row);
        return (title == null ? made : made.put("title", title)).toString();
    }

    private static ObjectNode node() {
        return JsonNodeFactory.instance.objectNode();
    }

    private static ObjectNode nullable(ObjectNode schema) {
        ObjectNode made = node();
        made.putArray("oneOf").add(node().put("type", "null")).add(schema);
        return made;
    }

    private static ObjectNode of(Type type) {
        switch (type.base) {
            case BOOLEAN: return node().put("type", "boolean");
            case INTEGER: return node().put("type", "integer").put("connect.type", "int32");
            case BIGINT: return node().put("type", "integer").put("connect.type", "int64");
            case DOUBLE: return node().put("type", "number").put("connect.type", "float64");
            case STRING: return node().put("type", "string");
            case BYTES: return node().put("type", "string").put("connect.type", "bytes");
            case DECIMAL: return decimal(type);
            case DATE: return logical("Date", "int32");
            case TIME: return logical("Time", "int32");
            case TIMESTAMP: return logical("Timestamp", "int64");
            case ARRAY: {
                ObjectNode made = node().put("type", "array");
                made.set("items", nullable(of(type.parts[0])));
                return made;
            }
            case MAP: {
                ObjectNode made = node().put("type", "object").put("connect.type", "map");
                made.set("additionalProperties", nullable(of(type.parts[1])));
                return made;
            }
            default: return object(type);
        }
    }

    private static ObjectNode decimal(Type type) {
        ObjectNode made = node().put("type", "number").put("title", LOGICAL + "Decimal").put("connect.version", 1);
        made.put("connect.type", "bytes");
        made.putObject("connect.parameters")
                .put("scale", Integer.toString(type.scale))
                .put("connect.decimal.precision", Integer.toString(type.precision));
        return made;
    }

    private static ObjectNode logical(String name, String connectType) {
        ObjectNode made = node().put("type", "integer").put("title", LOGICAL + name).put("connect.version", 1);
        return made.put("connect.type", connectType);
    }

    private static ObjectNode object(Type row) {
        // The order of a hash map is the one that the other implementations write: equal schemas get equal ids.
        Map<String, ObjectNode> members = new HashMap<>();
        for (int i = 0; i < row.names.length; i++) {
            ObjectNode member = node().put(INDEX, i);
            member.setAll(nullable(of(row.parts[i])));
            members.put(row.names[i], member);
        }
        ObjectNode made = node().put("type", "object");
        made.putObject("properties").setAll(members);
        return made;
    }

    /** The columns of a JSON schema as SQL text. */
    static String columns(String text, Map<String, String> references, String bareName, boolean bare, boolean upperCase) {
        try {
            JsonNode root = MAPPER.readTree(text);
            JsonSchemas schemas = new JsonSchemas(root, references, upperCase);
            JsonNode plain = schemas.plain(root, DEPTH);
            String type = schemas.type(plain, DEPTH);
            if (!bare) {
                if (!type.startsWith("STRUCT<")) {
                    throw SqlText.noRecord(type);
                }
                return type;
            }
            return "STRUCT<" + SqlText.column(bareName, type, false) + ">";
        } catch (IOException e) {
            throw new IllegalArgumentException("not a JSON schema: " + e.getMessage(), e);
        }
    }

    static String title(String text) {
        try {
            JsonNode title = MAPPER.readTree(text).get("title");
            return title == null || !title.isTextual() ? null : title.asText();
        } catch (IOException e) {
            return null;
        }
    }

    /** The schema without references and without "or null". */
    private JsonNode plain(JsonNode schema, int depth) {
        if (depth == 0) {
            throw new IllegalArgumentException("Recursive types are not supported");
        }
        if (schema.hasNonNull("$ref")) {
            return plain(target(schema.get("$ref").asText()), depth - 1);
        }
        for (String word : new String[] {"oneOf", "anyOf"}) {
            if (schema.has(word)) {
                List<JsonNode> others = others(schema.get(word), depth);
                if (others.size() == 1) {
                    return others.get(0);
                }
            }
        }
        if (schema.has("allOf")) {
            return merged(schema, depth);
        }
        return schema;
    }

    private JsonNode target(String reference) {
        try {
            int hash = reference.indexOf('#');
            String document = hash < 0 ? reference : reference.substring(0, hash);
            JsonNode found = document.isEmpty() ? root : MAPPER.readTree(references.getOrDefault(document, "null"));
            String path = hash < 0 ? "" : reference.substring(hash + 1);
            JsonNode node = path.isEmpty() ? found : found.at(path);
            if (node.isMissingNode() || node.isNull()) {
                throw new IllegalArgumentException("the JSON schema refers to what is not there: " + reference);
            }
            return node;
        } catch (IOException e) {
            throw new IllegalArgumentException("not a JSON schema: " + reference, e);
        }
    }

    private List<JsonNode> others(JsonNode branches, int depth) {
        List<JsonNode> found = new ArrayList<>();
        for (JsonNode branch : branches) {
            JsonNode plain = plain(branch, depth - 1);
            if (!plain.path("type").asText().equals("null")) {
                found.add(plain);
            }
        }
        return found;
    }

    private JsonNode merged(JsonNode schema, int depth) {
        ObjectNode made = node();
        ObjectNode members = node();
        for (JsonNode part : schema.get("allOf")) {
            JsonNode plain = plain(part, depth - 1);
            made.setAll((ObjectNode) plain);
            if (plain.has("properties")) {
                members.setAll((ObjectNode) plain.get("properties"));
            }
        }
        if (!members.isEmpty()) {
            made.set("properties", members);
        }
        return made;
    }

    private String type(JsonNode schema, int depth) {
        if (depth == 0) {
            throw new IllegalArgumentException("Recursive types are not supported");
        }
        if (schema.has("oneOf") || schema.has("anyOf")) {
            return union(schema.has("oneOf") ? schema.get("oneOf") : schema.get("anyOf"), depth);
        }
        String title = schema.path("title").asText("");
        String connect = schema.path("connect.type").asText("");
        switch (word(schema)) {
            case "boolean": return "BOOLEAN";
            case "integer":
                return switch (title) {
                    case LOGICAL + "Date" -> "DATE";
                    case LOGICAL + "Time" -> "TIME";
                    case LOGICAL + "Timestamp" -> "TIMESTAMP";
                    default -> connect.equals("int32") || connect.equals("int16") || connect.equals("int8")
                            ? "INTEGER"
                            : "BIGINT";
                };
            case "number": return title.equals(LOGICAL + "Decimal") ? decimalText(schema) : "DOUBLE";
            case "string":
                return title.equals(LOGICAL + "Decimal") ? decimalText(schema) : connect.equals("bytes") ? "BYTES" : "STRING";
            case "array": {
                JsonNode items = schema.path("items");
                if (items.isMissingNode()) {
                    throw new IllegalArgumentException("an array without items has no type");
                }
                if (connect.equals("map")) {
                    JsonNode value = plain(items, depth - 1).path("properties").path("value");
                    return "MAP<STRING, " + type(plain(value, depth - 1), depth - 1) + ">";
                }
                return "ARRAY<" + type(plain(items, depth - 1), depth - 1) + ">";
            }
            case "object": return objectText(schema, connect, depth);
            default: throw new IllegalArgumentException("Unsupported type: " + schema.path("type"));
        }
    }

    private static String word(JsonNode schema) {
        JsonNode type = schema.path("type");
        if (type.isArray()) {
            for (JsonNode one : type) {
                if (!one.asText().equals("null")) {
                    return one.asText();
                }
            }
        }
        if (type.isMissingNode()) {
            return schema.has("properties") ? "object" : schema.has("enum") || schema.has("const") ? "string" : "";
        }
        return type.asText();
    }

    private static String decimalText(JsonNode schema) {
        JsonNode parameters = schema.path("connect.parameters");
        return "DECIMAL(" + parameters.path("connect.decimal.precision").asInt(38) + ", " + parameters.path("scale").asInt(0) + ")";
    }

    private String objectText(JsonNode schema, String connect, int depth) {
        JsonNode properties = schema.path("properties");
        JsonNode more = schema.path("additionalProperties");
        if (connect.equals("map") || properties.isEmpty() && more.isObject()) {
            return "MAP<STRING, " + type(plain(more, depth - 1), depth - 1) + ">";
        }
        Map<String, JsonNode> members = new LinkedHashMap<>();
        properties.fields().forEachRemaining(e -> members.put(e.getKey(), e.getValue()));
        List<String> names = new ArrayList<>(members.keySet());
        names.sort((a, b) -> Integer.compare(
                members.get(a).path(INDEX).asInt(Integer.MAX_VALUE), members.get(b).path(INDEX).asInt(Integer.MAX_VALUE)));
        List<String> columns = new ArrayList<>();
        for (String name : names) {
            columns.add(SqlText.column(name, type(plain(members.get(name), depth - 1), depth - 1), upperCase));
        }
        return "STRUCT<" + String.join(", ", columns) + ">";
    }

    private String union(JsonNode branches, int depth) {
        List<String> columns = new ArrayList<>();
        int index = 0;
        for (JsonNode branch : others(branches, depth)) {
            columns.add(SqlText.column("connect_union_field_" + index++, type(branch, depth - 1), upperCase));
        }
        return "STRUCT<" + String.join(", ", columns) + ">";
    }
}
