package lab.ksqldb.serde;

import java.math.BigDecimal;
import java.math.RoundingMode;
import lab.ksqldb.row.Type;

/** Numbers of records as numbers of SQL types. */
final class Numbers {
    private Numbers() {}

    /** The value with the type's scale; digits are never lost. */
    static BigDecimal decimal(BigDecimal value, Type type) {
        BigDecimal scaled = value.setScale(type.scale, RoundingMode.UNNECESSARY);
        if (scaled.precision() > type.precision) {
            throw new IllegalArgumentException("Numeric field overflow: " + value);
        }
        return scaled;
    }

    /** A refusal of a value that a column's type cannot take. */
    static IllegalArgumentException mismatch(Object found, Type wanted) {
        return new IllegalArgumentException("Cannot deserialize type " + found + " as type " + wanted.base);
    }
}
