/* Formats of names, domains and label keys. See name.h. */
#include "api/name.h"

#include "api/name_priv.h"
#include "base/err.h"

/* Every text is a literal, put together here, since the parts of a qualified name repeat what is said of the
 * whole. */
#define PATTERN(text, pattern, examples) text " (" examples "regex used for validation is '" pattern "')"

#define LABEL "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define SUBDOMAIN LABEL "(\\." LABEL ")*"
#define UNDERSCORE_LABEL "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
#define QUALIFIED "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

#define TEXT_LABEL                                                                                           \
    PATTERN("a lowercase RFC 1123 label must consist of lower case letters, digits or '-', and must begin "  \
            "and end with a letter or digit",                                                                \
            LABEL, "e.g. 'web', or '0-db', ")
#define TEXT_SUBDOMAIN                                                                                       \
    PATTERN("a lowercase RFC 1123 subdomain must consist of lower case letters, digits, '-' or '.', and "    \
            "each of its parts must begin and end with a letter or digit",                                   \
            SUBDOMAIN, "e.g. 'example.com', or 'web-0', ")
#define TEXT_UNDERSCORE                                                                                      \
    PATTERN("a lowercase RFC 1123 subdomain must consist of lower case letters, digits, '-', '_' or '.', "   \
            "and each of its parts must begin with a letter, digit or '_' and end with a letter or digit",   \
            UNDERSCORE_LABEL "(\\." UNDERSCORE_LABEL ")*", "e.g. '_tcp.example.com', ")
#define TEXT_1035                                                                                            \
    PATTERN("a DNS-1035 label must consist of lower case letters, digits or '-', must begin with a letter, " \
            "and must end with a letter or digit",                                                           \
            "[a-z]([-a-z0-9]*[a-z0-9])?", "e.g. 'web', or 'db-0', ")
#define TEXT_WILDCARD                                                                                        \
    PATTERN("a wildcard DNS-1123 subdomain must begin with '*.', followed by a valid DNS subdomain, which "  \
            "must consist of lower case letters, digits, '-' or '.'",                                        \
            "\\*\\." SUBDOMAIN, "e.g. '*.example.com', ")
#define TEXT_QUALIFIED                                                                                       \
    PATTERN("must consist of letters, digits, '-', '_' or '.', and must begin and end with a letter or "     \
            "digit",                                                                                         \
            QUALIFIED, "e.g. 'Tier', or 'app.part', or '1-a', ")
#define TEXT_LABEL_VALUE                                                                                     \
    PATTERN("a valid label must be an empty string or consist of letters, digits, '-', '_' or '.', and "     \
            "must begin and end with a letter or digit",                                                     \
            "(" QUALIFIED ")?", "e.g. 'blue', or 'v1.2', or '12345', ")
#define TEXT_PATH                                                                                            \
    PATTERN("must have a valid path behind the domain", "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+",                  \
            "e.g. 'foo/bar', ")

#define TEXT_MAX_63 "must be no more than 63 bytes"
#define TEXT_MAX_253 "must be no more than 253 bytes"
#define TEXT_EMPTY "must be non-empty"

#define L CHAR_LOWER
#define U CHAR_UPPER
const unsigned char name_char_classes[256] = {
    ['a'] = L,          ['b'] = L,          ['c'] = L,          ['d'] = L,          ['e'] = L,
    ['f'] = L,          ['g'] = L,          ['h'] = L,          ['i'] = L,          ['j'] = L,
    ['k'] = L,          ['l'] = L,          ['m'] = L,          ['n'] = L,          ['o'] = L,
    ['p'] = L,          ['q'] = L,          ['r'] = L,          ['s'] = L,          ['t'] = L,
    ['u'] = L,          ['v'] = L,          ['w'] = L,          ['x'] = L,          ['y'] = L,
    ['z'] = L,          ['A'] = U,          ['B'] = U,          ['C'] = U,          ['D'] = U,
    ['E'] = U,          ['F'] = U,          ['G'] = U,          ['H'] = U,          ['I'] = U,
    ['J'] = U,          ['K'] = U,          ['L'] = U,          ['M'] = U,          ['N'] = U,
    ['O'] = U,          ['P'] = U,          ['Q'] = U,          ['R'] = U,          ['S'] = U,
    ['T'] = U,          ['U'] = U,          ['V'] = U,          ['W'] = U,          ['X'] = U,
    ['Y'] = U,          ['Z'] = U,          ['0'] = CHAR_DIGIT, ['1'] = CHAR_DIGIT, ['2'] = CHAR_DIGIT,
    ['3'] = CHAR_DIGIT, ['4'] = CHAR_DIGIT, ['5'] = CHAR_DIGIT, ['6'] = CHAR_DIGIT, ['7'] = CHAR_DIGIT,
    ['8'] = CHAR_DIGIT, ['9'] = CHAR_DIGIT, ['-'] = CHAR_DASH,  ['.'] = CHAR_DOT,   ['_'] = CHAR_UNDERSCORE,
};
#undef L
#undef U

int name_error(struct name_errors *errors, struct str message) {
    if (errors && errors->n < NAME_ERRORS_MAX)
        errors->v[errors->n++] = message;
    return ERR_INVALID;
}

bool name_is_dns1123_label(struct str s) {
    return is_framed(s, CHAR_LOWER_ALNUM, CHAR_LOWER_ALNUM | CHAR_DASH, CHAR_LOWER_ALNUM);
}

bool name_is_dns1123_subdomain(struct str s) {
    return are_parts(s, '.', name_is_dns1123_label);
}

int name_check_dns1123_label(struct str s, struct name_errors *errors) {
    int rc = 0;
    if (s.n > NAME_DNS_LABEL_MAX)
        rc = name_error(errors, S(TEXT_MAX_63));
    if (!name_is_dns1123_label(s))
        rc = name_error(errors, S(TEXT_LABEL));
    return rc;
}

/* CONFORMS: a subdomain is limited as a whole, its labels are not. */
int name_check_dns1123_subdomain(struct str s, struct name_errors *errors) {
    int rc = 0;
    if (s.n > NAME_DNS_SUBDOMAIN_MAX)
        rc = name_error(errors, S(TEXT_MAX_253));
    if (!name_is_dns1123_subdomain(s))
        rc = name_error(errors, S(TEXT_SUBDOMAIN));
    return rc;
}

static bool is_underscore_label(struct str s) {
    if (s.n && s.p[0] == '_')
        s = str_from_byte(s, 1);
    return is_framed(s, CHAR_LOWER_ALNUM, CHAR_LOWER_ALNUM | CHAR_DASH | CHAR_UNDERSCORE, CHAR_LOWER_ALNUM);
}

int name_check_dns1123_subdomain_underscore(struct str s, struct name_errors *errors) {
    int rc = 0;
    if (s.n > NAME_DNS_SUBDOMAIN_MAX)
        rc = name_error(errors, S(TEXT_MAX_253));
    if (!are_parts(s, '.', is_underscore_label))
        rc = name_error(errors, S(TEXT_UNDERSCORE));
    return rc;
}

int name_check_dns1035_label(struct str s, struct name_errors *errors) {
    int rc = 0;
    if (s.n > NAME_DNS_LABEL_MAX)
        rc = name_error(errors, S(TEXT_MAX_63));
    if (!is_framed(s, CHAR_LOWER, CHAR_LOWER_ALNUM | CHAR_DASH, CHAR_LOWER_ALNUM))
        rc = name_error(errors, S(TEXT_1035));
    return rc;
}

int name_check_wildcard_dns1123_subdomain(struct str s, struct name_errors *errors) {
    int rc = 0;
    if (s.n > NAME_DNS_SUBDOMAIN_MAX)
        rc = name_error(errors, S(TEXT_MAX_253));
    if (!str_has_prefix(s, S("*.")) || !name_is_dns1123_subdomain(str_from_byte(s, 2)))
        rc = name_error(errors, S(TEXT_WILDCARD));
    return rc;
}

int name_check_path_segment(struct str s, struct name_errors *errors) {
    if (str_eq(s, S(".")))
        return name_error(errors, S("may not be '.'"));
    if (str_eq(s, S("..")))
        return name_error(errors, S("may not be '..'"));
    int rc = 0;
    if (str_find_byte(s, '/') >= 0)
        rc = name_error(errors, S("may not contain '/'"));
    if (str_find_byte(s, '%') >= 0)
        rc = name_error(errors, S("may not contain '%'"));
    return rc;
}

/* CONFORMS: a dash at the end of a prefix, and what stands before it, count as a letter. */
int name_check_prefix(name_check_fn rule, struct str prefix, struct name_errors *errors) {
    char masked[NAME_DNS_SUBDOMAIN_MAX + 1]; /* a longer prefix is too long, if there is a limit at all */
    if (prefix.n < 2 || prefix.p[prefix.n - 1] != '-')
        return rule(prefix, errors);
    size_t n = prefix.n - 1;
    if (n > sizeof masked)
        return rule(str_cut(prefix, n), errors);
    memcpy(masked, prefix.p, n);
    masked[n - 1] = 'a';
    return rule(str_make(masked, n), errors);
}

static size_t count_labels(struct str s) {
    size_t n = 1;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '.';
    return n;
}

int name_check_fully_qualified_name(struct str s, struct name_errors *errors) {
    int rc = name_check_dns1123_subdomain(s, errors);
    if (!rc && count_labels(s) < 3)
        rc = name_error(errors, S("must be a domain of at least three parts separated by dots"));
    return rc;
}

int name_check_fully_qualified_domain(struct str s, struct name_errors *errors) {
    if (s.n && s.p[s.n - 1] == '.')
        s.n--;
    int rc = name_check_dns1123_subdomain(s, errors);
    if (rc)
        return rc;
    if (count_labels(s) < 2)
        return name_error(errors, S("must be a domain of at least two parts separated by dots"));
    struct str label;
    bool more;
    do {
        more = str_split(s, '.', &label, &s);
        if (name_check_dns1123_label(label, NULL))
            rc = name_error(errors, S("each part of a domain " TEXT_MAX_63));
    } while (more && !rc);
    return rc;
}

static bool is_http_path(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!char_is(s.p[i], CHAR_ALNUM) && (!s.p[i] || !strchr("/-._~%!$&'()*+,;=:", s.p[i])))
            return false;
    return s.n > 0;
}

int name_check_domain_prefixed_path(struct str s, struct name_errors *errors) {
    struct str domain, path;
    (void)str_split(s, '/', &domain, &path);
    if (!domain.n || !path.n)
        return name_error(errors, S("must be a path that begins with a domain (such as \"acme.io/foo\")"));
    int rc = name_check_dns1123_subdomain(domain, errors);
    if (!is_http_path(path))
        rc = name_error(errors, S(TEXT_PATH));
    return rc;
}

static int check_qualified_prefix(struct str prefix, struct name_errors *errors) {
    if (!prefix.n)
        return name_error(errors, S("prefix part " TEXT_EMPTY));
    int rc = 0;
    if (prefix.n > NAME_DNS_SUBDOMAIN_MAX)
        rc = name_error(errors, S("prefix part " TEXT_MAX_253));
    if (!name_is_dns1123_subdomain(prefix))
        rc = name_error(errors, S("prefix part " TEXT_SUBDOMAIN));
    return rc;
}

static bool is_qualified_part(struct str s) {
    return is_framed(s, CHAR_ALNUM, CHAR_ALNUM | CHAR_DASH | CHAR_UNDERSCORE | CHAR_DOT, CHAR_ALNUM);
}

int name_check_qualified(struct str s, struct name_errors *errors) {
    struct str prefix, name;
    int rc = 0;
    if (!str_split(s, '/', &prefix, &name))
        name = s;
    else if (str_find_byte(name, '/') >= 0)
        return name_error(errors, S("a qualified name " TEXT_QUALIFIED
                                    ", with a DNS subdomain and '/' in front if need be (e.g. "
                                    "'example.com/Tier')"));
    else
        rc = check_qualified_prefix(prefix, errors);
    if (!name.n)
        rc = name_error(errors, S("name part " TEXT_EMPTY));
    else if (name.n > NAME_LABEL_MAX)
        rc = name_error(errors, S("name part " TEXT_MAX_63));
    if (!is_qualified_part(name))
        rc = name_error(errors, S("name part " TEXT_QUALIFIED));
    return rc;
}

int name_check_label_value(struct str s, struct name_errors *errors) {
    int rc = 0;
    if (s.n > NAME_LABEL_MAX)
        rc = name_error(errors, S(TEXT_MAX_63));
    if (s.n && !is_qualified_part(s))
        rc = name_error(errors, S(TEXT_LABEL_VALUE));
    return rc;
}

/* CONFORMS: upper case is allowed in the domain of an annotation key too. */
int name_check_annotation_key(struct str s, struct name_errors *errors) {
    char lower[2 * (NAME_DNS_SUBDOMAIN_MAX + NAME_LABEL_MAX)]; /* a longer key stays too long when cut */
    size_t n = s.n < sizeof lower ? s.n : sizeof lower;
    for (size_t i = 0; i < n; i++)
        lower[i] = (char)(char_is(s.p[i], CHAR_UPPER) ? s.p[i] | 0x20 : s.p[i]);
    return name_check_qualified(str_make(lower, n), errors);
}
