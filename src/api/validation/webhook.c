/* How to reach a webhook. See webhook.h. */
#include "api/validation/webhook.h"

#include "api/validation/checks.h"
#include "api/validation/formats.h"
#include "api/validation/seen.h"

static bool has_control(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7F)
            return true;
    return false;
}

void check_webhook_url(struct field_errors *e, const struct field_path *p, struct str url) {
    static const struct str scheme = STR_INIT("https://");
    if (has_control(url)) {
        field_required_because(e, p, "must be a URL of the form https://host[:port]/path");
        return;
    }
    if (!str_has_prefix(url, scheme))
        field_invalid(e, p, bad(url), "'https' is the only allowed URL scheme");
    ptrdiff_t colon = str_find(url, S("://"));
    struct str rest = colon < 0 ? STR_NONE : str_from_byte(url, (size_t)colon + 3), authority = rest;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] == '/' || rest.p[i] == '?' || rest.p[i] == '#') {
            authority = str_cut(rest, i);
            break;
        }
    if (str_empty(authority))
        field_invalid(e, p, bad(url), "must name a host");
    if (str_find_byte(authority, '@') >= 0)
        field_invalid(e, p, bad(url), "must not name a user or password");
    if (str_find_byte(rest, '#') >= 0)
        field_invalid(e, p, bad(url), "must not have a fragment");
    if (str_find_byte(rest, '?') >= 0)
        field_invalid(e, p, bad(url), "must not have a query");
}

/* An absolute path whose parts are DNS subdomains. */
static void check_path(struct field_errors *e, const struct field_path *p, struct str path) {
    struct str rest = str_from_byte(path, 1), part;
    if (!path.p || str_eq(path, S("/")) || str_eq(path, S("//")))
        return;
    if (!str_has_prefix(path, S("/"))) {
        field_invalid(e, p, bad(path), "must start with a '/'");
        return;
    }
    while (!str_empty(rest)) {
        str_split(rest, '/', &part, &rest);
        if (str_empty(part)) {
            field_invalid(e, p, bad(path), "a part of the path is empty");
            return;
        }
        if (name_check_dns1123_subdomain(part, NULL) != 0)
            check_format(e, p, part, name_check_dns1123_subdomain);
    }
}

void check_webhook_service(struct field_errors *e, const struct field_path *p,
                           const struct webhook_service *s) {
    check_required(e, at_field(p, "name"), s->name);
    check_required(e, at_field(p, "namespace"), s->namespace);
    check_path(e, at_field(p, "path"), s->path);
    if (s->port.set)
        check_port(e, at_field(p, "port"), s->port.v);
}

void check_webhook_client(struct field_errors *e, const struct field_path *p, struct str url,
                          const struct webhook_service *service) {
    if (!url.p == !service)
        field_required_because(e, p, "exactly one of url or service is required");
    if (url.p)
        check_webhook_url(e, at_field(p, "url"), url);
    if (service)
        check_webhook_service(e, at_field(p, "service"), service);
}

void check_review_versions(struct field_errors *e, const struct field_path *p,
                           const struct str_array *versions) {
    bool known = false;
    SEEN(seen);
    if (versions->n == 0) {
        field_required_because(e, p, "must name v1 or v1beta1");
        return;
    }
    for (uint32_t i = 0; i < versions->n; i++) {
        struct str version = versions->v[i];
        if (seen_before(&seen, version))
            field_invalid(e, at_index(p, i), bad(version), "duplicate version");
        check_format(e, at_index(p, i), version, name_check_dns1035_label);
        known = known || str_eq(version, S("v1")) || str_eq(version, S("v1beta1"));
    }
    if (!known)
        field_invalid(e, p, bad(versions->v[0]), "must include v1 or v1beta1");
}
