/* What special subresources share, and the functions of their rows. Inside src/apiserver/ only. */
#pragma once

#include "apiserver/admission.h"
#include "apiserver/call.h"

struct authentication_user_info;
struct meta_delete_options;

/* -- the rows -- */

void subresource_bind(struct call *c);          /* pods/binding, and bindings */
void subresource_evict(struct call *c);         /* pods/eviction */
void subresource_token(struct call *c);         /* serviceaccounts/token */
void subresource_token_review(struct call *c);  /* TokenReview */
void subresource_access_review(struct call *c); /* SubjectAccessReview, Local…, Self… */
void subresource_rules_review(struct call *c);  /* SelfSubjectRulesReview */
void subresource_self_review(struct call *c);   /* SelfSubjectReview */
void subresource_component_status(struct call *c);

/* -- shared -- */

/* Walks a body that is not stored as it is through the whole chain, then goes on with next; a refusal is the
 * call's answer. object: edited by plugins. */
struct subresource_walk {
    struct call *call;
    void *object;
    uint16_t object_type;
    struct str name; /* of the resource's object */
    void (*next)(struct call *c, void *arg);
    void *arg;
};
void subresource_admit(const struct subresource_walk *walk);

/* The call's body of the kind itself, or of its subresource: read, with defaults, checked by the rules of its
 * kind. NULL: the call has been answered. */
void *subresource_body(struct call *c);

/* The user as reviews show him. */
void subresource_user_info(struct call *c, const struct user *u, struct authentication_user_info *to);
