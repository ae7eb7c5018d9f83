/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of span statements. Reads nothing beyond the text; allocates nothing. */
#ifndef FLIGHTREC_SPAN_LEXER_H
#define FLIGHTREC_SPAN_LEXER_H

#include <stdbool.h>
#include <stddef.h>

enum span_token_kind {
	SPAN_TOKEN_END,    /* of the text */
	SPAN_TOKEN_WORD,   /* or a number, or an event */
	SPAN_TOKEN_STRING, /* @text is what stands between the quotes */
	SPAN_TOKEN_MARK,   /* { } , or an operator */
	SPAN_TOKEN_BAD,    /* a string that does not end, or a control character */
};

struct span_token {
	enum span_token_kind kind;
	const char *text;
	size_t size;
	unsigned int line;
	unsigned int column;
};

struct span_lexer {
	const char *at;
	const char *end;
	const char *line_start;
	unsigned int line;
};

void span_lexer_begin(struct span_lexer *lexer, const char *text, size_t size);
struct span_token span_lexer_next(struct span_lexer *lexer);

bool span_token_is(const struct span_token *token, const char *text);

/*
 * What a string says, in @out (NUL-terminated; @room is not 0): \" \\ \n \t are as in C. Returns
 * its length; or -1: there is no room, or another escape.
 */
int span_token_unquote(const struct span_token *token, char *out, size_t room);

#endif /* FLIGHTREC_SPAN_LEXER_H */
