package lab.ksqldb.row;

import java.util.ArrayList;
import java.util.List;

/** An SQL type, parsed from the text that the planning side writes ({@code STRUCT<`A` INTEGER>}). */
public final class Type {
    public enum Base {
        BOOLEAN, INTEGER, BIGINT, DOUBLE, DECIMAL, STRING, BYTES, DATE, TIME, TIMESTAMP, ARRAY, MAP, STRUCT
    }

    public final Base base;
    public final int precision;
    public final int scale;
    public final String[] names;
    public final Type[] parts;

    private Type(Base base, int precision, int scale, String[] names, Type[] parts) {
        this.base = base;
        this.precision = precision;
        this.scale = scale;
        this.names = names;
        this.parts = parts;
    }

    /** A STRUCT of some members. */
    public static Type struct(String[] names, Type[] parts) {
        return new Type(Base.STRUCT, 0, 0, names, parts);
    }

    public static Type parse(String text) {
        Parser parser = new Parser(text);
        Type type = parser.type();
        if (parser.at != text.length()) {
            throw new IllegalArgumentException("not a type: " + text);
        }
        return type;
    }

    private static final class Parser {
        private final String text;
        private int at;

        Parser(String text) {
            this.text = text;
        }

        Type type() {
            int start = at;
            while (at < text.length() && Character.isLetter(text.charAt(at))) {
                at++;
            }
            Base base = Base.valueOf(text.substring(start, at));
            switch (base) {
                case DECIMAL: {
                    skip('(');
                    int precision = number();
                    skip(',');
                    int scale = number();
                    skip(')');
                    return new Type(base, precision, scale, null, new Type[0]);
                }
                case ARRAY: {
                    skip('<');
                    Type item = type();
                    skip('>');
                    return new Type(base, 0, 0, null, new Type[] {item});
                }
                case MAP: {
                    skip('<');
                    Type key = type();
                    skip(',');
                    Type value = type();
                    skip('>');
                    return new Type(base, 0, 0, null, new Type[] {key, value});
                }
                case STRUCT:
                    return struct();
                default:
                    return new Type(base, 0, 0, null, new Type[0]);
            }
        }

        private Type struct() {
            List<String> names = new ArrayList<>();
            List<Type> parts = new ArrayList<>();
            skip('<');
            while (!take('>')) {
                take(',');
                names.add(name());
                blanks();
                parts.add(type());
            }
            return new Type(Base.STRUCT, 0, 0, names.toArray(new String[0]), parts.toArray(new Type[0]));
        }

        private String name() {
            skip('`');
            StringBuilder name = new StringBuilder();
            while (true) {
                char c = text.charAt(at++);
                if (c == '`') {
                    if (at < text.length() && text.charAt(at) == '`') {
                        at++;
                    } else {
                        return name.toString();
                    }
                }
                name.append(c);
            }
        }

        private int number() {
            blanks();
            int start = at;
            while (Character.isDigit(text.charAt(at))) {
                at++;
            }
            return Integer.parseInt(text.substring(start, at));
        }

        private void blanks() {
            while (at < text.length() && text.charAt(at) == ' ') {
                at++;
            }
        }

        private boolean take(char c) {
            blanks();
            if (at < text.length() && text.charAt(at) == c) {
                at++;
                return true;
            }
            return false;
        }

        private void skip(char c) {
            if (!take(c)) {
                throw new IllegalArgumentException("expected " + c + " at " + at + " in " + text);
            }
            blanks();
        }
    }
}
