/* api/validation: names and other texts of a fixed form, checked and reported.
 *
 * The formats are those of api/name.h and api/ip.h; here what they find wrong becomes field errors. All
 * return whether the value is fine.
 */
#pragma once

#include <stdbool.h>

#include "api/field_error.h"
#include "api/name.h"

/* The text must be of a format of api/name.h. Empty is a text like others. */
bool check_format(struct field_errors *e, const struct field_path *p, struct str s, name_check_fn format);

/* The same, unless the text is empty. */
bool check_optional_format(struct field_errors *e, const struct field_path *p, struct str s,
                           name_check_fn format);

/* The same, with an error of its own for an empty text. */
bool check_required_format(struct field_errors *e, const struct field_path *p, struct str s,
                           name_check_fn format);

/* The usual ones by name. */
static inline bool check_dns_label(struct field_errors *e, const struct field_path *p, struct str s) {
    return check_format(e, p, s, name_check_dns1123_label);
}
static inline bool check_dns_subdomain(struct field_errors *e, const struct field_path *p, struct str s) {
    return check_format(e, p, s, name_check_dns1123_subdomain);
}
static inline bool check_label_key(struct field_errors *e, const struct field_path *p, struct str s) {
    return check_format(e, p, s, name_check_qualified);
}
static inline bool check_label_value(struct field_errors *e, const struct field_path *p, struct str s) {
    return check_format(e, p, s, name_check_label_value);
}

/* A relative path without "..", and one that does not even begin with two dots. */
bool check_local_path(struct field_errors *e, const struct field_path *p, struct str path);
bool check_local_unreserved_path(struct field_errors *e, const struct field_path *p, struct str path);

/* A port number or the name of a port. */
bool check_port_or_name(struct field_errors *e, const struct field_path *p, struct int_or_string port);

/* User and group ids: 0..2147483647. */
bool check_user_id(struct field_errors *e, const struct field_path *p, int64_t id);

/* domain/path, as signers are called. */
bool check_signer_name(struct field_errors *e, const struct field_path *p, struct str s);

/* A CSI driver: a DNS subdomain of any case, at most 63 bytes. */
bool check_csi_driver(struct field_errors *e, const struct field_path *p, struct str s);

/* Addresses and networks. Stored ones that are not strict (leading zeros, mapped forms, host bits) may stay.
 */
bool check_ip(struct field_errors *e, const struct field_path *p, struct str ip);
bool check_cidr(struct field_errors *e, const struct field_path *p, struct str cidr);
bool check_ip_or_old(struct field_errors *e, const struct field_path *p, struct str ip, struct str old);

/* Each of a list, at its index; old: the stored list, or NULL. */
void check_ips(struct field_errors *e, const struct field_path *p, const struct str_array *ips,
               const struct str_array *old);
void check_cidrs(struct field_errors *e, const struct field_path *p, const struct str_array *cidrs,
                 const struct str_array *old);
