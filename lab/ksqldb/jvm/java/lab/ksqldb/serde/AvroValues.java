package lab.ksqldb.serde;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lab.ksqldb.fn.Strings;
import lab.ksqldb.row.Row;
import lab.ksqldb.row.Type;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;

/** Values of Avro's generic form to values of SQL types and back, decided once per pair of schema and type. */
final class AvroValues {
    private AvroValues() {}

    interface FromAvro {
        Object of(Object avro);
    }

    interface ToAvro {
        Object of(Object value);
    }

    interface Members {
        void read(Object record, Object[] columns);
    }

    static FromAvro reading(Schema writer, Type type) {
        Schema schema = AvroSchemas.withoutNull(writer);
        FromAvro plain = schema.getType() == Schema.Type.UNION ? fromUnion(schema, type) : fromPlain(schema, type);
        return value -> value == null ? null : plain.of(value);
    }

    private static FromAvro fromPlain(Schema schema, Type type) {
        boolean number = switch (schema.getType()) {
            case INT, LONG, FLOAT, DOUBLE -> true;
            default -> false;
        };
        boolean whole = schema.getType() == Schema.Type.INT || schema.getType() == Schema.Type.LONG;
        boolean bytes = schema.getType() == Schema.Type.BYTES || schema.getType() == Schema.Type.FIXED;
        boolean decimal = bytes && "decimal".equals(schema.getProp("logicalType"));
        switch (type.base) {
            case BOOLEAN:
                return check(schema.getType() == Schema.Type.BOOLEAN, schema, type, v -> v);
            case INTEGER:
                return check(schema.getType() == Schema.Type.INT, schema, type, v -> v);
            case BIGINT:
                return check(whole, schema, type, v -> ((Number) v).longValue());
            case DOUBLE:
                return check(number && !whole, schema, type, v -> ((Number) v).doubleValue());
            case DECIMAL: {
                int scale = schema.getObjectProp("scale") instanceof Number n ? n.intValue() : 0;
                return check(decimal, schema, type,
                        v -> Numbers.decimal(new BigDecimal(new BigInteger(Strings.bytes(buffer(v))), scale), type));
            }
            case STRING:
                return check(
                        number || schema.getType() == Schema.Type.STRING || schema.getType() == Schema.Type.ENUM
                                || schema.getType() == Schema.Type.BOOLEAN,
                        schema, type, Object::toString);
            case BYTES:
                return check(bytes && !decimal, schema, type, AvroValues::buffer);
            case DATE:
                return check(schema.getType() == Schema.Type.INT, schema, type, v -> LocalDate.ofEpochDay((Integer) v));
            case TIME:
                return check(schema.getType() == Schema.Type.INT, schema, type,
                        v -> LocalTime.ofNanoOfDay((Integer) v * 1_000_000L));
            case TIMESTAMP:
                return check(schema.getType() == Schema.Type.LONG, schema, type, v -> Instant.ofEpochMilli((Long) v));
            case ARRAY:
                return schema.getType() == Schema.Type.ARRAY ? fromArray(schema, type) : fails(schema, type);
            case MAP:
                return fromMap(schema, type);
            default:
                return schema.getType() == Schema.Type.RECORD ? struct(members(schema, type), type) : fails(schema, type);
        }
    }

    private static FromAvro check(boolean fits, Schema schema, Type type, FromAvro conversion) {
        return fits ? conversion : fails(schema, type);
    }

    /** A column whose type the writer changed spoils only the records that have a value in it. */
    private static FromAvro fails(Schema schema, Type type) {
        return value -> {
            throw Numbers.mismatch(schema.getType(), type);
        };
    }

    private static ByteBuffer buffer(Object value) {
        return value instanceof GenericFixed fixed ? ByteBuffer.wrap(fixed.bytes()) : (ByteBuffer) value;
    }

    private static FromAvro fromArray(Schema schema, Type type) {
        FromAvro item = reading(schema.getElementType(), type.parts[0]);
        return value -> {
            List<Object> items = new ArrayList<>();
            for (Object found : (Iterable<?>) value) {
                items.add(item.of(found));
            }
            return items;
        };
    }

    private static FromAvro fromMap(Schema schema, Type type) {
        if (schema.getType() == Schema.Type.MAP) {
            FromAvro item = reading(schema.getValueType(), type.parts[1]);
            return value -> {
                Map<Object, Object> entries = new LinkedHashMap<>();
                ((Map<?, ?>) value).forEach((k, v) -> entries.put(k.toString(), item.of(v)));
                return entries;
            };
        }
        if (schema.getType() != Schema.Type.ARRAY || !AvroSchemas.isEntries(schema)) {
            return fails(schema, type);
        }
        Schema entry = AvroSchemas.withoutNull(schema.getElementType());
        FromAvro key = reading(entry.getField("key").schema(), type.parts[0]);
        FromAvro item = reading(entry.getField("value").schema(), type.parts[1]);
        int keyAt = entry.getField("key").pos();
        int valueAt = entry.getField("value").pos();
        return value -> {
            Map<Object, Object> entries = new LinkedHashMap<>();
            for (Object found : (Iterable<?>) value) {
                IndexedRecord record = (IndexedRecord) found;
                entries.put(key.of(record.get(keyAt)), item.of(record.get(valueAt)));
            }
            return entries;
        };
    }

    private static FromAvro struct(Members members, Type type) {
        return value -> {
            Object[] columns = new Object[type.names.length];
            members.read(value, columns);
            return new Row(columns);
        };
    }

    /** Reads the columns that a record has; others stay null. */
    static Members members(Schema writer, Type row) {
        Schema schema = AvroSchemas.withoutNull(writer);
        if (schema.getType() != Schema.Type.RECORD) {
            throw Numbers.mismatch(schema.getType(), row);
        }
        int count = row.names.length;
        FromAvro[] values = new FromAvro[count];
        int[] places = new int[count];
        for (int i = 0; i < count; i++) {
            Schema.Field field = field(schema, row.names[i]);
            places[i] = field == null ? -1 : field.pos();
            values[i] = field == null ? null : reading(field.schema(), row.parts[i]);
        }
        return (record, columns) -> {
            for (int i = 0; i < count; i++) {
                if (places[i] >= 0) {
                    columns[i] = member(values[i], ((IndexedRecord) record).get(places[i]), row.names[i]);
                }
            }
        };
    }

    private static Object member(FromAvro value, Object found, String name) {
        try {
            return value.of(found);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new IllegalArgumentException(e.getMessage() + ", path: $." + name, e);
        }
    }

    private static Schema.Field field(Schema record, String name) {
        Schema.Field exact = record.getField(name);
        if (exact != null) {
            return exact;
        }
        for (Schema.Field field : record.getFields()) {
            if (field.name().equalsIgnoreCase(name)) {
                return field;
            }
        }
        return null;
    }

    /** A union of several types is a struct with a member for each. */
    private static FromAvro fromUnion(Schema union, Type type) {
        if (type.base != Type.Base.STRUCT) {
            return value -> fromPlain(branch(union, value), type).of(value);
        }
        Map<Integer, FromAvro> readers = new LinkedHashMap<>();
        Map<Integer, Integer> places = new LinkedHashMap<>();
        for (int b = 0; b < union.getTypes().size(); b++) {
            Schema branch = union.getTypes().get(b);
            for (int i = 0; i < type.names.length; i++) {
                if (AvroSchemas.branchName(branch).equalsIgnoreCase(type.names[i])) {
                    readers.put(b, reading(branch, type.parts[i]));
                    places.put(b, i);
                }
            }
        }
        return value -> {
            Object[] columns = new Object[type.names.length];
            int branch = GenericData.get().resolveUnion(union, value);
            if (readers.containsKey(branch)) {
                columns[places.get(branch)] = readers.get(branch).of(value);
            }
            return new Row(columns);
        };
    }

    private static Schema branch(Schema union, Object value) {
        return union.getTypes().get(GenericData.get().resolveUnion(union, value));
    }

    /** How values of a type are written by a schema; {@code type} of a whole row takes an Object[]. */
    static ToAvro writing(Type type, Schema target) {
        boolean nullable = target.isNullable();
        Schema schema = AvroSchemas.withoutNull(target);
        ToAvro plain = schema.getType() == Schema.Type.UNION ? toUnion(type, schema) : toPlain(type, schema);
        return value -> {
            if (value == null) {
                if (!nullable) {
                    throw new IllegalArgumentException("NULL for a field that the schema requires: " + schema.getType());
                }
                return null;
            }
            return plain.of(value);
        };
    }

    private static ToAvro toUnion(Type type, Schema union) {
        if (type.base == Type.Base.STRUCT) {
            return memberOfUnion(type, union);
        }
        for (Schema branch : union.getTypes()) {
            try {
                if (branch.getType() != Schema.Type.NULL) {
                    return toPlain(type, branch);
                }
            } catch (IllegalArgumentException e) {
                continue;
            }
        }
        throw unwritable(type, union);
    }

    /** The struct of a union holds one value: the one that is written. */
    private static ToAvro memberOfUnion(Type type, Schema union) {
        ToAvro[] members = new ToAvro[type.names.length];
        for (int i = 0; i < members.length; i++) {
            for (Schema branch : union.getTypes()) {
                if (AvroSchemas.branchName(branch).equalsIgnoreCase(type.names[i])) {
                    members[i] = toPlain(type.parts[i], branch);
                }
            }
            if (members[i] == null) {
                throw new IllegalArgumentException("The schema's union has no " + type.names[i]);
            }
        }
        return value -> {
            Object[] columns = ((Row) value).columns;
            for (int i = 0; i < members.length; i++) {
                if (columns[i] != null) {
                    return members[i].of(columns[i]);
                }
            }
            return null;
        };
    }

    private static IllegalArgumentException unwritable(Type type, Schema schema) {
        return new IllegalArgumentException("The schema's " + schema.getType() + " cannot hold " + type.base);
    }

    private static ToAvro toPlain(Type type, Schema schema) {
        Schema.Type target = schema.getType();
        switch (type.base) {
            case INTEGER:
                switch (target) {
                    case INT: return v -> v;
                    case LONG: return v -> ((Number) v).longValue();
                    case FLOAT: return v -> ((Number) v).floatValue();
                    case DOUBLE: return v -> ((Number) v).doubleValue();
                    default: throw unwritable(type, schema);
                }
            case BIGINT:
                return require(target == Schema.Type.LONG, type, schema, v -> v);
            case DOUBLE:
                return target == Schema.Type.FLOAT
                        ? v -> ((Number) v).floatValue()
                        : require(target == Schema.Type.DOUBLE, type, schema, v -> v);
            case BOOLEAN:
                return require(target == Schema.Type.BOOLEAN, type, schema, v -> v);
            case STRING:
                return target == Schema.Type.ENUM
                        ? v -> symbol(schema, (String) v)
                        : require(target == Schema.Type.STRING, type, schema, v -> v);
            case BYTES:
                return bytes(type, schema, v -> (ByteBuffer) v);
            case DECIMAL: {
                int scale = schema.getObjectProp("scale") instanceof Number n ? n.intValue() : 0;
                return bytes(type, schema, v -> ByteBuffer.wrap(
                        ((BigDecimal) v).setScale(scale, RoundingMode.UNNECESSARY).unscaledValue().toByteArray()));
            }
            case DATE:
                return require(target == Schema.Type.INT, type, schema, v -> (int) ((LocalDate) v).toEpochDay());
            case TIME:
                return require(target == Schema.Type.INT, type, schema,
                        v -> (int) (((LocalTime) v).toNanoOfDay() / 1_000_000));
            case TIMESTAMP:
                return require(target == Schema.Type.LONG, type, schema, v -> ((Instant) v).toEpochMilli());
            case ARRAY:
                return toArray(type, schema);
            case MAP:
                return toMap(type, schema);
            default:
                return toRecord(type, schema);
        }
    }

    private static Object symbol(Schema schema, String name) {
        if (!schema.hasEnumSymbol(name)) {
            throw new IllegalArgumentException(schema.getName() + " has no " + name);
        }
        return new GenericData.EnumSymbol(schema, name);
    }

    private static ToAvro require(boolean fits, Type type, Schema schema, ToAvro conversion) {
        if (!fits) {
            throw unwritable(type, schema);
        }
        return conversion;
    }

    private interface ToBuffer {
        ByteBuffer of(Object value);
    }

    private static ToAvro bytes(Type type, Schema schema, ToBuffer buffer) {
        if (schema.getType() == Schema.Type.FIXED) {
            return v -> {
                byte[] data = Strings.bytes(buffer.of(v));
                byte[] fixed = new byte[schema.getFixedSize()];
                if (data.length > fixed.length) {
                    throw new IllegalArgumentException("the value has more than " + fixed.length + " bytes");
                }
                java.util.Arrays.fill(fixed, type.base == Type.Base.DECIMAL && data[0] < 0 ? (byte) -1 : 0);
                System.arraycopy(data, 0, fixed, fixed.length - data.length, data.length);
                return new GenericData.Fixed(schema, fixed);
            };
        }
        return require(schema.getType() == Schema.Type.BYTES, type, schema, v -> ByteBuffer.wrap(Strings.bytes(buffer.of(v))));
    }

    private static ToAvro toArray(Type type, Schema schema) {
        if (schema.getType() != Schema.Type.ARRAY) {
            throw unwritable(type, schema);
        }
        ToAvro item = writing(type.parts[0], schema.getElementType());
        return value -> {
            GenericData.Array<Object> items = new GenericData.Array<>(((List<?>) value).size(), schema);
            for (Object found : (List<?>) value) {
                items.add(item.of(found));
            }
            return items;
        };
    }

    private static ToAvro toMap(Type type, Schema schema) {
        if (schema.getType() == Schema.Type.MAP) {
            ToAvro item = writing(type.parts[1], schema.getValueType());
            return value -> {
                Map<String, Object> entries = new LinkedHashMap<>();
                ((Map<?, ?>) value).forEach((k, v) -> entries.put(String.valueOf(k), item.of(v)));
                return entries;
            };
        }
        if (schema.getType() != Schema.Type.ARRAY || !AvroSchemas.isEntries(schema)) {
            throw unwritable(type, schema);
        }
        Schema entry = AvroSchemas.withoutNull(schema.getElementType());
        ToAvro key = writing(type.parts[0], entry.getField("key").schema());
        ToAvro item = writing(type.parts[1], entry.getField("value").schema());
        return value -> {
            List<Object> entries = new ArrayList<>();
            ((Map<?, ?>) value).forEach((k, v) -> {
                GenericData.Record record = new GenericData.Record(entry);
                record.put("key", key.of(k));
                record.put("value", item.of(v));
                entries.add(record);
            });
            return entries;
        };
    }

    private static ToAvro toRecord(Type type, Schema schema) {
        if (schema.getType() != Schema.Type.RECORD) {
            throw unwritable(type, schema);
        }
        int count = type.names.length;
        ToAvro[] values = new ToAvro[count];
        int[] places = new int[count];
        Map<Integer, Object> defaults = new LinkedHashMap<>();
        for (Schema.Field field : schema.getFields()) {
            if (field.hasDefaultValue()) {
                defaults.put(field.pos(), GenericData.get().getDefaultValue(field));
            }
        }
        for (int i = 0; i < count; i++) {
            Schema.Field field = field(schema, type.names[i]);
            if (field == null) {
                throw new IllegalArgumentException("The schema has no field " + type.names[i]);
            }
            places[i] = field.pos();
            boolean defaulted = !field.schema().isNullable() && defaults.containsKey(field.pos());
            Object instead = defaulted ? defaults.get(field.pos()) : null;
            ToAvro plain = writing(type.parts[i], field.schema());
            values[i] = defaulted ? v -> v == null ? instead : plain.of(v) : plain;
            defaults.remove(field.pos());
        }
        return value -> {
            Object[] columns = value instanceof Row row ? row.columns : (Object[]) value;
            GenericData.Record record = new GenericData.Record(schema);
            defaults.forEach(record::put);
            for (int i = 0; i < count; i++) {
                record.put(places[i], values[i].of(columns[i]));
            }
            return record;
        };
    }
}
