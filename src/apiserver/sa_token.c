/* Claims of service accounts' tokens, in both directions. */
#include "apiserver/sa_token.h"

#include "base/arena.h"
#include "base/err.h"

#define LEGACY "kubernetes.io/serviceaccount/"

static struct str subject(const struct sa_token *t, struct arena *a) {
    return arena_printf(a, "system:serviceaccount:%.*s:%.*s", STR_ARG(t->ns), STR_ARG(t->account.name));
}

static void set_ref(struct arena *a, struct jobject *o, struct str key, const struct sa_token_ref *ref) {
    if (ref->name.n == 0)
        return;
    struct jobject r = {0};
    jobject_set(a, &r, S("name"), jval_str(ref->name));
    if (ref->uid.n > 0)
        jobject_set(a, &r, S("uid"), jval_str(ref->uid));
    jobject_set(a, o, key, jobject_done(&r));
}

static struct jval legacy_claims(const struct sa_token *t, struct arena *a) {
    struct jobject o = {0};
    jobject_set(a, &o, S("iss"), jval_str(SA_TOKEN_LEGACY_ISSUER));
    jobject_set(a, &o, S("sub"), jval_str(subject(t, a)));
    jobject_set(a, &o, S(LEGACY "namespace"), jval_str(t->ns));
    jobject_set(a, &o, S(LEGACY "secret.name"), jval_str(t->secret.name));
    jobject_set(a, &o, S(LEGACY "service-account.name"), jval_str(t->account.name));
    jobject_set(a, &o, S(LEGACY "service-account.uid"), jval_str(t->account.uid));
    return jobject_done(&o);
}

static struct jval private_claims(const struct sa_token *t, struct arena *a) {
    struct jobject o = {0};
    jobject_set(a, &o, S("namespace"), jval_str(t->ns));
    set_ref(a, &o, S("serviceaccount"), &t->account);
    set_ref(a, &o, S("pod"), &t->pod);
    set_ref(a, &o, S("secret"), &t->secret);
    set_ref(a, &o, S("node"), &t->node);
    if (t->warn_after_sec != 0)
        jobject_set(a, &o, S("warnafter"), jval_int(t->warn_after_sec));
    return jobject_done(&o);
}

struct jval sa_token_claims(const struct sa_token *t, struct arena *a) {
    if (t->legacy)
        return legacy_claims(t, a);
    struct jval *audiences = arena_new_n(a, (size_t)t->audiences.n + 1, struct jval);
    for (uint32_t i = 0; i < t->audiences.n; i++)
        audiences[i] = jval_str(t->audiences.v[i]);
    struct jobject o = {0};
    jobject_set(a, &o, S("aud"), jval_array(audiences, t->audiences.n));
    jobject_set(a, &o, S("exp"), jval_int(t->expires_sec));
    jobject_set(a, &o, S("iat"), jval_int(t->issued_sec));
    jobject_set(a, &o, S("iss"), jval_str(t->issuer));
    jobject_set(a, &o, S("jti"), jval_str(t->id));
    jobject_set(a, &o, S("nbf"), jval_int(t->not_before_sec));
    jobject_set(a, &o, S("sub"), jval_str(subject(t, a)));
    jobject_set(a, &o, S("kubernetes.io"), private_claims(t, a));
    return jobject_done(&o);
}

/* CONFORMS: RFC 7519 2, NumericDate; fractions are cut off. False when it is there but none. */
static bool read_time(const struct jval *claims, struct str key, int64_t *ret_sec) {
    const struct jval *v = jval_get(claims, key);
    *ret_sec = 0;
    if (!v)
        return true;
    if (v->kind == J_DOUBLE && v->d > 0 && v->d < 1e15)
        *ret_sec = (int64_t)v->d;
    else if (v->kind == J_INT && v->i > 0 && v->i < 1000000000000000)
        *ret_sec = v->i;
    return *ret_sec != 0;
}

/* CONFORMS: RFC 7519 4.1.3: one text or a list of texts. */
static bool read_audiences(const struct jval *claims, struct arena *a, struct str_array *ret) {
    const struct jval *v = jval_get(claims, S("aud"));
    const struct jval *items = v && v->kind == J_ARRAY ? v->items : v;
    uint32_t n = !v ? 0 : v->kind == J_ARRAY ? v->n : 1;
    if (n > SA_TOKEN_AUDIENCES_MAX)
        return false;
    ret->v = arena_new_n(a, (size_t)n + 1, struct str);
    ret->n = n;
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].kind != J_STRING)
            return false;
        ret->v[i] = jval_as_str(&items[i]);
    }
    return true;
}

static struct sa_token_ref read_ref(const struct jval *claims, struct str key) {
    const struct jval *v = jval_get(claims, key);
    return (struct sa_token_ref){jval_get_str(v, S("name")), jval_get_str(v, S("uid"))};
}

static bool refs_complete(const struct jval *private) {
    static const struct str keys[] = {STR_INIT("pod"), STR_INIT("secret"), STR_INIT("node")};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (jval_get(private, keys[i]) && read_ref(private, keys[i]).name.n == 0)
            return false;
    return true;
}

static bool read_names(const struct jval *claims, struct sa_token *t) {
    if (t->legacy) {
        t->ns = jval_get_str(claims, S(LEGACY "namespace"));
        t->secret.name = jval_get_str(claims, S(LEGACY "secret.name"));
        t->account.name = jval_get_str(claims, S(LEGACY "service-account.name"));
        t->account.uid = jval_get_str(claims, S(LEGACY "service-account.uid"));
        return t->secret.name.n > 0;
    }
    const struct jval *private = jval_get(claims, S("kubernetes.io"));
    t->ns = jval_get_str(private, S("namespace"));
    t->account = read_ref(private, S("serviceaccount"));
    t->pod = read_ref(private, S("pod"));
    t->secret = read_ref(private, S("secret"));
    t->node = read_ref(private, S("node"));
    return refs_complete(private) && read_time(private, S("warnafter"), &t->warn_after_sec);
}

static int check_times(const struct jval *claims, int64_t now, struct sa_token *t, struct err *err) {
    if (!read_time(claims, S("exp"), &t->expires_sec) || !read_time(claims, S("nbf"), &t->not_before_sec) ||
        !read_time(claims, S("iat"), &t->issued_sec) || (!t->legacy && t->expires_sec == 0))
        return err_set(err, ERR_UNAUTHORIZED, "the service account token has no proper times");
    if (t->not_before_sec != 0 && now + SA_TOKEN_LEEWAY_SEC < t->not_before_sec)
        return err_set(err, ERR_UNAUTHORIZED, "service account token is not valid yet");
    if (t->expires_sec != 0 && now - SA_TOKEN_LEEWAY_SEC > t->expires_sec)
        return err_set(err, ERR_UNAUTHORIZED, "service account token has expired");
    if (t->issued_sec != 0 && now + SA_TOKEN_LEEWAY_SEC < t->issued_sec)
        return err_set(err, ERR_UNAUTHORIZED, "the service account token was issued in the future");
    return 0;
}

static struct str_array in_both(struct str_array x, struct str_array y, struct arena *a) {
    struct str_array both = {arena_new_n(a, (size_t)x.n + 1, struct str), 0};
    for (uint32_t i = 0; i < x.n; i++) {
        bool found = false;
        for (uint32_t j = 0; j < y.n && !found; j++)
            found = str_eq(x.v[i], y.v[j]);
        if (found)
            both.v[both.n++] = x.v[i];
    }
    return both;
}

int sa_token_read(const struct jval *claims, const struct sa_token_expected *expected, struct arena *a,
                  struct sa_token *ret_token, struct str_array *ret_audiences, struct err *err) {
    struct sa_token t = {.issuer = jval_get_str(claims, S("iss")), .id = jval_get_str(claims, S("jti"))};
    t.legacy = str_eq(t.issuer, SA_TOKEN_LEGACY_ISSUER);
    if (!t.legacy && (t.issuer.n == 0 || !str_eq(t.issuer, expected->issuer)))
        return err_set(err, ERR_UNAUTHORIZED, "the token is by another issuer");
    int r = check_times(claims, expected->now_sec, &t, err);
    if (r < 0)
        return r;
    if (!read_names(claims, &t) || t.ns.n == 0 || t.account.name.n == 0 || t.account.uid.n == 0 ||
        !str_eq(jval_get_str(claims, S("sub")), subject(&t, a)))
        return err_set(err, ERR_UNAUTHORIZED, "the token does not name its service account properly");
    if (!read_audiences(claims, a, &t.audiences))
        return err_set(err, ERR_UNAUTHORIZED, "the token's audiences cannot be read");
    bool implied = t.legacy && t.audiences.n == 0;
    struct str_array both = implied ? expected->audiences : in_both(t.audiences, expected->audiences, a);
    if (both.n == 0)
        return err_set(err, ERR_UNAUTHORIZED, "the token is for other audiences");
    *ret_token = t;
    *ret_audiences = both;
    return 0;
}
