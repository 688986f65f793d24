package lab.ksqldb.serde;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DynamicMessage;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lab.ksqldb.fn.Strings;
import lab.ksqldb.row.Row;
import lab.ksqldb.row.Type;

/** Values of SQL types to messages. NULL is an absent field. */
final class ProtoWriting {
    private ProtoWriting() {}

    interface ToProto {
        Object of(Object value);
    }

    interface Members {
        void write(Object[] columns, DynamicMessage.Builder message);
    }

    static DynamicMessage message(Descriptor descriptor, Members members, Object[] columns) {
        DynamicMessage.Builder builder = DynamicMessage.newBuilder(descriptor);
        members.write(columns, builder);
        return builder.build();
    }

    static Members members(Type row, Descriptor message) {
        List<Members> all = new ArrayList<>();
        for (int i = 0; i < row.names.length; i++) {
            ProtoTypes.Member member = ProtoReading.member(message, row.names[i]);
            if (member == null) {
                throw new IllegalArgumentException("The schema has no field " + row.names[i]);
            }
            all.add(member.field() == null ? oneof(member, row.parts[i], i) : field(member.field(), row.parts[i], i));
        }
        return (columns, builder) -> all.forEach(one -> one.write(columns, builder));
    }

    private static Members oneof(ProtoTypes.Member member, Type type, int place) {
        List<Members> all = new ArrayList<>();
        for (int i = 0; i < type.names.length; i++) {
            for (FieldDescriptor field : member.oneof().getFields()) {
                if (field.getName().equalsIgnoreCase(type.names[i])) {
                    all.add(field(field, type.parts[i], i));
                }
            }
        }
        return (columns, builder) -> {
            if (columns[place] != null) {
                all.forEach(one -> one.write(((Row) columns[place]).columns, builder));
            }
        };
    }

    private static Members field(FieldDescriptor field, Type type, int place) {
        if (field.isRepeated()) {
            return repeated(field, type, place);
        }
        ToProto value = single(field, type);
        return (columns, builder) -> {
            if (columns[place] != null) {
                builder.setField(field, value.of(columns[place]));
            }
        };
    }

    private static Members repeated(FieldDescriptor field, Type type, int place) {
        if (type.base == Type.Base.MAP && ProtoTypes.isMap(field)) {
            Descriptor entry = field.getMessageType();
            Members members = members(Type.struct(new String[] {"key", "value"}, type.parts), entry);
            return (columns, builder) -> {
                if (columns[place] != null) {
                    for (Map.Entry<?, ?> pair : ((Map<?, ?>) columns[place]).entrySet()) {
                        Object[] both = {pair.getKey(), pair.getValue()};
                        builder.addRepeatedField(field, message(entry, members, both));
                    }
                }
            };
        }
        if (type.base != Type.Base.ARRAY) {
            throw unwritable(field, type);
        }
        ToProto item = single(field, type.parts[0]);
        return (columns, builder) -> {
            if (columns[place] != null) {
                for (Object found : (List<?>) columns[place]) {
                    if (found == null) {
                        throw new IllegalArgumentException("Protobuf has no NULL in arrays: " + field.getName());
                    }
                    builder.addRepeatedField(field, item.of(found));
                }
            }
        };
    }

    private static IllegalArgumentException unwritable(FieldDescriptor field, Type type) {
        return new IllegalArgumentException(
                "The schema's field " + field.getName() + " (" + field.getType() + ") cannot hold " + type.base);
    }

    private static ToProto require(boolean fits, FieldDescriptor field, Type type, ToProto conversion) {
        if (!fits) {
            throw unwritable(field, type);
        }
        return conversion;
    }

    private static ToProto single(FieldDescriptor field, Type type) {
        FieldDescriptor.JavaType kind = field.getJavaType();
        if (kind == FieldDescriptor.JavaType.MESSAGE) {
            return message(field, type);
        }
        switch (type.base) {
            case BOOLEAN:
                return require(kind == FieldDescriptor.JavaType.BOOLEAN, field, type, v -> v);
            case INTEGER:
                if (kind == FieldDescriptor.JavaType.LONG) {
                    return v -> ((Number) v).longValue();
                }
                return require(kind == FieldDescriptor.JavaType.INT, field, type, v -> v);
            case BIGINT:
                if (kind == FieldDescriptor.JavaType.INT) {
                    boolean unsigned = switch (field.getType()) {
                        case UINT32, FIXED32 -> true;
                        default -> false;
                    };
                    return require(unsigned, field, type, v -> Integer.parseUnsignedInt(v.toString()));
                }
                return require(kind == FieldDescriptor.JavaType.LONG, field, type, v -> v);
            case DOUBLE:
                return kind == FieldDescriptor.JavaType.FLOAT
                        ? v -> ((Number) v).floatValue()
                        : require(kind == FieldDescriptor.JavaType.DOUBLE, field, type, v -> v);
            case STRING:
                return kind == FieldDescriptor.JavaType.ENUM
                        ? v -> symbol(field, (String) v)
                        : require(kind == FieldDescriptor.JavaType.STRING, field, type, v -> v);
            case BYTES:
                return require(kind == FieldDescriptor.JavaType.BYTE_STRING, field, type,
                        v -> ByteString.copyFrom(Strings.bytes((ByteBuffer) v)));
            default:
                throw unwritable(field, type);
        }
    }

    private static EnumValueDescriptor symbol(FieldDescriptor field, String name) {
        EnumValueDescriptor found = field.getEnumType().findValueByName(name);
        if (found == null) {
            throw new IllegalArgumentException(field.getEnumType().getName() + " has no " + name);
        }
        return found;
    }

    private static ToProto message(FieldDescriptor field, Type type) {
        Descriptor message = field.getMessageType();
        String name = message.getFullName();
        switch (type.base) {
            case TIMESTAMP:
                return require(name.equals(ProtoTypes.TIMESTAMP), field, type, v -> timestamp(message, (Instant) v));
            case DATE:
                return require(name.equals(ProtoTypes.DATE), field, type, v -> {
                    LocalDate date = (LocalDate) v;
                    return made(message, "year", date.getYear(), "month", date.getMonthValue(), "day", date.getDayOfMonth());
                });
            case TIME:
                return require(name.equals(ProtoTypes.TIME), field, type, v -> {
                    LocalTime time = (LocalTime) v;
                    return made(message, "hours", time.getHour(), "minutes", time.getMinute(), "seconds", time.getSecond(),
                            "nanos", time.getNano());
                });
            case DECIMAL:
                return require(name.equals(ProtoTypes.DECIMAL), field, type, v -> {
                    BigDecimal decimal = ((BigDecimal) v).setScale(type.scale, RoundingMode.UNNECESSARY);
                    ByteString unscaled = ByteString.copyFrom(decimal.unscaledValue().toByteArray());
                    return made(message, "value", unscaled, "precision", type.precision, "scale", type.scale);
                });
            case STRUCT: {
                Members members = members(type, message);
                return v -> message(message, members, ((Row) v).columns);
            }
            default: {
                FieldDescriptor wrapped = message.findFieldByName("value");
                ToProto inner = single(require(ProtoTypes.isWrapper(message), field, type, wrapped), type);
                return v -> made(message, "value", inner.of(v));
            }
        }
    }

    private static FieldDescriptor require(boolean fits, FieldDescriptor field, Type type, FieldDescriptor inner) {
        if (!fits) {
            throw unwritable(field, type);
        }
        return inner;
    }

    private static DynamicMessage timestamp(Descriptor message, Instant instant) {
        return made(message, "seconds", instant.getEpochSecond(), "nanos", instant.getNano());
    }

    private static DynamicMessage made(Descriptor message, Object... members) {
        DynamicMessage.Builder builder = DynamicMessage.newBuilder(message);
        for (int i = 0; i < members.length; i += 2) {
            builder.setField(message.findFieldByName((String) members[i]), members[i + 1]);
        }
        return builder.build();
    }
}
