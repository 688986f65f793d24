package lab.ksqldb.serde;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type;
import com.google.protobuf.DescriptorProtos.FieldOptions;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.MessageOptions;
import com.google.protobuf.DescriptorProtos.OneofDescriptorProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A .proto text, of the proto2 or proto3 syntax, to its descriptor. Services, extensions and options that do not change
 * how records are read are passed over. Names of types stay as written: protobuf's descriptors resolve them.
 */
final class ProtoParser {
    /** A file, and the parameters of Confluent's {@code field_meta} option by the full names of fields. */
    record File(FileDescriptorProto descriptor, Map<String, Map<String, String>> parameters) {}

    private static final String META = "confluent.field_meta";

    private final ProtoTokens in;
    private final FileDescriptorProto.Builder file = FileDescriptorProto.newBuilder();
    private final Map<String, Map<String, String>> parameters = new HashMap<>();
    private boolean proto3;

    private ProtoParser(String name, String text) {
        in = new ProtoTokens(text);
        file.setName(name).setSyntax("proto2");
    }

    static File parse(String name, String text) {
        ProtoParser parser = new ProtoParser(name, text);
        parser.file();
        return new File(parser.file.build(), parser.parameters);
    }

    private void file() {
        while (!in.atEnd()) {
            String word = in.take();
            switch (word) {
                case ";" -> { }
                case "syntax" -> {
                    in.skip("=");
                    String syntax = in.string();
                    proto3 = syntax.equals("proto3");
                    file.setSyntax(syntax);
                    in.skip(";");
                }
                case "package" -> {
                    file.setPackage(in.take());
                    in.skip(";");
                }
                case "import" -> {
                    boolean shared = in.takeIf("public");
                    boolean weak = !shared && in.takeIf("weak");
                    if (shared) {
                        file.addPublicDependency(file.getDependencyCount());
                    }
                    if (weak) {
                        file.addWeakDependency(file.getDependencyCount());
                    }
                    file.addDependency(in.string());
                    in.skip(";");
                }
                case "message" -> file.addMessageType(message(file.getPackage()));
                case "enum" -> file.addEnumType(enumeration());
                case "service", "extend" -> {
                    in.take();
                    block();
                }
                case "option" -> statement();
                default -> throw new IllegalArgumentException("unexpected '" + word + "' in the .proto text");
            }
        }
    }

    /** Passes over what stands between braces. */
    private void block() {
        in.skip("{");
        int depth = 1;
        while (depth > 0) {
            boolean string = in.isString();
            String token = in.take();
            depth += string ? 0 : token.equals("{") ? 1 : token.equals("}") ? -1 : 0;
        }
    }

    /** Passes over what stands before a semicolon. */
    private void statement() {
        while (in.isString() || !in.peek().equals(";")) {
            if (!in.isString() && in.peek().equals("{")) {
                block();
            } else {
                in.take();
            }
        }
        in.skip(";");
    }

    private DescriptorProto.Builder message(String scope) {
        DescriptorProto.Builder message = DescriptorProto.newBuilder().setName(in.take());
        String fullName = scope.isEmpty() ? message.getName() : scope + "." + message.getName();
        List<FieldDescriptorProto.Builder> fields = new ArrayList<>();
        in.skip("{");
        while (!in.takeIf("}")) {
            switch (in.peek()) {
                case ";" -> in.take();
                case "message" -> {
                    in.take();
                    message.addNestedType(message(fullName));
                }
                case "enum" -> {
                    in.take();
                    message.addEnumType(enumeration());
                }
                case "extend" -> {
                    in.take();
                    in.take();
                    block();
                }
                case "option", "reserved", "extensions" -> statement();
                case "oneof" -> {
                    in.take();
                    oneof(message, fullName, fields);
                }
                default -> fields.add(field(message, fullName));
            }
        }
        for (FieldDescriptorProto.Builder field : fields) {
            if (field.getProto3Optional()) {
                field.setOneofIndex(message.getOneofDeclCount());
                message.addOneofDecl(OneofDescriptorProto.newBuilder().setName("_" + field.getName()));
            }
            message.addField(field);
        }
        return message;
    }

    private void oneof(DescriptorProto.Builder message, String fullName, List<FieldDescriptorProto.Builder> fields) {
        int index = message.getOneofDeclCount();
        message.addOneofDecl(OneofDescriptorProto.newBuilder().setName(in.take()));
        in.skip("{");
        while (!in.takeIf("}")) {
            if (in.peek().equals("option")) {
                statement();
            } else if (!in.takeIf(";")) {
                fields.add(field(message, fullName).setOneofIndex(index));
            }
        }
    }

    private FieldDescriptorProto.Builder field(DescriptorProto.Builder message, String scope) {
        FieldDescriptorProto.Builder field = FieldDescriptorProto.newBuilder().setLabel(Label.LABEL_OPTIONAL);
        if (in.takeIf("repeated")) {
            field.setLabel(Label.LABEL_REPEATED);
        } else if (in.takeIf("required")) {
            field.setLabel(Label.LABEL_REQUIRED);
        } else if (in.takeIf("optional") && proto3) {
            field.setProto3Optional(true);
        }
        String type = in.take();
        if (type.equals("group")) {
            throw new IllegalArgumentException("groups are not supported: " + scope);
        }
        if (type.equals("map") && in.takeIf("<")) {
            mapEntry(message, field);
        } else {
            setType(field, type);
            field.setName(in.take());
        }
        in.skip("=");
        field.setNumber(in.integer());
        if (in.takeIf("[")) {
            options(field, scope + "." + field.getName());
        }
        in.skip(";");
        return field;
    }

    private static void setType(FieldDescriptorProto.Builder field, String type) {
        try {
            field.setType(Type.valueOf("TYPE_" + type.toUpperCase(Locale.ROOT)));
            if (!type.equals(type.toLowerCase(Locale.ROOT)) || type.equals("message") || type.equals("enum")) {
                field.clearType().setTypeName(type);
            }
        } catch (IllegalArgumentException e) {
            field.setTypeName(type);
        }
    }

    private void mapEntry(DescriptorProto.Builder message, FieldDescriptorProto.Builder field) {
        FieldDescriptorProto.Builder key = FieldDescriptorProto.newBuilder().setName("key").setNumber(1);
        FieldDescriptorProto.Builder value = FieldDescriptorProto.newBuilder().setName("value").setNumber(2);
        setType(key.setLabel(Label.LABEL_OPTIONAL), in.take());
        in.skip(",");
        setType(value.setLabel(Label.LABEL_OPTIONAL), in.take());
        in.skip(">");
        field.setName(in.take());
        StringBuilder name = new StringBuilder();
        boolean upper = true;
        for (char c : field.getName().toCharArray()) {
            if (c == '_') {
                upper = true;
            } else {
                name.append(upper ? Character.toUpperCase(c) : c);
                upper = false;
            }
        }
        name.append("Entry");
        message.addNestedType(
                DescriptorProto.newBuilder()
                        .setName(name.toString())
                        .addField(key)
                        .addField(value)
                        .setOptions(MessageOptions.newBuilder().setMapEntry(true)));
        field.setLabel(Label.LABEL_REPEATED).setTypeName(name.toString()).setType(Type.TYPE_MESSAGE);
    }

    private EnumDescriptorProto.Builder enumeration() {
        EnumDescriptorProto.Builder made = EnumDescriptorProto.newBuilder().setName(in.take());
        in.skip("{");
        while (!in.takeIf("}")) {
            String name = in.take();
            if (name.equals("option") || name.equals("reserved")) {
                boolean aliases = name.equals("option") && in.peek().equals("allow_alias");
                statement();
                if (aliases) {
                    made.getOptionsBuilder().setAllowAlias(true);
                }
            } else if (!name.equals(";")) {
                in.skip("=");
                made.addValue(EnumValueDescriptorProto.newBuilder().setName(name).setNumber(in.integer()));
                if (in.takeIf("[")) {
                    options(null, "");
                }
                in.skip(";");
            }
        }
        return made;
    }

    /** The options in brackets; of a field, those that matter are kept. */
    private void options(FieldDescriptorProto.Builder field, String fullName) {
        do {
            StringBuilder name = new StringBuilder();
            while (!in.peek().equals("=")) {
                String token = in.take();
                name.append(token.equals("(") || token.equals(")") ? "" : token);
            }
            in.skip("=");
            Object value = value();
            String option = name.toString();
            if (field == null) {
                continue;
            }
            if (option.equals("packed")) {
                field.setOptions(FieldOptions.newBuilder(field.getOptions()).setPacked(value.equals("true")));
            } else if (option.equals("default")) {
                field.setDefaultValue(value.toString());
            } else if (option.equals("json_name")) {
                field.setJsonName(value.toString());
            } else if (option.equals(META) && value instanceof Map<?, ?> meta) {
                params(meta.get("params"), fullName);
            } else if (option.equals(META + ".params")) {
                params(value, fullName);
            }
        } while (in.takeIf(","));
        in.skip("]");
    }

    private void params(Object found, String fullName) {
        for (Object item : found instanceof List<?> list ? list : found == null ? List.of() : List.of(found)) {
            if (item instanceof Map<?, ?> pair && pair.get("key") != null && pair.get("value") != null) {
                parameters.computeIfAbsent(fullName, n -> new HashMap<>())
                        .put(pair.get("key").toString(), pair.get("value").toString());
            }
        }
    }

    /** An option's value: text, a Map of members, or a List. */
    private Object value() {
        if (in.isString()) {
            return in.string();
        }
        if (in.takeIf("{")) {
            return members();
        }
        if (in.takeIf("[")) {
            List<Object> items = new ArrayList<>();
            while (!in.takeIf("]")) {
                items.add(value());
                in.takeIf(",");
            }
            return items;
        }
        String token = in.take();
        return token.equals("-") ? "-" + in.take() : token;
    }

    private Map<String, Object> members() {
        Map<String, Object> members = new HashMap<>();
        while (!in.takeIf("}")) {
            String name = in.take();
            in.takeIf(":");
            Object value = value();
            Object before = members.put(name, value);
            if (before != null) {
                List<Object> all = new ArrayList<>(before instanceof List<?> list ? list : List.of(before));
                all.add(value);
                members.put(name, all);
            }
            if (!in.takeIf(",")) {
                in.takeIf(";");
            }
        }
        return members;
    }
}
