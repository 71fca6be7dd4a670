/* apiserver/token_file: bearer tokens listed in a file, for static users.
 *
 * Read once, constant afterwards: any thread may look up. Tokens themselves are not kept, only their SHA-256
 * digests, so that a look-up takes no time that depends on how much of a token was guessed.
 *
 * CONFORMS: --token-auth-file: CSV records token,user,uid,"group,group"; the groups may be left out, of equal
 * tokens the last record counts, records with an empty token are passed over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "apiserver/user.h"

struct err;

#define TOKEN_FILE_BYTES_MAX (1u << 20)
#define TOKEN_FILE_RECORDS_MAX 16384u
#define TOKEN_FILE_COLUMNS_MAX 64u

struct token_file;

/* ERR_INVALID with the line for what is no such file; tokens never show up in messages. */
int token_file_parse(struct str text, struct token_file **ret_file, struct err *err);
int token_file_load(const char *path, struct token_file **ret_file, struct err *err);
void token_file_free(struct token_file *f);

/* Whose token it is; the user borrows from the file. */
bool token_file_find(const struct token_file *f, struct str token, struct user *ret_user);

/* Different tokens in the file. */
size_t token_file_count(const struct token_file *f);
