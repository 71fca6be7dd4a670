/* api/quantity */
#include "api/quantity.h"

#include "base/rand.h"
#include "unit/unit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct quantity parse(const char *text) {
    struct quantity q = {0};
    struct err err = ERR_INIT;
    assert_ok(quantity_parse(str_make(text, strlen(text)), &q, &err), &err);
    return q;
}

static void assert_text(const struct quantity *q, const char *expected) {
    char out[QUANTITY_TEXT_MAX];
    size_t n = quantity_format(q, out);
    assert_true(n < sizeof out);
    assert_int_equal(out[n], '\0');
    unit_assert_str(str_make(out, n), expected, __FILE__, __LINE__);
}

static void assert_canonical(const char *text, const char *expected) {
    struct quantity q = parse(text);
    assert_text(&q, expected);
    struct quantity again = parse(expected);
    assert_true(quantity_equal(&q, &again));
    assert_text(&again, expected);
}

static const char *const canonical[][2] = {
    /* zero in all clothes */
    {"0", "0"},
    {"-0", "0"},
    {"+0", "0"},
    {"0n", "0"},
    {"0u", "0"},
    {"0m", "0"},
    {"0k", "0"},
    {"0E", "0"},
    {"0Ki", "0"},
    {"0Ei", "0"},
    {"0e9", "0"},
    {"0e-30", "0"},
    {"0.0", "0"},
    {".0", "0"},
    {"0.", "0"},
    {"00000000000000000000000000000000000000000000", "0"},
    {"0.00000000000000000000000000000000000000000000Gi", "0"},
    /* decimal SI */
    {"1", "1"},
    {"+1", "1"},
    {"-1", "-1"},
    {"1n", "1n"},
    {"1u", "1u"},
    {"1m", "1m"},
    {"1k", "1k"},
    {"1M", "1M"},
    {"1G", "1G"},
    {"1T", "1T"},
    {"1P", "1P"},
    {"1E", "1E"},
    {"9E", "9E"},
    {"1000n", "1u"},
    {"1000u", "1m"},
    {"1000m", "1"},
    {"1000", "1k"},
    {"1000k", "1M"},
    {"1000000P", "9223372036854775807"},
    {"1000P", "1E"},
    {"1000000000000000000n", "1G"},
    {"100", "100"},
    {"10000", "10k"},
    {"12345", "12345"},
    {"1234500", "1234500"},
    {"123450000", "123450k"},
    {"0100", "100"},
    {"00.100", "100m"},
    {"0.1", "100m"},
    {".5", "500m"},
    {"5.", "5"},
    {"5.k", "5k"},
    {".5k", "500"},
    {"1.5", "1500m"},
    {"1.50", "1500m"},
    {"2.0", "2"},
    {"0.001", "1m"},
    {"0.0001", "100u"},
    {"0.000001", "1u"},
    {"0.0000001", "100n"},
    {"0.000000001", "1n"},
    {"1.000000001", "1000000001n"},
    {"1.01E", "1010P"},
    {"1.1k", "1100"},
    {"1.234567k", "1234567m"},
    {"100.035k", "100035"},
    {"250m", "250m"},
    {"1500m", "1500m"},
    {"-1500m", "-1500m"},
    {"-0.5", "-500m"},
    {"-.5k", "-500"},
    {"1.001m", "1001u"},
    {"1.0001u", "1001n"},
    {"123456789.987654321", "123456789987654321n"},
    {"9223372036.854775807", "9223372036854775807n"},
    {"9223372036854775806.999999999", "9223372036854775806999999999n"},
    /* decimals past nano round up, away from zero */
    {"0.0000000001", "1n"},
    {"0.0000000009", "1n"},
    {"0.00000000000000000000000000000000000000001", "1n"},
    {"1.0000000001", "1000000001n"},
    {"1.0000000000", "1"},
    {"0.1n", "1n"},
    {"1.1n", "2n"},
    {"1.0n", "1n"},
    {"999.9n", "1u"},
    {"0.9999999999", "1"},
    {"-0.1n", "-1n"},
    {"-1.1n", "-2n"},
    {"-0.9999999999", "-1"},
    {"1e-10", "1e-9"},
    {"1e-999999999999999999999999", "1e-9"},
    {"0.01u", "10n"},
    {".0001k", "100m"},
    /* decimal exponents */
    {"1e0", "1"},
    {"1e3", "1e3"},
    {"1E3", "1e3"},
    {"1e+3", "1e3"},
    {"1E+3", "1e3"},
    {"1e1", "10"},
    {"1e2", "100"},
    {"1e4", "10e3"},
    {"1e5", "100e3"},
    {"1e6", "1e6"},
    {"12e6", "12e6"},
    {"1.5e3", "1500"},
    {"1.5e0", "1500e-3"},
    {"15e-1", "1500e-3"},
    {"1e-1", "100e-3"},
    {"1e-3", "1e-3"},
    {"1E-3", "1e-3"},
    {"1e-4", "100e-6"},
    {"1e-9", "1e-9"},
    {"1000e-3", "1"},
    {"100e1", "1e3"},
    {"1e18", "1e18"},
    {"0.000000000000000001e18", "1"},
    {"0.0000000000000000001e18", "100e-3"},
    {"10000000000000000000000000000e-28", "1"},
    {"-1e3", "-1e3"},
    {"1e003", "1e3"},
    /* binary SI */
    {"1Ki", "1Ki"},
    {"1Mi", "1Mi"},
    {"1Gi", "1Gi"},
    {"1Ti", "1Ti"},
    {"1Pi", "1Pi"},
    {"1Ei", "1Ei"},
    {"7Ei", "7Ei"},
    {"1024Ki", "1Mi"},
    {"1024Mi", "1Gi"},
    {"1048576Ki", "1Gi"},
    {"1000Ki", "1000Ki"},
    {"1025Ki", "1025Ki"},
    {"1536Mi", "1536Mi"},
    {"1.5Gi", "1536Mi"},
    {"2.5Ki", "2560"},
    {"0.5Mi", "512Ki"},
    {".5Gi", "512Mi"},
    {"0.5Ki", "512"},
    {"0.25Ki", "256"},
    {"1.0Ki", "1Ki"},
    {"1.Gi", "1Gi"},
    {"-1Ki", "-1Ki"},
    {"-1.5Gi", "-1536Mi"},
    {"-0.5Ki", "-512"},
    {"1.1Ki", "1126400m"},
    {"100.035Ki", "102435840m"},
    {"0.05Gi", "53687091200m"},
    {"0.025Ti", "27487790694400m"},
    {"0.1Mi", "104857600m"},
    {"0.3Ki", "307200m"},
    {"0.000000000001Ki", "2n"},
    {"0.000001Ki", "1024u"},
    {"0.0009765625Ki", "1"},
    {"0.00000000000000000000000000000000000001Ei", "1n"},
    {"0.99999999999999999999999999999999999999Ki", "1Ki"},
    {"-0.000000000001Ki", "-2n"},
    {"1.00000000000000000086736173798840354720596224069595336914062500Ei", "1152921504606846977"},
    {"0.86736173798840354720596224069595336914062500000001Ei", "1000000000000000000000000001n"},
    /* magnitudes are capped */
    {"9223372036854775807", "9223372036854775807"},
    {"9223372036854775808", "9223372036854775807"},
    {"-9223372036854775807", "-9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775807"},
    {"9223372036854775807.5", "9223372036854775807"},
    {"99999999999999999999999999999999999999999999999999999999999999999", "9223372036854775807"},
    {"10E", "9223372036854775807"},
    {"1e19", "9223372036854775807"},
    {"1e99999999999999999999999999999", "9223372036854775807"},
    {"8Ei", "9223372036854775807"},
    {"9Ei", "9223372036854775807"},
    {"9223372036854775807Ki", "9223372036854775807"},
    {"999999999999999999999999999999999999999999999Ei", "9223372036854775807"},
    {"-8Ei", "-9223372036854775807"},
    {"7.99999999999999999999999999999999Ei", "9223372036854775807"},
};

TEST(test_quantity__canonical_text) {
    for (size_t i = 0; i < COUNT(canonical); i++)
        assert_canonical(canonical[i][0], canonical[i][1]);
}

TEST(test_quantity__refuses_malformed_text) {
    static const char *const bad[] = {
        "",      " ",    "+",    "-",     ".",    "+.",        "-.",    "Ki",    "m",     ".Ki",   "e3",
        " 1",    "1 ",   "1 Ki", "--1",   "+-1",  "1+",        "1-1",   "1..5",  "1.5.5", "1.1.M", "1,5",
        "1K",    "1ki",  "1mi",  "0.1mi", "1ni",  "1ui",       "1i",    "1KI",   "1KiB",  "1Kib",  "1B",
        "1kk",   "1Kim", "1mm",  "1g",    "1t",   "1p",        "1ei",   "1e",    "1e+",   "1e-",   "1E+",
        "1e3Ki", "1e3m", "1m3",  "1k5",   "1e3.", "1e1.5",     "1e 3",  "1e--3", "0x10",  "1_000", "NaN",
        "Inf",   "aoeu", "1a",   "½",     "١",    "1\xc2\xb5", "1e3e3", "1EE",   "1e3 ",  "1Zi",   "1Yi",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct quantity q = {.units = 77};
        struct err err = ERR_INIT;
        assert_fails(quantity_parse(str_make(bad[i], strlen(bad[i])), &q, &err), ERR_INVALID);
        assert_true(err.msg[0] != '\0');
        assert_int_equal(q.units, 77);
        assert_false(q.set);
    }
    struct quantity q;
    assert_fails(quantity_parse(STR_NONE, &q, NULL), ERR_INVALID);
    assert_fails(quantity_parse(S("1\0"), &q, NULL), ERR_INVALID);
    assert_fails(quantity_parse(S("1\0i"), &q, NULL), ERR_INVALID);
}

TEST(test_quantity__error_names_the_suffix) {
    struct quantity q;
    struct err err = ERR_INIT;
    assert_fails(quantity_parse(S("1foo"), &q, &err), ERR_INVALID);
    assert_string_equal(err.msg, "a quantity cannot have the suffix 'foo'");
    assert_fails(quantity_parse(S("foo"), &q, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"));
}

TEST(test_quantity__json_text_may_have_white_space) {
    struct quantity q;
    assert_ok(quantity_parse_json(S(" 1.5\n"), &q, NULL), NULL);
    assert_text(&q, "1500m");
    assert_ok(quantity_parse_json(S("1e3"), &q, NULL), NULL);
    assert_text(&q, "1e3");
    assert_fails(quantity_parse_json(S("  "), &q, NULL), ERR_INVALID);
}

TEST(test_quantity__keeps_units_and_nanos_of_one_sign) {
    struct quantity q = parse("-1.5");
    assert_int_equal(q.units, -1);
    assert_int_equal(q.nanos, -500000000);
    assert_int_equal(q.format, QUANTITY_DECIMAL_SI);
    assert_true(q.set);
    q = parse("1.5Gi");
    assert_int_equal(q.units, 1610612736);
    assert_int_equal(q.nanos, 0);
    assert_int_equal(q.format, QUANTITY_BINARY_SI);
    assert_int_equal(parse("1e3").format, QUANTITY_DECIMAL_EXPONENT);
}

TEST(test_quantity__below_one_is_decimal_from_then_on) {
    struct quantity q = parse("0.0009Ki"), y = parse("1Mi");
    assert_int_equal(q.format, QUANTITY_DECIMAL_SI);
    assert_int_equal(parse("0.5Ki").format, QUANTITY_BINARY_SI);
    quantity_add(&q, &y);
    assert_text(&q, "1048576921600u");
}

TEST(test_quantity__absent_prints_as_zero) {
    struct quantity q = {0};
    assert_text(&q, "0");
    assert_int_equal(quantity_value(&q), 0);
}

TEST(test_quantity__adds_and_subtracts) {
    static const char *const table[][4] = {
        {"1", "2", "3", "-1"},
        {"1.5", "1.5", "3", "0"},
        {"900m", "200m", "1100m", "700m"},
        {"-900m", "200m", "-700m", "-1100m"},
        {"1", "1n", "1000000001n", "999999999n"},
        {"1Gi", "512Mi", "1536Mi", "512Mi"},
        {"1Gi", "1M", "1074741824", "1072741824"},
        {"1Gi", "1Gi", "2Gi", "0"},
        {"1k", "1Ki", "2024", "-24"},
        {"1Ki", "100m", "1024100m", "1023900m"},
        {"0", "1Gi", "1Gi", "-1Gi"},
        {"0", "1e3", "1e3", "-1e3"},
        {"1e3", "0", "1e3", "1e3"},
        {"9E", "9E", "9223372036854775807", "0"},
        {"-9E", "9E", "0", "-9223372036854775807"},
        {"9223372036854775806", "900m", "9223372036854775806900m", "9223372036854775805100m"},
        {"9223372036854775807", "1n", "9223372036854775807", "9223372036854775806999999999n"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct quantity sum = parse(table[i][0]), difference = sum, y = parse(table[i][1]);
        quantity_add(&sum, &y);
        quantity_sub(&difference, &y);
        assert_text(&sum, table[i][2]);
        assert_text(&difference, table[i][3]);
    }
}

TEST(test_quantity__sum_with_absent_is_set) {
    struct quantity sum = {0}, y = parse("1Gi");
    quantity_add(&sum, &y);
    assert_true(sum.set);
    assert_text(&sum, "1Gi");
}

TEST(test_quantity__negates_and_multiplies) {
    struct quantity q = parse("1500m");
    quantity_neg(&q);
    assert_text(&q, "-1500m");
    quantity_mul(&q, 3);
    assert_text(&q, "-4500m");
    quantity_mul(&q, -2);
    assert_text(&q, "9");
    quantity_mul(&q, 0);
    assert_text(&q, "0");
    q = parse("3Gi");
    quantity_mul(&q, 4);
    assert_text(&q, "12Gi");
    quantity_mul(&q, INT64_MIN);
    assert_text(&q, "-9223372036854775807");
    q = parse("1n");
    quantity_mul(&q, INT64_MAX);
    assert_text(&q, "9223372036854775807n");
}

TEST(test_quantity__compares_by_value) {
    static const char *const ascending[] = {
        "-9Ei", "-1Ki",    "-1k", "-1.5", "-1",  "-1m",         "-1n", "0",   "1n",
        "1u",   "999999n", "1m",  "0.5",  "1",   "1.000000001", "1.5", "2",   "1k",
        "1Ki",  "1M",      "1Mi", "1e9",  "1Gi", "1E",          "1Ei", "9Ei",
    };
    for (size_t i = 0; i < COUNT(ascending); i++) {
        for (size_t j = 0; j < COUNT(ascending); j++) {
            struct quantity a = parse(ascending[i]), b = parse(ascending[j]);
            int expected = (i > j) - (i < j);
            assert_int_equal(quantity_cmp(&a, &b), expected);
            assert_int_equal(quantity_equal(&a, &b), expected == 0);
            if (b.nanos == 0)
                assert_int_equal(quantity_cmp_int(&a, b.units), expected);
        }
        struct quantity a = parse(ascending[i]);
        assert_int_equal(quantity_sign(&a), (i > 7) - (i < 7));
        assert_int_equal(quantity_is_zero(&a), i == 7);
    }
    struct quantity a = parse("1024"), b = parse("1Ki");
    assert_true(quantity_equal(&a, &b));
}

TEST(test_quantity__values_round_away_from_zero) {
    static const struct {
        const char *text;
        int64_t value, milli;
    } table[] = {
        {"0", 0, 0},
        {"1", 1, 1000},
        {"1n", 1, 1},
        {"1m", 1, 1},
        {"1.001", 2, 1001},
        {"1.0001", 2, 1001},
        {"1500m", 2, 1500},
        {"-1500m", -2, -1500},
        {"-1n", -1, -1},
        {"1Gi", 1073741824, 1073741824000},
        {"9223372036854775807", INT64_MAX, INT64_MAX},
        {"-9223372036854775807", -INT64_MAX, -INT64_MAX},
        {"9223372036854775.807", 9223372036854776, INT64_MAX},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct quantity q = parse(table[i].text);
        assert_int_equal(quantity_value(&q), table[i].value);
        assert_int_equal(quantity_milli_value(&q), table[i].milli);
    }
}

TEST(test_quantity__scaled_values) {
    struct quantity q = parse("1234.567");
    assert_int_equal(quantity_scaled_value(&q, -9), 1234567000000);
    assert_int_equal(quantity_scaled_value(&q, -6), 1234567000);
    assert_int_equal(quantity_scaled_value(&q, 3), 2);
    assert_int_equal(quantity_scaled_value(&q, 18), 1);
}

TEST(test_quantity__rounds_up_to_scale) {
    static const struct {
        const char *text;
        int scale;
        const char *rounded;
        bool exact;
    } table[] = {
        {"9", 0, "9", true},        {"9", 1, "10", false},
        {"-9", 1, "-10", false},    {"1.1", 0, "2", false},
        {"1.1", -1, "1100m", true}, {"1001u", -3, "2m", false},
        {"1n", 18, "1E", false},    {"0", 3, "0", true},
        {"1500", 3, "2k", false},   {"9223372036854775807", 1, "9223372036854775807", false},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct quantity q = parse(table[i].text);
        assert_int_equal(quantity_round_up(&q, table[i].scale), table[i].exact);
        assert_text(&q, table[i].rounded);
    }
}

TEST(test_quantity__made_from_integers) {
    struct quantity q = quantity_from_int(2048, QUANTITY_BINARY_SI);
    assert_true(q.set);
    assert_text(&q, "2Ki");
    q = quantity_from_int(INT64_MIN, QUANTITY_DECIMAL_SI);
    assert_text(&q, "-9223372036854775807");
    q = quantity_from_milli(-1500, QUANTITY_DECIMAL_SI);
    assert_text(&q, "-1500m");
    q = quantity_from_scaled(5, -9, QUANTITY_DECIMAL_SI);
    assert_text(&q, "5n");
    q = quantity_from_scaled(5, 9, QUANTITY_DECIMAL_SI);
    assert_text(&q, "5G");
    q = quantity_from_scaled(5, 1000000, QUANTITY_DECIMAL_SI);
    assert_text(&q, "9223372036854775807");
    q = quantity_from_scaled(0, 1000000, QUANTITY_DECIMAL_SI);
    assert_text(&q, "0");
}

TEST(test_quantity__whole_numbers) {
    int64_t v = 5;
    struct quantity q = parse("1500m");
    assert_false(quantity_as_int(&q, &v));
    assert_int_equal(v, 5);
    q = parse("2000m");
    assert_true(quantity_as_int(&q, &v));
    assert_int_equal(v, 2);
}

TEST(test_quantity__as_double) {
    static const struct {
        const char *text;
        double value;
    } table[] = {{"0", 0}, {"0.1", 0.1}, {"1.5", 1.5}, {"-250m", -0.25}, {"1Ei", 0x1p60}, {"1n", 1e-9}};
    for (size_t i = 0; i < COUNT(table); i++) {
        struct quantity q = parse(table[i].text);
        assert_true(quantity_as_double(&q) == table[i].value);
    }
}

/* Of any length, so that all branches of rounding and capping are taken. */
static struct quantity random_quantity(struct rand *r) {
    struct quantity q = {.set = true, .format = (uint8_t)rand_below(r, 3)};
    q.units = (int64_t)(rand_u64(r) >> 1 >> rand_below(r, 64));
    q.nanos = rand_chance(r, 0.5) ? (int32_t)(rand_below(r, 1000000000)) : 0;
    if (rand_chance(r, 0.3))
        q.units -= q.units % (INT64_C(1) << 10 * rand_below(r, 7));
    if (rand_chance(r, 0.3))
        q.nanos -= q.nanos % (rand_chance(r, 0.5) ? 1000 : 1000000);
    if (q.units == INT64_MAX)
        q.nanos = 0;
    if (rand_chance(r, 0.5))
        quantity_neg(&q);
    return q;
}

TEST(test_quantity__property_text_reads_back) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    for (int i = 0; i < 20000; i++) {
        struct quantity q = random_quantity(r), back;
        char text[QUANTITY_TEXT_MAX], again[QUANTITY_TEXT_MAX];
        struct err err = ERR_INIT;
        size_t n = quantity_format(&q, text);
        assert_ok(quantity_parse(str_make(text, n), &back, &err), &err);
        assert_true(quantity_equal(&q, &back));
        if (q.format == QUANTITY_BINARY_SI && text[n - 1] != 'i')
            continue; /* a binary amount that takes no suffix comes back as a decimal one */
        assert_int_equal(quantity_format(&back, again), n);
        assert_string_equal(text, again);
    }
}

TEST(test_quantity__property_arithmetic) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed() + 1);
    for (int i = 0; i < 20000; i++) {
        struct quantity a = random_quantity(r), b = random_quantity(r);
        a.units /= 2; /* so that nothing saturates */
        b.units /= 2;
        struct quantity ab = a, ba = b, back;
        quantity_add(&ab, &b);
        quantity_add(&ba, &a);
        assert_true(quantity_equal(&ab, &ba));
        back = ab;
        quantity_sub(&back, &b);
        assert_true(quantity_equal(&back, &a));
        struct quantity difference = a;
        quantity_sub(&difference, &b);
        assert_int_equal(quantity_sign(&difference), quantity_cmp(&a, &b));
        struct quantity twice = a;
        quantity_mul(&twice, 2);
        back = a;
        quantity_add(&back, &a);
        assert_true(quantity_equal(&twice, &back));
    }
}
