package lab.ksqldb.fn;

import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/** Parts of URLs, percent-decoded. NULL in, NULL out; what is no URL fails and so gives NULL. */
public final class Urls {
    private Urls() {}

    public static String encode(String text) {
        return text == null ? null : URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    public static String decode(String text) {
        return text == null ? null : URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    public static String fragment(String url) {
        return url == null ? null : URI.create(url).getFragment();
    }

    public static String host(String url) {
        return url == null ? null : URI.create(url).getHost();
    }

    public static String path(String url) {
        return url == null ? null : URI.create(url).getPath();
    }

    public static Integer port(String url) {
        int port = url == null ? -1 : URI.create(url).getPort();
        return port < 0 ? null : Integer.valueOf(port);
    }

    public static String protocol(String url) {
        return url == null ? null : URI.create(url).getScheme();
    }

    public static String query(String url) {
        return url == null ? null : URI.create(url).getQuery();
    }

    /** The first value of a parameter; empty when it has none. */
    public static String parameter(String url, String name) {
        String query = query(url);
        if (query == null || name == null) {
            return null;
        }
        for (String pair : query.split("&")) {
            String[] parts = pair.split("=", 2);
            if (parts[0].equals(name)) {
                return parts.length == 2 ? parts[1] : "";
            }
        }
        return null;
    }
}
