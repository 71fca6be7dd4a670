/* api/name: the text formats of the API: names, labels, keys, and their like.
 *
 * Each check returns 0, or ERR_INVALID after writing what is wrong to `errors`, which may be NULL when the
 * caller only wants to know whether. Several things can be wrong at once. The messages are constant texts
 * that a field error shows as they are; they quote the pattern that upstream's messages quote, since people
 * search for it.
 *
 * No regular expressions are run: all checks are single passes. Lengths are bytes. Pure functions, any
 * thread.
 *
 * CONFORMS: the formats, limits and patterns of apimachinery's validation package.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

#define NAME_ERRORS_MAX 8

struct name_errors {
    struct str v[NAME_ERRORS_MAX];
    uint32_t n;
};

#define NAME_ERRORS_INIT                                                                                     \
    { .n = 0 }

typedef int (*name_check_fn)(struct str s, struct name_errors *errors);

#define NAME_DNS_LABEL_MAX 63
#define NAME_DNS_SUBDOMAIN_MAX 253
#define NAME_LABEL_MAX 63 /* the part of a label key behind the slash, and a label value */

/* Names of objects. */
int name_check_dns1123_label(struct str s, struct name_errors *errors);
int name_check_dns1123_subdomain(struct str s, struct name_errors *errors);
int name_check_dns1035_label(struct str s, struct name_errors *errors);
int name_check_path_segment(struct str s, struct name_errors *errors); /* RBAC names: most anything */

/* A generateName by the rules of the names it makes: a dash may end it. */
int name_check_prefix(name_check_fn rule, struct str prefix, struct name_errors *errors);

/* Domains. */
int name_check_dns1123_subdomain_underscore(struct str s, struct name_errors *errors); /* DNS searches */
int name_check_wildcard_dns1123_subdomain(struct str s, struct name_errors *errors);   /* *.example.com */
int name_check_fully_qualified_name(struct str s, struct name_errors *errors);   /* three labels or more */
int name_check_fully_qualified_domain(struct str s, struct name_errors *errors); /* two or more, DNS sizes */
int name_check_domain_prefixed_path(struct str s, struct name_errors *errors);   /* acme.io/foo */

/* Labels, annotations, finalizers, and other names with an optional "domain/" in front. */
int name_check_qualified(struct str s, struct name_errors *errors);
int name_check_label_value(struct str s, struct name_errors *errors);
int name_check_annotation_key(struct str s, struct name_errors *errors);

/* Fields. */
int name_check_env_name(struct str s, struct name_errors *errors); /* printable ASCII but = */
int name_check_env_name_strict(struct str s, struct name_errors *errors);
int name_check_config_key(struct str s, struct name_errors *errors); /* of ConfigMaps and Secrets */
int name_check_port_name(struct str s, struct name_errors *errors);  /* IANA service name */
int name_check_port_number(int64_t port, struct name_errors *errors);
int name_check_user_id(int64_t id, struct name_errors *errors); /* group ids too */
int name_check_http_header(struct str s, struct name_errors *errors);
int name_check_percent(struct str s, struct name_errors *errors);
int name_check_c_identifier(struct str s, struct name_errors *errors);
int name_check_cel_identifier(struct str s, struct name_errors *errors);
int name_check_sysctl(struct str s, struct name_errors *errors);
int name_check_condition_reason(struct str s, struct name_errors *errors);
int name_check_node_feature(struct str s, struct name_errors *errors);
int name_check_iscsi_name(struct str s, struct name_errors *errors);    /* iqn., eui., naa. */
int name_check_absolute_path(struct str s, struct name_errors *errors); /* begins with a slash */
int name_check_no_backsteps(struct str s, struct name_errors *errors);  /* no ".." among its parts */
int name_check_local_path(struct str s, struct name_errors *errors);    /* relative, no ".." */
