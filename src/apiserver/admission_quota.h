/* apiserver/admission_quota: what calls under way have taken from quotas. See admission_quota.c.
 *
 * Made with the chain. Any thread.
 */
#pragma once

struct apiserver;
struct quota_ledger;

struct quota_ledger *quota_ledger_new(struct apiserver *server);
/* Drops sums that nobody asks for. */
void quota_ledger_trim(struct quota_ledger *l);
/* When no call is under way any more. NULL is fine. */
void quota_ledger_free(struct quota_ledger *l);
