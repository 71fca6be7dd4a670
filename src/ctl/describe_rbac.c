/* Roles, their bindings, and requests for certificates. See describe.h. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/vec.h"
#include "ctl/describe.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

/* -- rules -- */

/* What is allowed of one resource (and one name), or of one URL. */
struct rule {
    struct str group, resource, name, url;
    struct str verbs; /* apart by spaces */
    struct str order; /* by which rules are sorted */
};

struct rules {
    struct describing *d;
    VEC(struct rule) all;
};

/* CONFORMS: verbs of the same resource and name stand together; those of URLs do not. */
static void add_rule(struct rules *x, struct rule r) {
    struct arena *a = &x->d->c->arena;
    vec_foreach (e, &x->all)
        if (!r.url.n && !e->url.n && str_eq(e->group, r.group) && str_eq(e->resource, r.resource) &&
            str_eq(e->name, r.name)) {
            e->verbs = arena_printf(a, "%.*s %.*s", STR_ARG(e->verbs), STR_ARG(r.verbs));
            return;
        }
    vec_push_in(a, &x->all, r);
}

static struct str item(const struct jval *list, uint32_t i) {
    return list && i < list->n && list->items[i].kind == J_STRING ? jval_as_str(&list->items[i]) : S("");
}

static uint32_t count(const struct jval *list) {
    return list ? list->n : 0;
}

static void break_down(struct rules *x, const struct jval *rule) {
    const struct jval *groups = object_array(rule, "apiGroups"), *resources = object_array(rule, "resources"),
                      *names = object_array(rule, "resourceNames"), *verbs = object_array(rule, "verbs"),
                      *urls = object_array(rule, "nonResourceURLs");
    uint32_t n_names = count(names) ? count(names) : 1;
    for (uint32_t g = 0; g < count(groups); g++)
        for (uint32_t r = 0; r < count(resources); r++)
            for (uint32_t v = 0; v < count(verbs); v++)
                for (uint32_t n = 0; n < n_names; n++)
                    add_rule(x, (struct rule){.group = item(groups, g),
                                              .resource = item(resources, r),
                                              .name = item(names, n),
                                              .verbs = item(verbs, v)});
    for (uint32_t u = 0; u < count(urls); u++)
        for (uint32_t v = 0; v < count(verbs); v++)
            add_rule(x, (struct rule){.url = item(urls, u), .verbs = item(verbs, v)});
}

static int by_order(const void *a, const void *b) {
    const struct rule *x = a, *y = b;
    return str_cmp(x->order, y->order);
}

static void put_rules(struct describing *d) {
    struct rules x = {.d = d};
    const struct jval *rules = object_array(d->o, "rules");
    for (uint32_t i = 0; rules && i < rules->n; i++)
        break_down(&x, &rules->items[i]);
    vec_foreach (r, &x.all)
        r->order = arena_printf(
            &d->c->arena, "Verbs:[%.*s],APIGroups:[%.*s],Resources:[%.*s],Names:[%.*s],URLs:[%.*s]",
            STR_ARG(r->verbs), STR_ARG(r->group), STR_ARG(r->resource), STR_ARG(r->name), STR_ARG(r->url));
    if (x.all.n)
        qsort(x.all.v, x.all.n, sizeof *x.all.v, by_order);
    d_put(d, 0, "PolicyRule:\n");
    d_put(d, 1, "Resources\tNon-Resource URLs\tResource Names\tVerbs\n");
    d_put(d, 1, "---------\t-----------------\t--------------\t-----\n");
    vec_foreach (r, &x.all) {
        struct str resource, sub;
        bool has_sub = str_split(r->resource, '/', &resource, &sub);
        d_put(d, 1, "%.*s%s%.*s%s%.*s\t[%.*s]\t[%.*s]\t[%.*s]\n", STR_ARG(resource), r->group.n ? "." : "",
              STR_ARG(r->group), has_sub ? "/" : "", STR_ARG(sub), STR_ARG(r->url), STR_ARG(r->name),
              STR_ARG(r->verbs));
    }
}

static void put_head(struct describing *d) {
    d_put(d, 0, "Name:\t%.*s\n", STR_ARG(object_name(d->o)));
    d_labels(d, "", "Labels", jval_path(d->o, "metadata.labels"));
    d_annotations(d, "", jval_path(d->o, "metadata.annotations"));
}

void describe_role(struct describing *d) {
    put_head(d);
    put_rules(d);
}

void describe_binding(struct describing *d) {
    const struct jval *subjects = object_array(d->o, "subjects");
    put_head(d);
    d_put(d, 0, "Role:\n");
    d_put(d, 1, "Kind:\t%.*s\n", D_STR(d, "roleRef.kind"));
    d_put(d, 1, "Name:\t%.*s\n", D_STR(d, "roleRef.name"));
    d_put(d, 0, "Subjects:\n  Kind\tName\tNamespace\n");
    d_put(d, 1, "----\t----\t---------\n");
    for (uint32_t i = 0; subjects && i < subjects->n; i++)
        d_put(d, 1, "%.*s\t%.*s\t%.*s\n", STR_ARG(object_str(&subjects->items[i], "kind")),
              STR_ARG(object_str(&subjects->items[i], "name")),
              STR_ARG(object_str(&subjects->items[i], "namespace")));
}

/* -- requests for certificates -- */

static void csr_cleanup(X509_REQ **r) {
    X509_REQ_free(*r);
}

static X509_REQ *request_of(struct describing *d) {
    struct str pem = d_decode(d, object_str(d->o, "spec.request"));
    if (pem.n == 0 || pem.n > INT32_MAX)
        return NULL;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509_REQ *r = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return r;
}

/* A list with a title before its first line; nothing when it is empty. */
struct titled {
    struct describing *d;
    const char *title, *indent;
    bool any;
};

static void put_titled(struct titled *t, struct str text) {
    d_put(t->d, 0, "%s%s%s\t%.*s\n", t->any ? "" : t->indent, t->any ? "" : t->title, t->any ? "" : ":",
          STR_ARG(text));
    t->any = true;
}

static void put_entries(struct describing *d, X509_NAME *name, int nid, const char *title, bool always) {
    struct titled t = {.d = d, .title = title, .indent = "  "};
    for (int i = -1; (i = X509_NAME_get_index_by_NID(name, nid, i)) >= 0;) {
        ASN1_STRING *s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i));
        put_titled(&t, str_make((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)));
    }
    if (always && !t.any)
        put_titled(&t, S(""));
}

static struct str address(struct describing *d, const ASN1_OCTET_STRING *ip) {
    const unsigned char *p = ASN1_STRING_get0_data(ip);
    char text[64] = "";
    struct buf b = BUF_INIT;
    if (ASN1_STRING_length(ip) == 4) {
        buf_printf(&b, "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
    } else if (ASN1_STRING_length(ip) == 16) {
        (void)snprintf(text, sizeof text,
                       "%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x", p[0], p[1],
                       p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11], p[12], p[13], p[14],
                       p[15]);
        buf_str(&b, str_from(text));
    }
    struct str s = buf_to_arena(&b, &d->c->arena);
    buf_fini(&b);
    return s;
}

static void put_names_of(struct describing *d, const GENERAL_NAMES *names, int type, const char *title) {
    struct titled t = {.d = d, .title = title, .indent = "         "};
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        if (g->type != type)
            continue;
        if (type == GEN_IPADD)
            put_titled(&t, address(d, g->d.iPAddress));
        else
            put_titled(&t, str_make((const char *)ASN1_STRING_get0_data(g->d.ia5),
                                    (size_t)ASN1_STRING_length(g->d.ia5)));
    }
}

static void put_alternatives(struct describing *d, X509_REQ *request) {
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    if (names && sk_GENERAL_NAME_num(names)) {
        d_put(d, 0, "Subject Alternative Names:\n");
        put_names_of(d, names, GEN_DNS, "DNS Names");
        put_names_of(d, names, GEN_EMAIL, "Email Addresses");
        put_names_of(d, names, GEN_URI, "URIs");
        put_names_of(d, names, GEN_IPADD, "IP Addresses");
    }
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static struct str csr_state(struct describing *d) {
    const struct jval *all = object_array(d->o, "status.conditions");
    _cleanup_buf struct buf b = BUF_INIT;
    for (uint32_t i = 0; all && i < all->n; i++)
        buf_printf(&b, "%s%.*s", b.n ? "," : "", STR_ARG(object_str(&all->items[i], "type")));
    if (!b.n)
        buf_lit(&b, "Pending");
    if (object_str(d->o, "status.certificate").n)
        buf_lit(&b, ",Issued");
    return buf_to_arena(&b, &d->c->arena);
}

void describe_csr(struct describing *d) {
    __attribute__((cleanup(csr_cleanup))) X509_REQ *request = request_of(d);
    put_head(d);
    d_put(d, 0, "CreationTimestamp:\t%.*s\n",
          STR_ARG(d_time(d, object_str(d->o, "metadata.creationTimestamp"))));
    d_put(d, 0, "Requesting User:\t%.*s\n", D_STR(d, "spec.username"));
    if (object_str(d->o, "spec.signerName").n)
        d_put(d, 0, "Signer:\t%.*s\n", D_STR(d, "spec.signerName"));
    if (jval_path(d->o, "spec.expirationSeconds"))
        d_put(d, 0, "Requested Duration:\t%llds\n", (long long)object_int(d->o, "spec.expirationSeconds", 0));
    d_put(d, 0, "Status:\t%.*s\n", STR_ARG(csr_state(d)));
    if (request) {
        X509_NAME *name = X509_REQ_get_subject_name(request);
        d_put(d, 0, "Subject:\n");
        put_entries(d, name, NID_commonName, "Common Name", true);
        put_entries(d, name, NID_serialNumber, "Serial Number", true);
        put_entries(d, name, NID_organizationName, "Organization", false);
        put_entries(d, name, NID_organizationalUnitName, "Organizational Unit", false);
        put_entries(d, name, NID_countryName, "Country", false);
        put_entries(d, name, NID_localityName, "Locality", false);
        put_entries(d, name, NID_stateOrProvinceName, "Province", false);
        put_entries(d, name, NID_streetAddress, "StreetAddress", false);
        put_entries(d, name, NID_postalCode, "PostalCode", false);
        put_alternatives(d, request);
    }
    d_flush(d);
    d_events(d);
}
