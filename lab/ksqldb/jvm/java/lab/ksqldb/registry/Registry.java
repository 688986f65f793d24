package lab.ksqldb.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLContext;

/**
 * A client of a schema registry with Confluent's API. Schemas by id are kept for ever, for they do not change. Every
 * method may block and throws RegistryException.
 */
public final class Registry {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final long PATIENCE_MS = 30_000;
    private static final long UNKNOWN_FOR_MS = 2_000;
    private static final String JSON_SCHEMA = "http://json-schema.org/draft-07/schema#";
    private static volatile Registry current;

    /** Loaded with the first request: a server without schemas starts sooner. */
    private static final class Lazy {
        static final ObjectMapper MAPPER = new ObjectMapper();
    }

    private final String[] urls;
    private final String authorization;
    /** Null for what the JVM trusts by itself. */
    private final SSLContext tls;
    private final Map<Integer, RegisteredSchema> schemas = new ConcurrentHashMap<>();
    private final Map<Integer, Long> unknown = new ConcurrentHashMap<>();
    private final Map<String, Integer> registered = new ConcurrentHashMap<>();
    private HttpClient http;

    /**
     * {@code urls} are separated by commas and tried in turn. Of {@code settings} it takes {@code basic.auth.user.info}
     * ({@code user:password}), {@code bearer.auth.token} and Kafka's {@code ssl.*}.
     */
    public Registry(String urls, Map<String, String> settings) {
        this.urls = urls.trim().split("\\s*,\\s*");
        String userInfo = settings.get("basic.auth.user.info");
        String token = settings.get("bearer.auth.token");
        if (userInfo != null) {
            byte[] bytes = userInfo.getBytes(StandardCharsets.UTF_8);
            authorization = "Basic " + Base64.getEncoder().encodeToString(bytes);
        } else {
            authorization = token == null ? null : "Bearer " + token;
        }
        tls = Tls.context(settings);
    }

    /** Makes it the registry of this process's codecs; null for none. */
    public static void install(Registry registry) {
        current = registry;
    }

    public static boolean isInstalled() {
        return current != null;
    }

    /** The registry of this process's codecs. */
    public static Registry installed() {
        Registry found = current;
        if (found == null) {
            throw new RegistryException(0, "No schema registry is configured: set ksql.schema.registry.url", null);
        }
        return found;
    }

    /** A schema by its id, for reading records: while the registry cannot be reached, it is asked again for a while. */
    public RegisteredSchema forReading(int id) {
        long deadline = System.nanoTime() + PATIENCE_MS * 1_000_000;
        for (long pause = 50; ; pause = Math.min(pause * 2, 2_000)) {
            try {
                return byId(id);
            } catch (RegistryException e) {
                if (!e.temporary() || System.nanoTime() > deadline) {
                    throw e;
                }
            }
            try {
                Thread.sleep(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new RegistryException(0, "interrupted while waiting for the schema registry", e);
            }
        }
    }

    /** A schema by its id; asked once. */
    public RegisteredSchema byId(int id) {
        RegisteredSchema found = schemas.get(id);
        if (found != null) {
            return found;
        }
        Long until = unknown.get(id);
        if (until != null && System.nanoTime() < until) {
            throw new RegistryException(404, "Schema " + id + " not found", null);
        }
        try {
            found = schema(id, request("GET", "/schemas/ids/" + id, null));
        } catch (RegistryException e) {
            if (e.status == 404) {
                unknown.put(id, System.nanoTime() + UNKNOWN_FOR_MS * 1_000_000);
            }
            throw e;
        }
        unknown.remove(id);
        schemas.put(id, found);
        return found;
    }

    /** A subject's latest schema, or null when it has none. */
    public RegisteredSchema latest(String subject) {
        try {
            JsonNode answer = request("GET", "/subjects/" + encoded(subject) + "/versions/latest", null);
            return schema(answer.get("id").asInt(), answer);
        } catch (RegistryException e) {
            if (e.status == 404) {
                return null;
            }
            throw e;
        }
    }

    /** The id of a schema under a subject, where it is put if it is not there. */
    public int register(String subject, String type, String text) {
        String key = subject + '\n' + text;
        Integer known = registered.get(key);
        if (known == null) {
            ObjectNode body = Lazy.MAPPER.createObjectNode();
            if (!type.equals("AVRO")) {
                body.put("schemaType", type);
            }
            body.put("schema", text);
            known = registeredId(subject, type, body);
            registered.put(key, known);
        }
        return known;
    }

    private int registeredId(String subject, String type, ObjectNode body) {
        String path = "/subjects/" + encoded(subject) + "/versions";
        try {
            return request("POST", path, body).get("id").asInt();
        } catch (RegistryException e) {
            // Some registries take a JSON schema that is no object only if it says what it is.
            String text = body.get("schema").asText();
            if (e.status != 422 || !type.equals("JSON") || !text.startsWith("{") || text.contains("$schema")) {
                throw e;
            }
            body.put("schema", "{\"$schema\":\"" + JSON_SCHEMA + "\"," + text.substring(1));
            return request("POST", path, body).get("id").asInt();
        }
    }

    /** Puts the schema of an id under a subject, references included. */
    public void registerAgain(String subject, int id) {
        ObjectNode body = (ObjectNode) request("GET", "/schemas/ids/" + id, null);
        ObjectNode sent = Lazy.MAPPER.createObjectNode();
        for (String member : new String[] {"schemaType", "schema", "references"}) {
            if (body.hasNonNull(member)) {
                sent.set(member, body.get(member));
            }
        }
        request("POST", "/subjects/" + encoded(subject) + "/versions", sent);
    }

    /** Deletes a subject with all its versions; a missing one is no error. */
    public void delete(String subject) {
        registered.keySet().removeIf(key -> key.startsWith(subject + '\n'));
        try {
            request("DELETE", "/subjects/" + encoded(subject), null);
        } catch (RegistryException e) {
            if (e.status != 404) {
                throw e;
            }
        }
    }

    /** Whether a subject has a version, or an id a schema, or a subject the schema of an id; null and -1 are left out. */
    public boolean has(String subject, int id) {
        try {
            if (subject == null) {
                request("GET", "/schemas/ids/" + id, null);
                return true;
            }
            String path = "/subjects/" + encoded(subject) + "/versions";
            JsonNode versions = request("GET", path, null);
            if (id < 0) {
                return !versions.isEmpty();
            }
            for (JsonNode version : versions) {
                if (request("GET", path + "/" + version.asInt(), null).path("id").asInt() == id) {
                    return true;
                }
            }
            return false;
        } catch (RegistryException e) {
            if (e.status == 404) {
                return false;
            }
            throw e;
        }
    }

    /** Deletes the subjects whose names begin so. */
    public void deletePrefixed(String prefix) {
        for (JsonNode subject : request("GET", "/subjects", null)) {
            if (subject.asText().startsWith(prefix)) {
                delete(subject.asText());
            }
        }
    }

    private RegisteredSchema schema(int id, JsonNode answer) {
        Map<String, String> references = new LinkedHashMap<>();
        collect(answer, references);
        String type = answer.hasNonNull("schemaType") ? answer.get("schemaType").asText() : "AVRO";
        return new RegisteredSchema(id, type, answer.get("schema").asText(), references);
    }

    private void collect(JsonNode answer, Map<String, String> references) {
        if (!answer.hasNonNull("references")) {
            return;
        }
        for (JsonNode reference : answer.get("references")) {
            String name = reference.get("name").asText();
            if (!references.containsKey(name)) {
                JsonNode target = request(
                        "GET",
                        "/subjects/" + encoded(reference.get("subject").asText()) + "/versions/"
                                + reference.get("version").asInt(),
                        null);
                collect(target, references);
                references.put(name, target.get("schema").asText());
            }
        }
    }

    private static String encoded(String subject) {
        return URLEncoder.encode(subject, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private synchronized HttpClient http() {
        if (http == null) {
            HttpClient.Builder builder =
                    HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUT);
            http = (tls == null ? builder : builder.sslContext(tls)).build();
        }
        return http;
    }

    private JsonNode request(String method, String path, JsonNode body) {
        List<String> failures = new ArrayList<>();
        Exception last = null;
        for (String url : urls) {
            try {
                return answered(method, url.replaceAll("/+$", "") + path, body);
            } catch (IOException e) {
                String said = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
                failures.add(url + ": " + said);
                last = e;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new RegistryException(0, "interrupted while asking the schema registry", e);
            }
        }
        throw new RegistryException(0, "The schema registry cannot be reached: " + String.join("; ", failures), last);
    }

    private JsonNode answered(String method, String url, JsonNode body) throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(url))
                        .timeout(TIMEOUT)
                        .header("Accept", "application/vnd.schemaregistry.v1+json, application/json")
                        .header("Content-Type", "application/vnd.schemaregistry.v1+json")
                        .method(
                                method,
                                body == null
                                        ? HttpRequest.BodyPublishers.noBody()
                                        : HttpRequest.BodyPublishers.ofByteArray(Lazy.MAPPER.writeValueAsBytes(body)));
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        HttpResponse<byte[]> response = http().send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        if (response.statusCode() / 100 != 2) {
            throw refused(response);
        }
        return Lazy.MAPPER.readTree(response.body());
    }

    private RegistryException refused(HttpResponse<byte[]> response) {
        int status = response.statusCode();
        String said = new String(response.body(), StandardCharsets.UTF_8);
        try {
            JsonNode error = Lazy.MAPPER.readTree(response.body());
            if (error != null && error.hasNonNull("message")) {
                said = error.get("message").asText() + "; error code: " + error.path("error_code").asInt(status);
            }
        } catch (IOException e) {
            said = said.strip();
        }
        return new RegistryException(status, said.isEmpty() ? "status " + status : said, null);
    }
}
