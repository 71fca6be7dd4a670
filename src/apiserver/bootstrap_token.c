/* Whether a bootstrap token is the one of its secret, and what it may be used for. */
#include "apiserver/bootstrap_token.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "api/types/core.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "base/vec.h"

#define ID_LEN 6u
#define SECRET_LEN 16u
#define GROUP_TAIL_MAX 256u
#define GROUPS_MAX 1024u

static bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool bootstrap_token_split(struct str token, struct str *ret_id, struct str *ret_secret) {
    if (token.n != ID_LEN + 1 + SECRET_LEN || token.p[ID_LEN] != '.')
        return false;
    for (size_t i = 0; i < token.n; i++)
        if (i != ID_LEN && !is_lower_or_digit(token.p[i]))
            return false;
    *ret_id = str_cut(token, ID_LEN);
    *ret_secret = str_from_byte(token, ID_LEN + 1);
    return true;
}

struct str bootstrap_token_name(struct arena *a, struct str id) {
    return arena_printf(a, "bootstrap-token-%.*s", STR_ARG(id));
}

bool bootstrap_token_group_valid(struct str group) {
    static const struct str prefix = STR_INIT("system:bootstrappers:");
    if (!str_has_prefix(group, prefix))
        return false;
    struct str tail = str_from_byte(group, prefix.n);
    if (tail.n == 0 || tail.n > GROUP_TAIL_MAX || !is_lower_or_digit(tail.p[tail.n - 1]))
        return false;
    for (size_t i = 0; i < tail.n; i++)
        if (!is_lower_or_digit(tail.p[i]) && tail.p[i] != ':' && tail.p[i] != '-')
            return false;
    return true;
}

/* An expiration that cannot be read has passed. */
static bool expired(struct str text, int64_t now_sec) {
    int64_t sec;
    int32_t nsec;
    return text.n > 0 && (!time_parse(text, TIME_SECONDS, &sec, &nsec) || now_sec >= sec);
}

static int groups_of(struct str extra, struct arena *a, struct str_array *ret_groups, struct err *err) {
    struct {
        struct str *v;
        size_t n, cap;
    } groups = {0};
    vec_push_in(a, &groups, S("system:bootstrappers"));
    while (extra.n > 0) {
        struct str group;
        str_split(extra, ',', &group, &extra);
        if (!bootstrap_token_group_valid(group))
            return err_set(err, ERR_UNAUTHORIZED, "the bootstrap token has a group it may not have");
        if (groups.n == GROUPS_MAX)
            return err_set(err, ERR_UNAUTHORIZED, "the bootstrap token has too many groups");
        vec_push_in(a, &groups, group);
    }
    qsort(groups.v, groups.n, sizeof *groups.v, str_cmp_qsort);
    size_t kept = 0;
    for (size_t i = 1; i < groups.n; i++)
        if (!str_eq(groups.v[kept], groups.v[i]))
            groups.v[++kept] = groups.v[i];
    for (size_t i = 0; i <= kept; i++)
        groups.v[i] = arena_str(a, groups.v[i]);
    *ret_groups = (struct str_array){groups.v, (uint32_t)(kept + 1)};
    return 0;
}

int bootstrap_token_check(const struct core_secret *secret, struct str token, int64_t now_sec,
                          struct arena *a, struct user *ret_user, struct err *err) {
    struct str id, word;
    if (!bootstrap_token_split(token, &id, &word))
        return err_set(err, ERR_UNAUTHORIZED, "this is no bootstrap token");
    struct str_map data = secret->data;
    struct str stored = str_map_get(data, S("token-secret"));
    if (!str_eq(secret->type, S("bootstrap.kubernetes.io/token")) || secret->metadata.deletion_timestamp.set)
        return err_set(err, ERR_UNAUTHORIZED, "there is no such bootstrap token");
    if (stored.n != word.n || CRYPTO_memcmp(stored.p, word.p, word.n) != 0 ||
        !str_eq(str_map_get(data, S("token-id")), id))
        return err_set(err, ERR_UNAUTHORIZED, "the bootstrap token does not match");
    if (expired(str_map_get(data, S("expiration")), now_sec))
        return err_set(err, ERR_UNAUTHORIZED, "the bootstrap token has expired");
    if (!str_eq(str_map_get(data, S("usage-bootstrap-authentication")), S("true")))
        return err_set(err, ERR_UNAUTHORIZED, "the bootstrap token is not for authentication");
    struct str_array groups;
    int r = groups_of(str_map_get(data, S("auth-extra-groups")), a, &groups, err);
    if (r < 0)
        return r;
    *ret_user =
        (struct user){.name = arena_printf(a, "system:bootstrap:%.*s", STR_ARG(id)), .groups = groups};
    return 0;
}
