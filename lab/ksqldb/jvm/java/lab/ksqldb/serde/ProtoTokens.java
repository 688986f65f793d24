package lab.ksqldb.serde;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** The tokens of a .proto text: words (names with dots, numbers), strings, and single characters. */
final class ProtoTokens {
    private final String text;
    private int at;
    private String next;
    private boolean nextIsString;

    ProtoTokens(String text) {
        this.text = text;
        advance();
    }

    /** The next token, empty at the end. */
    String peek() {
        return next;
    }

    boolean isString() {
        return nextIsString;
    }

    boolean atEnd() {
        return next.isEmpty() && !nextIsString;
    }

    String take() {
        String token = next;
        if (atEnd()) {
            throw new IllegalArgumentException("the .proto text ends too early");
        }
        advance();
        return token;
    }

    boolean takeIf(String token) {
        if (nextIsString || !next.equals(token)) {
            return false;
        }
        advance();
        return true;
    }

    void skip(String token) {
        if (!takeIf(token)) {
            throw new IllegalArgumentException("expected '" + token + "' before '" + next + "' at " + at);
        }
    }

    /** A string; adjacent ones are one. */
    String string() {
        if (!nextIsString) {
            throw new IllegalArgumentException("expected a string before '" + next + "' at " + at);
        }
        StringBuilder whole = new StringBuilder();
        while (nextIsString) {
            whole.append(take());
        }
        return whole.toString();
    }

    int integer() {
        String token = take();
        boolean negative = token.equals("-");
        int value = Integer.decode(negative ? take() : token);
        return negative ? -value : value;
    }

    private void advance() {
        blanks();
        nextIsString = false;
        if (at >= text.length()) {
            next = "";
            return;
        }
        char c = text.charAt(at);
        if (c == '"' || c == '\'') {
            next = quoted(c);
            nextIsString = true;
            return;
        }
        int start = at;
        while (at < text.length() && isWord(text.charAt(at))) {
            at++;
        }
        if (at == start) {
            at++;
        }
        next = text.substring(start, at);
    }

    private static boolean isWord(char c) {
        return Character.isLetterOrDigit(c) || c == '_' || c == '.';
    }

    private void blanks() {
        while (at < text.length()) {
            if (Character.isWhitespace(text.charAt(at)) || text.charAt(at) == '\uFEFF') {
                at++;
            } else if (text.startsWith("//", at)) {
                int end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end + 1;
            } else if (text.startsWith("/*", at)) {
                int end = text.indexOf("*/", at + 2);
                at = end < 0 ? text.length() : end + 2;
            } else {
                return;
            }
        }
    }

    private String quoted(char quote) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        at++;
        while (at < text.length() && text.charAt(at) != quote) {
            int c = text.codePointAt(at);
            at += Character.charCount(c);
            if (c == '\\' && at < text.length()) {
                escape(bytes);
            } else {
                bytes.writeBytes(Character.toString(c).getBytes(StandardCharsets.UTF_8));
            }
        }
        at++;
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private void escape(ByteArrayOutputStream bytes) {
        char c = text.charAt(at++);
        int simple = "abfnrtv".indexOf(c);
        if (simple >= 0) {
            bytes.write("\u0007\b\f\n\r\t\u000b".charAt(simple));
        } else if (c == 'x' || c == 'X') {
            int start = at;
            while (at < text.length() && at < start + 2 && Character.digit(text.charAt(at), 16) >= 0) {
                at++;
            }
            bytes.write(Integer.parseInt(text.substring(start, at), 16));
        } else if (Character.digit(c, 8) >= 0) {
            int value = Character.digit(c, 8);
            for (int i = 0; i < 2 && at < text.length() && Character.digit(text.charAt(at), 8) >= 0; i++) {
                value = value * 8 + Character.digit(text.charAt(at++), 8);
            }
            bytes.write(value);
        } else {
            bytes.write(c);
        }
    }
}
