/* ctl/rollout: what the files of the rollout command share. First thread.
 *
 *   cmd_rollout.c       status, pause, resume, restart
 *   rollout_history.c   what was before: history, undo
 *   rollout_state.c     how far a rollout is
 */
#pragma once

#include "ctl/print.h"
#include "ctl/target.h"

enum rolled { ROLLED_NOT, ROLLED_DEPLOYMENT, ROLLED_DAEMON_SET, ROLLED_STATEFUL_SET };
enum rolled rolled_kind(const struct resource *r);

/* What is said of a rollout, with its newline, and whether it is done. A problem when it failed. revision:
 * the one that is waited for, 0: any. */
int rollout_state(struct ctl *c, enum rolled kind, const struct jval *object, int64_t revision,
                  struct str *ret_text, bool *ret_done, struct problem *p);

extern const struct command rollout_history, rollout_undo;

#define FLAGS_ROLLOUT(help_) FLAGS_FILES(help_), FLAG_SELECTOR

/* What the arguments and files of a rollout command mean; the exit status, when that is not 0. */
int rollout_select(struct ctl *c, struct targets *ret);
/* Says what failed of several things; the exit status. */
int rollout_failed(struct ctl *c, const struct problem *failed, size_t n);
