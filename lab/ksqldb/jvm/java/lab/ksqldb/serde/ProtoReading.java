package lab.ksqldb.serde;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lab.ksqldb.row.Row;
import lab.ksqldb.row.Type;

/**
 * Messages to values of SQL types, decided once per pair of message and type. A field that a message does not have is
 * NULL where its absence can be told, else its default value.
 */
final class ProtoReading {
    private ProtoReading() {}

    interface FromProto {
        Object of(Object value);
    }

    interface Members {
        void read(Message message, Object[] columns);
    }

    static Members members(Descriptor message, Type row) {
        List<Members> all = new ArrayList<>();
        for (int i = 0; i < row.names.length; i++) {
            ProtoTypes.Member member = member(message, row.names[i]);
            if (member != null) {
                all.add(member.field() == null ? oneof(member, row.parts[i], i) : field(member.field(), row.parts[i], i));
            }
        }
        Members[] each = all.toArray(new Members[0]);
        return (found, columns) -> {
            for (Members one : each) {
                one.read(found, columns);
            }
        };
    }

    static ProtoTypes.Member member(Descriptor message, String name) {
        ProtoTypes.Member close = null;
        for (ProtoTypes.Member member : ProtoTypes.members(message)) {
            if (member.name().equals(name)) {
                return member;
            }
            if (member.name().equalsIgnoreCase(name)) {
                close = member;
            }
        }
        return close;
    }

    private static Members oneof(ProtoTypes.Member member, Type type, int place) {
        if (type.base != Type.Base.STRUCT) {
            throw Numbers.mismatch("ONEOF", type);
        }
        Members[] members = new Members[type.names.length];
        for (int i = 0; i < members.length; i++) {
            for (FieldDescriptor field : member.oneof().getFields()) {
                if (field.getName().equalsIgnoreCase(type.names[i])) {
                    members[i] = field(field, type.parts[i], i);
                }
            }
        }
        return (message, columns) -> {
            if (!message.hasOneof(member.oneof())) {
                return;
            }
            Object[] inner = new Object[members.length];
            for (Members one : members) {
                if (one != null) {
                    one.read(message, inner);
                }
            }
            columns[place] = new Row(inner);
        };
    }

    private static Members field(FieldDescriptor field, Type type, int place) {
        boolean told = field.hasPresence();
        FromProto value;
        if (field.isRepeated()) {
            value = ProtoTypes.isMap(field) ? map(field, type) : array(field, type);
        } else {
            value = single(field, type);
        }
        return (message, columns) -> {
            if (told && !message.hasField(field)) {
                return;
            }
            try {
                columns[place] = value.of(message.getField(field));
            } catch (IllegalArgumentException | ArithmeticException e) {
                throw new IllegalArgumentException(e.getMessage() + ", path: $." + field.getName(), e);
            }
        };
    }

    private static FromProto fails(FieldDescriptor field, Type type) {
        return value -> {
            throw Numbers.mismatch(field.getType(), type);
        };
    }

    private static FromProto array(FieldDescriptor field, Type type) {
        if (type.base != Type.Base.ARRAY) {
            return fails(field, type);
        }
        FromProto item = single(field, type.parts[0]);
        return value -> {
            List<Object> items = new ArrayList<>();
            for (Object found : (List<?>) value) {
                items.add(item.of(found));
            }
            return items;
        };
    }

    private static FromProto map(FieldDescriptor field, Type type) {
        if (type.base != Type.Base.MAP) {
            return type.base == Type.Base.ARRAY ? array(field, type) : fails(field, type);
        }
        FieldDescriptor keyField = field.getMessageType().findFieldByName("key");
        FieldDescriptor valueField = field.getMessageType().findFieldByName("value");
        FromProto key = single(keyField, type.parts[0]);
        FromProto item = single(valueField, type.parts[1]);
        return value -> {
            Map<Object, Object> entries = new LinkedHashMap<>();
            for (Object found : (List<?>) value) {
                Message entry = (Message) found;
                boolean missing = valueField.hasPresence() && !entry.hasField(valueField) && !field.isMapField();
                entries.put(key.of(entry.getField(keyField)), missing ? null : item.of(entry.getField(valueField)));
            }
            return entries;
        };
    }

    private static FromProto single(FieldDescriptor field, Type type) {
        if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
            return message(field, type);
        }
        FieldDescriptor.JavaType kind = field.getJavaType();
        boolean unsigned = switch (field.getType()) {
            case UINT32, FIXED32 -> true;
            default -> false;
        };
        boolean number = switch (kind) {
            case INT, LONG, FLOAT, DOUBLE -> true;
            default -> false;
        };
        boolean whole = kind == FieldDescriptor.JavaType.INT || kind == FieldDescriptor.JavaType.LONG;
        switch (type.base) {
            case BOOLEAN:
                return kind == FieldDescriptor.JavaType.BOOLEAN ? v -> v : fails(field, type);
            case INTEGER:
                return kind == FieldDescriptor.JavaType.INT && !unsigned ? v -> v : fails(field, type);
            case BIGINT:
                return unsigned
                        ? v -> Integer.toUnsignedLong((Integer) v)
                        : whole ? v -> ((Number) v).longValue() : fails(field, type);
            case DOUBLE:
                return number && !whole ? v -> ((Number) v).doubleValue() : fails(field, type);
            case STRING:
                if (kind == FieldDescriptor.JavaType.ENUM) {
                    return v -> ((EnumValueDescriptor) v).getName();
                }
                return number || kind == FieldDescriptor.JavaType.STRING || kind == FieldDescriptor.JavaType.BOOLEAN
                        ? Object::toString
                        : fails(field, type);
            case BYTES:
                return kind == FieldDescriptor.JavaType.BYTE_STRING
                        ? v -> ByteBuffer.wrap(((ByteString) v).toByteArray())
                        : fails(field, type);
            default:
                return fails(field, type);
        }
    }

    private static FromProto message(FieldDescriptor field, Type type) {
        Descriptor message = field.getMessageType();
        String name = message.getFullName();
        switch (type.base) {
            case TIMESTAMP:
                return name.equals(ProtoTypes.TIMESTAMP) ? v -> timestamp((Message) v) : fails(field, type);
            case DATE:
                return name.equals(ProtoTypes.DATE) ? v -> date((Message) v) : fails(field, type);
            case TIME:
                return name.equals(ProtoTypes.TIME) ? v -> time((Message) v) : fails(field, type);
            case DECIMAL:
                return name.equals(ProtoTypes.DECIMAL) ? v -> decimal((Message) v, type) : fails(field, type);
            case STRUCT: {
                Members members = members(message, type);
                return v -> {
                    Object[] columns = new Object[type.names.length];
                    members.read((Message) v, columns);
                    return new Row(columns);
                };
            }
            default: {
                if (!ProtoTypes.isWrapper(message)) {
                    return fails(field, type);
                }
                FieldDescriptor wrapped = message.findFieldByName("value");
                FromProto inner = single(wrapped, type);
                return v -> inner.of(((Message) v).getField(wrapped));
            }
        }
    }

    private static Number number(Message message, String field) {
        return (Number) message.getField(message.getDescriptorForType().findFieldByName(field));
    }

    private static Instant timestamp(Message found) {
        return Instant.ofEpochMilli(
                number(found, "seconds").longValue() * 1000 + number(found, "nanos").intValue() / 1_000_000);
    }

    private static LocalDate date(Message found) {
        try {
            return LocalDate.of(
                    number(found, "year").intValue(), number(found, "month").intValue(), number(found, "day").intValue());
        } catch (java.time.DateTimeException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static LocalTime time(Message found) {
        try {
            return LocalTime.of(
                    number(found, "hours").intValue(), number(found, "minutes").intValue(),
                    number(found, "seconds").intValue(), number(found, "nanos").intValue() / 1_000_000 * 1_000_000);
        } catch (java.time.DateTimeException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static BigDecimal decimal(Message found, Type type) {
        FieldDescriptor value = found.getDescriptorForType().findFieldByName("value");
        byte[] unscaled = ((ByteString) found.getField(value)).toByteArray();
        BigInteger digits = unscaled.length == 0 ? BigInteger.ZERO : new BigInteger(unscaled);
        return Numbers.decimal(new BigDecimal(digits, number(found, "scale").intValue()), type);
    }
}
