/* Formats as field errors. See formats.h. */
#include "api/validation/formats.h"

#include "api/ip.h"
#include "api/validation/checks.h"
#include "api/validation/seen.h"

#define CSI_DRIVER_BYTES_MAX 63
#define SIGNER_NAME_BYTES_MAX 571

static void report(struct field_errors *e, const struct field_path *p, struct bad_value value,
                   const struct name_errors *found) {
    for (uint32_t i = 0; i < found->n; i++)
        field_invalid(e, p, value, "%.*s", STR_ARG(found->v[i]));
}

bool check_format(struct field_errors *e, const struct field_path *p, struct str s, name_check_fn format) {
    if (format(s, NULL) == 0)
        return true;
    struct name_errors found = NAME_ERRORS_INIT;
    (void)format(s, &found);
    report(e, p, bad(s), &found);
    return false;
}

bool check_optional_format(struct field_errors *e, const struct field_path *p, struct str s,
                           name_check_fn format) {
    return str_empty(s) || check_format(e, p, s, format);
}

bool check_required_format(struct field_errors *e, const struct field_path *p, struct str s,
                           name_check_fn format) {
    return check_required(e, p, s) && check_format(e, p, s, format);
}

bool check_local_path(struct field_errors *e, const struct field_path *p, struct str path) {
    return check_format(e, p, path, name_check_local_path);
}

bool check_local_unreserved_path(struct field_errors *e, const struct field_path *p, struct str path) {
    bool local = check_local_path(e, p, path);
    if (!str_has_prefix(path, S("..")) || str_eq(path, S("..")) || str_has_prefix(path, S("../")))
        return local;
    field_invalid(e, p, bad(path), "must not start with '..'");
    return false;
}

bool check_port_or_name(struct field_errors *e, const struct field_path *p, struct int_or_string port) {
    if (port.is_str)
        return check_format(e, p, port.s, name_check_port_name);
    return check_port(e, p, port.i);
}

bool check_user_id(struct field_errors *e, const struct field_path *p, int64_t id) {
    if (name_check_user_id(id, NULL) == 0)
        return true;
    struct name_errors found = NAME_ERRORS_INIT;
    (void)name_check_user_id(id, &found);
    report(e, p, bad(id), &found);
    return false;
}

bool check_csi_driver(struct field_errors *e, const struct field_path *p, struct str s) {
    if (!check_required(e, p, s))
        return false;
    if (!check_max_bytes(e, p, s, CSI_DRIVER_BYTES_MAX))
        return false;
    char lower[CSI_DRIVER_BYTES_MAX];
    for (size_t i = 0; i < s.n; i++)
        lower[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
    return check_format(e, p, str_make(lower, s.n), name_check_dns1123_subdomain);
}

/* CONFORMS: signer names: a domain of two labels or more, a slash, a subdomain of at least one label. */
bool check_signer_name(struct field_errors *e, const struct field_path *p, struct str s) {
    struct str domain, path;
    if (!check_required(e, p, s))
        return false;
    if (!str_split(s, '/', &domain, &path) || str_find_byte(path, '/') >= 0) {
        field_invalid(e, p, bad(s), "must be a domain and a path, like 'example.com/signer'");
        return false;
    }
    bool fine = check_format(e, p, domain, name_check_dns1123_subdomain);
    if (str_find_byte(domain, '.') < 0) {
        field_invalid(e, p, bad(s), "must have a domain of at least two parts");
        fine = false;
    }
    fine = check_format(e, p, path, name_check_dns1123_subdomain) && fine;
    return check_max_bytes(e, p, s, SIGNER_NAME_BYTES_MAX) && fine;
}

/* ---- addresses ---- */

typedef int (*address_check_fn)(struct str text, enum ip_form form, struct name_errors *errors);

static bool check_address(struct field_errors *e, const struct field_path *p, struct str text,
                          address_check_fn check) {
    if (check(text, IP_STRICT, NULL) == 0)
        return true;
    struct name_errors found = NAME_ERRORS_INIT;
    (void)check(text, IP_STRICT, &found);
    report(e, p, bad(text), &found);
    return false;
}

bool check_ip(struct field_errors *e, const struct field_path *p, struct str ip) {
    return check_address(e, p, ip, ip_check);
}

bool check_cidr(struct field_errors *e, const struct field_path *p, struct str cidr) {
    return check_address(e, p, cidr, cidr_check);
}

bool check_ip_or_old(struct field_errors *e, const struct field_path *p, struct str ip, struct str old) {
    if (old.p && str_eq(ip, old) && ip_check(ip, IP_LEGACY, NULL) == 0)
        return true;
    return check_ip(e, p, ip);
}

/* What is strict is fine; the rest must be legacy and have been there. */
static void check_addresses(struct field_errors *e, const struct field_path *p, const struct str_array *list,
                            const struct str_array *old, address_check_fn check) {
    SEEN(known);
    bool collected = false;
    for (uint32_t i = 0; i < list->n; i++) {
        struct str text = list->v[i];
        if (check(text, IP_STRICT, NULL) == 0)
            continue;
        for (uint32_t k = 0; old && !collected && k < old->n; k++)
            (void)seen_before(&known, old->v[k]);
        collected = true;
        if (check(text, IP_LEGACY, NULL) != 0 || !seen_has(&known, (struct seen_key){{text}}))
            (void)check_address(e, at_index(p, i), text, check);
    }
}

void check_ips(struct field_errors *e, const struct field_path *p, const struct str_array *ips,
               const struct str_array *old) {
    check_addresses(e, p, ips, old, ip_check);
}

void check_cidrs(struct field_errors *e, const struct field_path *p, const struct str_array *cidrs,
                 const struct str_array *old) {
    check_addresses(e, p, cidrs, old, cidr_check);
}
