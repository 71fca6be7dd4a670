/* Giving root up. */
#include "main/privileges.h"

#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

#define OPEN_FOLDERS 16

/* nftw has no argument to hand on; the first thread alone comes here. */
static uid_t owner;

static int own(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)type;
    (void)at;
    return st->st_uid == owner && st->st_gid == owner ? 0 : lchown(path, owner, owner);
}

int drop_privileges(const char *user, const char *dir, struct err *err) {
    uint64_t number;
    if (!str_to_u64(str_from(user), &number) || number == 0 || number > INT32_MAX)
        return err_set(err, ERR_INVALID, "\"%s\" is no number of an ordinary user", user);
    if (geteuid() != 0)
        return 0; /* it is one already */
    owner = (uid_t)number;
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return err_errno(err, errno, "%s", dir);
    if (nftw(dir, own, OPEN_FOLDERS, FTW_PHYS) != 0)
        return err_errno(err, errno, "giving %s to user %s", dir, user);
    if (setgroups(0, NULL) < 0 || setresgid(owner, owner, owner) < 0 || setresuid(owner, owner, owner) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, errno, "becoming user %s", user);
    return 0;
}
