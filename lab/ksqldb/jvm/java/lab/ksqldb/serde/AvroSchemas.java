package lab.ksqldb.serde;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import lab.ksqldb.row.Type;
import org.apache.avro.JsonProperties;
import org.apache.avro.Schema;

/**
 * SQL types as Avro schemas and back, with the properties by which Kafka Connect knows its logical types. Every field
 * may be null. A map is a list of entries, for its keys may be null too.
 */
final class AvroSchemas {
    static final String DEFAULT_NAME = "io.confluent.ksql.avro_schemas.KsqlDataSourceSchema";
    static final String MAP_ENTRY = "MapEntry";
    static final String INTERNAL_TYPE = "connect.internal.type";
    private static final String LOGICAL = "org.apache.kafka.connect.data.";

    private AvroSchemas() {}

    static Schema ofRow(Type row, boolean bare, String fullName) {
        return bare ? nullable(of(row.parts[0], fullName)) : of(row, fullName);
    }

    private static Schema nullable(Schema schema) {
        return Schema.createUnion(Schema.create(Schema.Type.NULL), schema);
    }

    private static Schema of(Type type, String name) {
        switch (type.base) {
            case BOOLEAN: return Schema.create(Schema.Type.BOOLEAN);
            case INTEGER: return Schema.create(Schema.Type.INT);
            case BIGINT: return Schema.create(Schema.Type.LONG);
            case DOUBLE: return Schema.create(Schema.Type.DOUBLE);
            case STRING: return Schema.create(Schema.Type.STRING);
            case BYTES: return Schema.create(Schema.Type.BYTES);
            case DECIMAL: return decimal(type);
            case DATE: return logical(Schema.Type.INT, "Date", "date");
            case TIME: return logical(Schema.Type.INT, "Time", "time-millis");
            case TIMESTAMP: return logical(Schema.Type.LONG, "Timestamp", "timestamp-millis");
            case ARRAY: return Schema.createArray(nullable(of(type.parts[0], name)));
            case MAP: return map(type, name);
            default: return record(type, name);
        }
    }

    private static Schema decimal(Type type) {
        Schema schema = Schema.create(Schema.Type.BYTES);
        schema.addProp("scale", type.scale);
        schema.addProp("precision", type.precision);
        schema.addProp("connect.version", 1);
        Map<String, String> parameters = new LinkedHashMap<>();
        parameters.put("scale", Integer.toString(type.scale));
        parameters.put("connect.decimal.precision", Integer.toString(type.precision));
        schema.addProp("connect.parameters", parameters);
        schema.addProp("connect.name", LOGICAL + "Decimal");
        schema.addProp("logicalType", "decimal");
        return schema;
    }

    private static Schema logical(Schema.Type base, String connectName, String avroName) {
        Schema schema = Schema.create(base);
        schema.addProp("connect.version", 1);
        schema.addProp("connect.name", LOGICAL + connectName);
        schema.addProp("logicalType", avroName);
        return schema;
    }

    private static Schema map(Type type, String name) {
        Schema entry = record(name);
        entry.setFields(List.of(field("key", of(type.parts[0], name)), field("value", of(type.parts[1], name + "_value"))));
        entry.addProp(INTERNAL_TYPE, MAP_ENTRY);
        Schema schema = Schema.createArray(entry);
        schema.addProp(INTERNAL_TYPE, MAP_ENTRY);
        return schema;
    }

    private static Schema record(Type type, String name) {
        Schema schema = record(name);
        List<Schema.Field> fields = new ArrayList<>();
        for (int i = 0; i < type.names.length; i++) {
            fields.add(field(type.names[i], of(type.parts[i], name + "_" + type.names[i])));
        }
        schema.setFields(fields);
        schema.addProp("connect.name", name);
        return schema;
    }

    private static Schema record(String fullName) {
        int dot = fullName.lastIndexOf('.');
        return Schema.createRecord(fullName.substring(dot + 1), null, dot < 0 ? null : fullName.substring(0, dot), false);
    }

    private static Schema.Field field(String name, Schema schema) {
        return new Schema.Field(name, nullable(schema), null, JsonProperties.NULL_VALUE);
    }

    /** The columns of a schema as SQL text. */
    static String columns(Schema schema, String bareName, boolean bare, boolean upperCase) {
        Schema known = withoutNull(schema);
        Set<String> open = new HashSet<>();
        if (!bare && known.getType() == Schema.Type.RECORD) {
            return structText(known, upperCase, open);
        }
        String type = typeText(known, upperCase, open);
        if (type == null) {
            throw new IllegalArgumentException("Unsupported type: " + known.getType());
        }
        if (!bare) {
            throw SqlText.noRecord(type);
        }
        return "STRUCT<" + SqlText.column(bareName, type, false) + ">";
    }

    /** The schema, or what a union of it and null holds besides. */
    static Schema withoutNull(Schema schema) {
        if (schema.getType() != Schema.Type.UNION) {
            return schema;
        }
        List<Schema> branches = new ArrayList<>(schema.getTypes());
        branches.removeIf(branch -> branch.getType() == Schema.Type.NULL);
        return branches.size() == 1 ? branches.get(0) : schema;
    }

    private static String structText(Schema record, boolean upperCase, Set<String> open) {
        if (!open.add(record.getFullName())) {
            throw new IllegalArgumentException("Recursive types are not supported: " + record.getFullName());
        }
        List<String> members = new ArrayList<>();
        for (Schema.Field field : record.getFields()) {
            String type = typeText(withoutNull(field.schema()), upperCase, open);
            if (type != null) {
                members.add(SqlText.column(field.name(), type, upperCase));
            }
        }
        open.remove(record.getFullName());
        return "STRUCT<" + String.join(", ", members) + ">";
    }

    /** A type as SQL text; null for one that SQL has not. */
    private static String typeText(Schema schema, boolean upperCase, Set<String> open) {
        String logical = schema.getProp("logicalType");
        switch (schema.getType()) {
            case BOOLEAN: return "BOOLEAN";
            case INT: return "date".equals(logical) ? "DATE" : "time-millis".equals(logical) ? "TIME" : "INTEGER";
            case LONG: return "timestamp-millis".equals(logical) ? "TIMESTAMP" : "BIGINT";
            case FLOAT: case DOUBLE: return "DOUBLE";
            case STRING: case ENUM: return "STRING";
            case BYTES: case FIXED:
                return "decimal".equals(logical)
                        ? "DECIMAL(" + number(schema, "precision") + ", " + number(schema, "scale") + ")"
                        : "BYTES";
            case ARRAY: {
                if (isEntries(schema)) {
                    String value = typeText(withoutNull(entryValue(schema)), upperCase, open);
                    return value == null ? null : "MAP<STRING, " + value + ">";
                }
                String item = typeText(withoutNull(schema.getElementType()), upperCase, open);
                return item == null ? null : "ARRAY<" + item + ">";
            }
            case MAP: {
                String value = typeText(withoutNull(schema.getValueType()), upperCase, open);
                return value == null ? null : "MAP<STRING, " + value + ">";
            }
            case RECORD: return structText(schema, upperCase, open);
            case UNION: return unionText(schema, upperCase, open);
            default: return null;
        }
    }

    private static int number(Schema schema, String property) {
        Object found = schema.getObjectProp(property);
        return found instanceof Number number ? number.intValue() : 0;
    }

    /** Whether an array is a map with keys that may be null, as Kafka Connect writes it. */
    static boolean isEntries(Schema array) {
        Schema entry = withoutNull(array.getElementType());
        return entry.getType() == Schema.Type.RECORD
                && (MAP_ENTRY.equals(entry.getProp(INTERNAL_TYPE)) || entry.getName().equals(MAP_ENTRY));
    }

    private static Schema entryValue(Schema array) {
        return withoutNull(array.getElementType()).getField("value").schema();
    }

    private static String unionText(Schema union, boolean upperCase, Set<String> open) {
        List<String> members = new ArrayList<>();
        for (Schema branch : union.getTypes()) {
            String type = branch.getType() == Schema.Type.NULL ? null : typeText(branch, upperCase, open);
            if (type != null) {
                members.add(SqlText.column(branchName(branch), type, upperCase));
            }
        }
        return "STRUCT<" + String.join(", ", members) + ">";
    }

    /** The member that stands for a branch of a union. */
    static String branchName(Schema branch) {
        return branch.getName().toLowerCase(Locale.ROOT).equals(branch.getType().getName())
                ? branch.getType().getName()
                : branch.getName();
    }
}
