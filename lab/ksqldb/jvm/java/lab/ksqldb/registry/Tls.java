package lab.ksqldb.registry;

import java.util.Map;
import javax.net.ssl.SSLContext;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;

/** TLS of a client of HTTP, by the settings that Kafka's clients have for it. */
final class Tls {
    private Tls() {}

    /** Null when there are no settings for it. Throws ConfigException for wrong ones. */
    static SSLContext context(Map<String, String> settings) {
        if (settings.keySet().stream().noneMatch(name -> name.startsWith("ssl."))) {
            return null;
        }
        ConfigDef known = new ConfigDef();
        SslConfigs.addClientSslSupport(known);
        try (DefaultSslEngineFactory factory = new DefaultSslEngineFactory()) {
            factory.configure(known.parse(settings));
            return factory.sslContext();
        }
    }
}
