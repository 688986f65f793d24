package lab.ksqldb.fn;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;
import java.util.UUID;

/** Bytes as text and numbers, and back. NULL in, NULL out. */
public final class Encodings {
    private static final HexFormat UPPER = HexFormat.of().withUpperCase();

    private Encodings() {}

    public static ByteBuffer toBytes(String text, String encoding) {
        if (text == null || encoding == null) {
            return null;
        }
        return ByteBuffer.wrap(
                switch (encoding.toLowerCase(Locale.ROOT)) {
                    case "hex" -> hex(text);
                    case "utf8" -> text.getBytes(StandardCharsets.UTF_8);
                    case "ascii" -> text.getBytes(StandardCharsets.US_ASCII);
                    case "base64" -> base64(text);
                    default -> throw unknown(encoding);
                });
    }

    public static String fromBytes(ByteBuffer data, String encoding) {
        if (data == null || encoding == null) {
            return null;
        }
        byte[] all = Strings.bytes(data);
        return switch (encoding.toLowerCase(Locale.ROOT)) {
            case "hex" -> UPPER.formatHex(all);
            default -> plain(all, encoding);
        };
    }

    private static String plain(byte[] all, String encoding) {
        return switch (encoding.toLowerCase(Locale.ROOT)) {
            case "utf8" -> new String(all, StandardCharsets.UTF_8);
            case "ascii" -> new String(all, StandardCharsets.US_ASCII);
            case "base64" -> Base64.getEncoder().encodeToString(all);
            default -> throw unknown(encoding);
        };
    }

    /** A text from one encoding to another; hex is lower case. */
    public static String encode(String text, String from, String to) {
        if (text == null || from == null || to == null) {
            return null;
        }
        byte[] all = Strings.bytes(toBytes(text, from));
        return to.toLowerCase(Locale.ROOT).equals("hex") ? HexFormat.of().formatHex(all) : plain(all, to);
    }

    private static byte[] hex(String text) {
        String digits = text;
        if (text.startsWith("0x") || text.startsWith("0X")) {
            digits = text.substring(2);
        } else if ((text.startsWith("X'") || text.startsWith("x'")) && text.endsWith("'")) {
            digits = text.substring(2, text.length() - 1);
        }
        return HexFormat.of().parseHex(digits);
    }

    /** What is no base64 is passed over, and so is a last digit that is alone. */
    static byte[] base64(String text) {
        StringBuilder digits = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '=') {
                break;
            }
            if (c == '-' || c == '_') {
                digits.append(c == '-' ? '+' : '/');
            } else if (c == '+' || c == '/' || (c < 128 && Character.isLetterOrDigit(c))) {
                digits.append(c);
            }
        }
        if (digits.length() % 4 == 1) {
            digits.setLength(digits.length() - 1);
        }
        return Base64.getDecoder().decode(digits.toString());
    }

    private static IllegalArgumentException unknown(String encoding) {
        return new IllegalArgumentException(
                "Unknown encoding type '" + encoding + "': supported are hex, utf8, ascii and base64");
    }

    public static Integer intFromBytes(ByteBuffer data) {
        return intFromBytes(data, "BIG_ENDIAN");
    }

    public static Integer intFromBytes(ByteBuffer data, String order) {
        ByteBuffer all = number(data, order, Integer.BYTES);
        return all == null ? null : Integer.valueOf(all.getInt());
    }

    public static Long bigintFromBytes(ByteBuffer data) {
        return bigintFromBytes(data, "BIG_ENDIAN");
    }

    public static Long bigintFromBytes(ByteBuffer data, String order) {
        ByteBuffer all = number(data, order, Long.BYTES);
        return all == null ? null : Long.valueOf(all.getLong());
    }

    public static Double doubleFromBytes(ByteBuffer data) {
        return doubleFromBytes(data, "BIG_ENDIAN");
    }

    public static Double doubleFromBytes(ByteBuffer data, String order) {
        ByteBuffer all = number(data, order, Double.BYTES);
        return all == null ? null : Double.valueOf(all.getDouble());
    }

    private static ByteBuffer number(ByteBuffer data, String order, int size) {
        if (data == null || order == null) {
            return null;
        }
        if (data.remaining() != size) {
            throw new IllegalArgumentException("needs " + size + " bytes, not " + data.remaining());
        }
        return data.duplicate()
                .order(
                        switch (order.toUpperCase(Locale.ROOT)) {
                            case "BIG_ENDIAN" -> ByteOrder.BIG_ENDIAN;
                            case "LITTLE_ENDIAN" -> ByteOrder.LITTLE_ENDIAN;
                            default -> throw new IllegalArgumentException(
                                    "Byte order must be BIG_ENDIAN or LITTLE_ENDIAN: " + order);
                        });
    }

    public static String md5(String text) {
        if (text == null) {
            return null;
        }
        try {
            byte[] digest = MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    public static String uuid() {
        return UUID.randomUUID().toString();
    }

    /** The sixteen bytes of a UUID as text. */
    public static String uuid(ByteBuffer data) {
        if (data == null || data.remaining() != 16) {
            return null;
        }
        ByteBuffer all = data.duplicate();
        return new UUID(all.getLong(), all.getLong()).toString();
    }
}
