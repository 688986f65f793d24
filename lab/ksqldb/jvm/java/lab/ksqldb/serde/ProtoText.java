package lab.ksqldb.serde;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import lab.ksqldb.row.Type;

/** SQL types as the .proto text that Kafka Connect's conversion gives them. */
final class ProtoText {
    private final String nullable;
    private final TreeSet<String> imports = new TreeSet<>();
    private int messages;

    private ProtoText(String nullable) {
        this.nullable = nullable;
    }

    /** {@code nullable} is OPTIONAL or WRAPPER where NULL is told from a default value, else null. */
    static String of(Type row, String fullName, String nullable) {
        ProtoText made = new ProtoText(nullable);
        int dot = fullName == null ? -1 : fullName.lastIndexOf('.');
        String name = fullName == null ? made.nextName() : fullName.substring(dot + 1);
        if (fullName != null) {
            made.messages++;
        }
        String message = made.message(row, checked(name), "");
        StringBuilder text = new StringBuilder("syntax = \"proto3\";\n");
        if (dot > 0) {
            text.append("package ").append(fullName, 0, dot).append(";\n");
        }
        text.append('\n');
        for (String file : made.imports) {
            text.append("import \"").append(file).append("\";\n");
        }
        return text.append(made.imports.isEmpty() ? "" : "\n").append(message).toString();
    }

    private String nextName() {
        return "ConnectDefault" + ++messages;
    }

    private static String checked(String name) {
        if (!name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
            throw new IllegalArgumentException("not a name in Protobuf: " + name);
        }
        return name;
    }

    private String message(Type row, String name, String indent) {
        StringBuilder text = new StringBuilder(indent + "message " + name + " {\n");
        List<String> nested = new ArrayList<>();
        for (int i = 0; i < row.names.length; i++) {
            text.append(field(row.parts[i], checked(row.names[i]), i + 1, indent + "  ", nested));
        }
        for (String inner : nested) {
            text.append('\n').append(inner);
        }
        return text.append(indent).append("}\n").toString();
    }

    private String field(Type type, String name, int number, String indent, List<String> nested) {
        String label = "";
        Type held = type;
        if (type.base == Type.Base.ARRAY) {
            label = "repeated ";
            held = type.parts[0];
            if (held.base == Type.Base.ARRAY || held.base == Type.Base.MAP) {
                throw new IllegalArgumentException("Protobuf has no arrays of " + held.base + ": " + name);
            }
        } else if (type.base == Type.Base.MAP) {
            label = "repeated ";
        } else if ("OPTIONAL".equals(nullable) && type.base != Type.Base.STRUCT) {
            label = "optional ";
        }
        boolean wrapped = "WRAPPER".equals(nullable) && type.base != Type.Base.ARRAY;
        String typeName = typeName(held, indent, nested, wrapped);
        return indent + label + typeName + " " + name + " = " + number + options(held, indent) + ";\n";
    }

    private String typeName(Type type, String indent, List<String> nested, boolean wrapped) {
        switch (type.base) {
            case BOOLEAN: return plain("bool", "Bool", wrapped);
            case INTEGER: return plain("int32", "Int32", wrapped);
            case BIGINT: return plain("int64", "Int64", wrapped);
            case DOUBLE: return plain("double", "Double", wrapped);
            case STRING: return plain("string", "String", wrapped);
            case BYTES: return plain("bytes", "Bytes", wrapped);
            case DECIMAL: {
                imports.add("confluent/meta.proto");
                return imported("confluent/type/decimal.proto", "confluent.type.Decimal");
            }
            case DATE: return imported("google/type/date.proto", "google.type.Date");
            case TIME: return imported("google/type/timeofday.proto", "google.type.TimeOfDay");
            case TIMESTAMP: return imported("google/protobuf/timestamp.proto", "google.protobuf.Timestamp");
            case MAP: {
                String name = nextName() + "Entry";
                Type entry = Type.struct(new String[] {"key", "value"}, type.parts);
                nested.add(message(entry, name, indent));
                return name;
            }
            default: {
                String name = nextName();
                nested.add(message(type, name, indent));
                return name;
            }
        }
    }

    private String plain(String name, String wrapper, boolean wrapped) {
        return wrapped ? imported("google/protobuf/wrappers.proto", "google.protobuf." + wrapper + "Value") : name;
    }

    private String imported(String file, String name) {
        imports.add(file);
        return name;
    }

    private static String options(Type type, String indent) {
        if (type.base != Type.Base.DECIMAL) {
            return "";
        }
        String inner = indent + "  ";
        return " [(confluent.field_meta) = {\n" + inner + "params: [\n"
                + parameter("precision", type.precision, inner) + ",\n"
                + parameter("scale", type.scale, inner) + "\n" + inner + "]\n" + indent + "}]";
    }

    private static String parameter(String key, int value, String indent) {
        return indent + "  {\n" + indent + "    key: \"" + key + "\",\n" + indent + "    value: \"" + value + "\"\n" + indent + "  }";
    }
}
