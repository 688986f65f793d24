package lab.ksqldb.serde;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.OneofDescriptor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What messages are in SQL: a oneof is a struct of its members, messages of well-known types are dates and times. */
final class ProtoTypes {
    static final String TIMESTAMP = "google.protobuf.Timestamp";
    static final String DATE = "google.type.Date";
    static final String TIME = "google.type.TimeOfDay";
    static final String DECIMAL = "confluent.type.Decimal";

    private static final int MOST_DIGITS = 38;

    private final ProtoSchema schema;
    private final boolean upperCase;
    private final boolean unwrap;
    private final Set<String> open = new HashSet<>();

    private ProtoTypes(ProtoSchema schema, boolean upperCase, boolean unwrap) {
        this.schema = schema;
        this.upperCase = upperCase;
        this.unwrap = unwrap;
    }

    /** The columns of a message as SQL text; {@code unwrap} takes wrapper messages for what they wrap. */
    static String columns(ProtoSchema schema, Descriptor message, boolean upperCase, boolean unwrap) {
        return new ProtoTypes(schema, upperCase, unwrap).struct(message);
    }

    /** A member of a message: a field, or a oneof. */
    record Member(String name, FieldDescriptor field, OneofDescriptor oneof) {}

    static List<Member> members(Descriptor message) {
        List<Member> members = new ArrayList<>();
        Set<OneofDescriptor> seen = new HashSet<>();
        for (FieldDescriptor field : message.getFields()) {
            OneofDescriptor oneof = field.getRealContainingOneof();
            if (oneof == null) {
                members.add(new Member(field.getName(), field, null));
            } else if (seen.add(oneof)) {
                members.add(new Member(oneof.getName() + "_" + oneof.getIndex(), null, oneof));
            }
        }
        return members;
    }

    static boolean isMap(FieldDescriptor field) {
        if (field.isMapField()) {
            return true;
        }
        if (!field.isRepeated() || field.getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
            return false;
        }
        Descriptor entry = field.getMessageType();
        return entry.getName().endsWith("Entry") && entry.getFields().size() == 2
                && entry.findFieldByName("key") != null && entry.findFieldByName("value") != null;
    }

    static boolean isWrapper(Descriptor message) {
        return message.getFile().getFullName().equals("google/protobuf/wrappers.proto");
    }

    private String struct(Descriptor message) {
        if (!open.add(message.getFullName())) {
            throw new IllegalArgumentException("Recursive types are not supported: " + message.getFullName());
        }
        List<String> columns = new ArrayList<>();
        for (Member member : members(message)) {
            String type = member.field == null ? oneof(member.oneof) : field(member.field);
            columns.add(SqlText.column(member.name, type, upperCase));
        }
        open.remove(message.getFullName());
        return "STRUCT<" + String.join(", ", columns) + ">";
    }

    private String oneof(OneofDescriptor oneof) {
        List<String> columns = new ArrayList<>();
        for (FieldDescriptor field : oneof.getFields()) {
            columns.add(SqlText.column(field.getName(), field(field), upperCase));
        }
        return "STRUCT<" + String.join(", ", columns) + ">";
    }

    private String field(FieldDescriptor field) {
        if (isMap(field)) {
            Descriptor entry = field.getMessageType();
            return "MAP<" + single(entry.findFieldByName("key")) + ", " + single(entry.findFieldByName("value")) + ">";
        }
        return field.isRepeated() ? "ARRAY<" + single(field) + ">" : single(field);
    }

    private String single(FieldDescriptor field) {
        switch (field.getType()) {
            case INT32: case SINT32: case SFIXED32: return "INTEGER";
            case INT64: case SINT64: case SFIXED64: case UINT32: case FIXED32: case UINT64: case FIXED64: return "BIGINT";
            case FLOAT: case DOUBLE: return "DOUBLE";
            case BOOL: return "BOOLEAN";
            case STRING: case ENUM: return "STRING";
            case BYTES: return "BYTES";
            default: return message(field);
        }
    }

    private String message(FieldDescriptor field) {
        Descriptor message = field.getMessageType();
        return switch (message.getFullName()) {
            case TIMESTAMP -> "TIMESTAMP";
            case DATE -> "DATE";
            case TIME -> "TIME";
            case DECIMAL -> "DECIMAL(" + schema.parameter(field, "precision", MOST_DIGITS) + ", "
                    + schema.parameter(field, "scale", 0) + ")";
            default -> unwrap && isWrapper(message) ? single(message.findFieldByName("value")) : struct(message);
        };
    }
}
