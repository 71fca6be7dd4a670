/* Media types: what a client accepts and sends. See request.h. */
#include <stdlib.h>

#include "apiserver/request.h"

static const struct {
    struct str text;
    enum media_type media;
} types[] = {
    {STR_INIT("application/json"), MEDIA_JSON},
    {STR_INIT("application/yaml"), MEDIA_YAML},
    {STR_INIT("application/vnd.kubernetes.protobuf"), MEDIA_PROTO},
    {STR_INIT("application/json-patch+json"), MEDIA_PATCH_JSON},
    {STR_INIT("application/merge-patch+json"), MEDIA_PATCH_MERGE},
    {STR_INIT("application/strategic-merge-patch+json"), MEDIA_PATCH_STRATEGIC},
    {STR_INIT("application/apply-patch+yaml"), MEDIA_PATCH_APPLY},
};

#define TYPES (sizeof types / sizeof *types)

static enum media_type find_media(struct str text) {
    for (size_t i = 0; i < TYPES; i++)
        if (str_eq_nocase(types[i].text, text))
            return types[i].media;
    return MEDIA_NONE;
}

struct str media_text(enum media_type m) {
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].media == m)
            return types[i].text;
    return S("");
}

enum media_type body_media(struct str content_type) {
    struct str type, parameters;
    str_split(content_type, ';', &type, &parameters);
    type = str_trim(type);
    return type.n ? find_media(type) : MEDIA_JSON;
}

/* One range of an Accept header with its parameters. */
struct range {
    struct str type;
    struct str as, v, g;
    unsigned quality; /* thousandths */
    bool indent;
};

/* CONFORMS: RFC 9110 12.4.2: 0 to 1 with at most three decimals; malformed counts as 1. */
static unsigned read_quality(struct str s) {
    unsigned q = 1000, scale = 100;
    if (s.n == 0 || (s.p[0] != '0' && s.p[0] != '1') || s.n > 5 || (s.n > 1 && s.p[1] != '.'))
        return q;
    q = s.p[0] == '1' ? 1000 : 0;
    for (size_t i = 2; i < s.n; i++, scale /= 10) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 1000;
        q += (unsigned)(s.p[i] - '0') * scale;
    }
    return q > 1000 ? 1000 : q;
}

static struct range read_range(struct str text) {
    struct range r = {.quality = 1000};
    struct str parameter, key, value;
    str_split(text, ';', &r.type, &text);
    r.type = str_trim(r.type);
    while (text.n) {
        str_split(text, ';', &parameter, &text);
        str_split(parameter, '=', &key, &value);
        key = str_trim(key);
        value = str_trim(value);
        if (str_eq_nocase(key, S("q")))
            r.quality = read_quality(value);
        else if (str_eq(key, S("as")))
            r.as = value;
        else if (str_eq(key, S("v")))
            r.v = value;
        else if (str_eq(key, S("g")))
            r.g = value;
        else if (str_eq(key, S("pretty")))
            r.indent = str_eq(value, S("1")) || str_eq(value, S("true"));
    }
    return r;
}

/* False: a form that is not made. */
static bool read_form(const struct range *r, bool transforms, enum response_form *ret_form) {
    *ret_form = RESPONSE_OBJECT;
    if (r->as.n == 0)
        return true;
    if (!transforms || !str_eq(r->g, S("meta.k8s.io")) || !str_eq(r->v, S("v1")))
        return false;
    if (str_eq(r->as, S("Table")))
        *ret_form = RESPONSE_TABLE;
    else if (str_eq(r->as, S("PartialObjectMetadata")))
        *ret_form = RESPONSE_PARTIAL;
    else if (str_eq(r->as, S("PartialObjectMetadataList")))
        *ret_form = RESPONSE_PARTIAL_LIST;
    else
        return false;
    return true;
}

static bool read_media(struct str type, bool watch, enum media_type *ret_media) {
    if (str_eq(type, S("*/*")) || str_eq(type, S("application/*"))) {
        *ret_media = MEDIA_JSON;
        return true;
    }
    *ret_media = find_media(type);
    return *ret_media == MEDIA_JSON || *ret_media == MEDIA_PROTO || (*ret_media == MEDIA_YAML && !watch);
}

bool accept_negotiate(struct str header, bool transforms, bool watch, struct accept *ret_accept) {
    struct accept best = {.media = MEDIA_JSON};
    unsigned quality = 0;
    if (str_trim(header).n == 0) {
        *ret_accept = best;
        return true;
    }
    while (header.n) {
        struct str text;
        str_split(header, ',', &text, &header);
        struct range r = read_range(text);
        struct accept a = {.indent = r.indent};
        if (r.quality > quality && read_media(r.type, watch, &a.media) &&
            read_form(&r, transforms, &a.form)) {
            best = a;
            quality = r.quality;
        }
    }
    if (quality)
        *ret_accept = best;
    return quality > 0;
}
