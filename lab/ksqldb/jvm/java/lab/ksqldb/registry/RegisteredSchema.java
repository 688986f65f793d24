package lab.ksqldb.registry;

import java.util.Map;

/**
 * A schema as the registry has it. {@code type} is AVRO, PROTOBUF or JSON; {@code references} are the texts of the
 * schemas that it refers to, by the names that it uses for them, those of other references included.
 */
public record RegisteredSchema(int id, String type, String text, Map<String, String> references) {}
