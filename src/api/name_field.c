/* Formats of fields other than names of objects. See name.h. */
#include "api/name.h"

#include "api/name_priv.h"
#include "base/err.h"

#define PORT_NAME_MAX 15
#define CONFIG_KEY_MAX 253
#define SYSCTL_MAX 253
#define CONDITION_REASON_MAX 1024
#define NODE_FEATURE_MAX 253

int name_check_env_name(struct str s, struct name_errors *errors) {
    if (!s.n)
        return name_error(errors, S("environment variable name must be non-empty"));
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~' || s.p[i] == '=')
            return name_error(errors, S("a valid environment variable name must consist of printable ASCII "
                                        "characters other than '='"));
    return 0;
}

/* What keeps a key from leading out of the directory it becomes a file in. */
static int check_no_parent_prefix(struct str s, struct name_errors *errors) {
    if (str_eq(s, S(".")))
        return name_error(errors, S("must not be '.'"));
    if (str_eq(s, S("..")))
        return name_error(errors, S("must not be '..'"));
    if (str_has_prefix(s, S("..")))
        return name_error(errors, S("must not start with '..'"));
    return 0;
}

int name_check_env_name_strict(struct str s, struct name_errors *errors) {
    int rc = 0;
    int first = CHAR_ALPHA | CHAR_DASH | CHAR_DOT | CHAR_UNDERSCORE, rest = first | CHAR_DIGIT;
    if (!is_framed(s, first, rest, rest))
        rc = name_error(errors, S("a valid environment variable name must consist of letters, digits, '_', "
                                  "'-' or '.', and must not begin with a digit (e.g. 'PATH', or "
                                  "'my.name_1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')"));
    int dots = check_no_parent_prefix(s, errors);
    return rc ? rc : dots;
}

int name_check_config_key(struct str s, struct name_errors *errors) {
    int rc = 0, any = CHAR_ALNUM | CHAR_DASH | CHAR_DOT | CHAR_UNDERSCORE;
    if (s.n > CONFIG_KEY_MAX)
        rc = name_error(errors, S("must be no more than 253 bytes"));
    if (!is_framed(s, any, any, any))
        rc = name_error(errors, S("a valid config key must consist of letters, digits, '-', '_' or '.' (e.g. "
                                  "'app.conf', or 'KEY_1', regex used for validation is "
                                  "'[-._a-zA-Z0-9]+')"));
    int dots = check_no_parent_prefix(s, errors);
    return rc ? rc : dots;
}

/* CONFORMS: RFC 6335, 5.1, lower case only. */
int name_check_port_name(struct str s, struct name_errors *errors) {
    int rc = 0, any = CHAR_LOWER_ALNUM | CHAR_DASH;
    if (s.n > PORT_NAME_MAX)
        rc = name_error(errors, S("must be no more than 15 bytes"));
    if (!is_framed(s, any, any, any))
        rc = name_error(errors, S("must contain only lower case letters, digits and '-'"));
    bool letter = false;
    for (size_t i = 0; i < s.n; i++)
        letter |= char_is(s.p[i], CHAR_LOWER);
    if (!letter)
        rc = name_error(errors, S("must contain at least one letter (a-z)"));
    if (str_find(s, S("--")) >= 0)
        rc = name_error(errors, S("must not contain two '-' in a row"));
    if (s.n && (s.p[0] == '-' || s.p[s.n - 1] == '-'))
        rc = name_error(errors, S("must not begin or end with '-'"));
    return rc;
}

int name_check_port_number(int64_t port, struct name_errors *errors) {
    return port >= 1 && port <= 65535 ? 0 : name_error(errors, S("must be between 1 and 65535, inclusive"));
}

int name_check_user_id(int64_t id, struct name_errors *errors) {
    return id >= 0 && id <= INT32_MAX ? 0
                                      : name_error(errors, S("must be between 0 and 2147483647, inclusive"));
}

int name_check_http_header(struct str s, struct name_errors *errors) {
    int any = CHAR_ALNUM | CHAR_DASH;
    if (is_framed(s, any, any, any))
        return 0;
    return name_error(errors, S("a valid HTTP header must consist of letters, digits or '-' (e.g. "
                                "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"));
}

int name_check_percent(struct str s, struct name_errors *errors) {
    if (s.n > 1 && s.p[s.n - 1] == '%' && chars_are(str_cut(s, s.n - 1), CHAR_DIGIT))
        return 0;
    return name_error(errors, S("a valid percentage is a number followed by '%' (e.g. '1%', or '93%', "
                                "regex used for validation is '[0-9]+%')"));
}

int name_check_c_identifier(struct str s, struct name_errors *errors) {
    int first = CHAR_ALPHA | CHAR_UNDERSCORE, rest = CHAR_ALNUM | CHAR_UNDERSCORE;
    if (is_framed(s, first, rest, rest))
        return 0;
    return name_error(errors, S("a valid C identifier must begin with a letter or '_', followed by letters, "
                                "digits or '_' (e.g. 'my_name', or 'MyName', regex used for validation is "
                                "'[A-Za-z_][A-Za-z0-9_]*')"));
}

/* CONFORMS: the expression language's grammar: words that name no variable. */
static bool is_cel_reserved(struct str s) {
    static const struct str words[] = {
        STR_INIT("true"),     STR_INIT("false"),     STR_INIT("null"),     STR_INIT("in"),   STR_INIT("as"),
        STR_INIT("break"),    STR_INIT("const"),     STR_INIT("continue"), STR_INIT("else"), STR_INIT("for"),
        STR_INIT("function"), STR_INIT("if"),        STR_INIT("import"),   STR_INIT("let"),  STR_INIT("loop"),
        STR_INIT("package"),  STR_INIT("namespace"), STR_INIT("return"),   STR_INIT("var"),  STR_INIT("void"),
        STR_INIT("while"),
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq(s, words[i]))
            return true;
    return false;
}

int name_check_cel_identifier(struct str s, struct name_errors *errors) {
    if (name_check_c_identifier(s, NULL))
        return name_error(errors, S("a valid CEL identifier must begin with a letter or '_', followed by "
                                    "letters, digits or '_' (regex used for validation is "
                                    "'[_a-zA-Z][_a-zA-Z0-9]*')"));
    if (is_cel_reserved(s))
        return name_error(errors, S("must not be a reserved word of CEL"));
    return 0;
}

static bool is_sysctl_part(struct str s) {
    return is_framed(s, CHAR_LOWER_ALNUM, CHAR_LOWER_ALNUM | CHAR_DASH | CHAR_UNDERSCORE, CHAR_LOWER_ALNUM);
}

static bool is_sysctl_slash_part(struct str s) {
    return are_parts(s, '.', is_sysctl_part);
}

int name_check_sysctl(struct str s, struct name_errors *errors) {
    int rc = 0;
    if (s.n > SYSCTL_MAX)
        rc = name_error(errors, S("must be no more than 253 bytes"));
    if (!are_parts(s, '/', is_sysctl_slash_part))
        rc = name_error(errors, S("must have the pattern of a sysctl (e.g. 'kernel.shmmax', or "
                                  "'net/ipv4/conf/eth0.1/forwarding', regex used for validation is "
                                  "'([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?'"
                                  ")"));
    return rc;
}

int name_check_condition_reason(struct str s, struct name_errors *errors) {
    int rc = 0;
    if (s.n > CONDITION_REASON_MAX)
        rc = name_error(errors, S("must be no more than 1024 bytes"));
    bool ok = s.n && char_is(s.p[0], CHAR_ALPHA) && char_is(s.p[s.n - 1], CHAR_ALNUM | CHAR_UNDERSCORE);
    for (size_t i = 0; i < s.n && ok; i++)
        ok = char_is(s.p[i], CHAR_ALNUM | CHAR_UNDERSCORE) || s.p[i] == ',' || s.p[i] == ':';
    if (!ok)
        rc = name_error(errors, S("a condition reason must begin with a letter, followed by letters, digits, "
                                  "'_', ',' or ':', and must not end with ',' or ':' (e.g. 'MinimumReached', "
                                  "or 'Reason_A:B', regex used for validation is "
                                  "'[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"));
    return rc;
}

static bool is_feature_part(struct str s) {
    return is_framed(s, CHAR_ALPHA, CHAR_ALNUM, CHAR_ALNUM);
}

int name_check_node_feature(struct str s, struct name_errors *errors) {
    int rc = 0;
    if (s.n > NODE_FEATURE_MAX)
        rc = name_error(errors, S("must be no more than 253 bytes"));
    if (!s.n || !char_is(s.p[0], CHAR_UPPER) || !are_parts(s, '/', is_feature_part))
        rc = name_error(errors, S("a node feature must consist of words of letters and digits, separated by "
                                  "'/', the first of which begins with an upper case letter (e.g. "
                                  "'GuestOS/Fast', regex used for validation is "
                                  "'[A-Z][a-zA-Z0-9]*(\\/[a-zA-Z][a-zA-Z0-9]*)*')"));
    return rc;
}

/* iqn.<year>-<month>.<domain>:<anything but separators> */
static bool is_iqn(struct str s) {
    static const char date[] = "iqn.dddd-dd.";
    size_t n = sizeof date - 1;
    if (s.n < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (date[i] == 'd' ? !char_is(s.p[i], CHAR_DIGIT) : s.p[i] != date[i])
            return false;
    struct str domain, rest;
    if (!str_split(str_from_byte(s, n), ':', &domain, &rest) || !domain.n || !rest.n)
        return false;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] && strchr(",;*&$| \t\n\f\r", rest.p[i]))
            return false;
    return chars_are(domain, CHAR_ALNUM | CHAR_DASH | CHAR_DOT);
}

int name_check_iscsi_name(struct str s, struct name_errors *errors) {
    struct str rest = str_from_byte(s, 4);
    bool ok = is_iqn(s) || (str_has_prefix(s, S("eui.")) && rest.n == 16 && chars_are(rest, CHAR_ALNUM)) ||
              (str_has_prefix(s, S("naa.")) && rest.n == 32 && chars_are(rest, CHAR_ALNUM));
    return ok ? 0
              : name_error(errors, S("must be the name of an iSCSI node (e.g. "
                                     "'iqn.2001-04.com.example:storage.disk', 'eui.02004567A425678D', or "
                                     "'naa.' with 32 digits)"));
}

int name_check_absolute_path(struct str s, struct name_errors *errors) {
    return str_has_prefix(s, S("/")) ? 0 : name_error(errors, S("must be an absolute path"));
}

int name_check_no_backsteps(struct str s, struct name_errors *errors) {
    struct str part;
    bool more;
    do {
        more = str_split(s, '/', &part, &s);
        if (str_eq(part, S("..")))
            return name_error(errors, S("must not contain '..'"));
    } while (more);
    return 0;
}

int name_check_local_path(struct str s, struct name_errors *errors) {
    int rc = 0;
    if (str_has_prefix(s, S("/")))
        rc = name_error(errors, S("must be a relative path"));
    int dots = name_check_no_backsteps(s, errors);
    return rc ? rc : dots;
}
