// SPDX-License-Identifier: BSD-2-Clause
#include "collector/span/span_parser.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/nearest.h"
#include "collector/base/units.h"

void span_parser_take(struct span_parser *p)
{
	p->token = span_lexer_next(&p->lexer);
}

int span_parser_fail(struct span_parser *p, const struct span_token *at, const char *format, ...)
{
	va_list args;

	p->error->line = at->line;
	p->error->column = at->column;
	va_start(args, format);
	vsnprintf(p->error->text, sizeof(p->error->text), format, args);
	va_end(args);
	return -EINVAL;
}

/* Quoted, for a message: cut, and nothing but printable characters. */
static const char *shown(const struct span_token *token, char *to, size_t room)
{
	size_t n = 0;

	if (token->kind == SPAN_TOKEN_END)
		return "the end";
	if (token->kind == SPAN_TOKEN_STRING)
		return "a string";
	to[n++] = '\'';
	for (size_t i = 0; i < token->size && n + 2 < room; i++)
		to[n++] = isprint((unsigned char)token->text[i]) ? token->text[i] : '?';
	to[n++] = '\'';
	to[n] = '\0';
	return to;
}

int span_parser_expected(struct span_parser *p, const char *what)
{
	char text[48];

	if (p->token.kind == SPAN_TOKEN_BAD && p->token.size == 0)
		return span_parser_fail(p, &p->token, "this string has no end");
	return span_parser_fail(p, &p->token, "expected %s, not %s", what,
				shown(&p->token, text, sizeof(text)));
}

int span_parser_meant(struct span_parser *p, const char *what, const char *const *words)
{
	struct nearest search;
	char word[48], text[48];

	snprintf(word, sizeof(word), "%.*s", (int)(p->token.size < 40 ? p->token.size : 40),
		 p->token.text);
	search = (struct nearest){.word = word};
	for (size_t i = 0; words[i]; i++)
		nearest_try(&search, words[i]);
	if (!search.best || p->token.kind != SPAN_TOKEN_WORD)
		return span_parser_expected(p, what);
	return span_parser_fail(p, &p->token, "expected %s, not %s; did you mean '%s'?", what,
				shown(&p->token, text, sizeof(text)), search.best);
}

int span_parser_text(struct span_parser *p, char **to)
{
	char text[SPAN_FORMAT_MAX];

	if (p->token.kind != SPAN_TOKEN_STRING)
		return span_parser_expected(p, "a string");
	if (span_token_unquote(&p->token, text, sizeof(text)) < 0)
		return span_parser_fail(p, &p->token,
					"this string is longer than %zu characters, or has an "
					"escape that is not \\\" \\\\ \\n \\t",
					sizeof(text) - 1);
	*to = strdup(text);
	if (!*to)
		return -ENOMEM;
	span_parser_take(p);
	return 0;
}

int span_parser_argument(struct span_parser *p, uint8_t *number)
{
	uint64_t n;
	char text[8];

	if (p->token.kind != SPAN_TOKEN_WORD || p->token.size < 4 || p->token.size > 5 ||
	    memcmp(p->token.text, "arg", 3) != 0)
		return span_parser_expected(p, "an argument, such as arg0");
	snprintf(text, sizeof(text), "%.*s", (int)p->token.size - 3, p->token.text + 3);
	if (parse_count(text, 0, SPAN_ARG_NUMBER_MAX, &n))
		return span_parser_expected(p, "an argument, such as arg0");
	*number = (uint8_t)n;
	span_parser_take(p);
	return 0;
}

/* What is packed is what the format names: of an int, 32 bits; of a long, 64; a string's bytes. */
static int check_format(struct span_parser *p, const struct span_token *at,
			struct span_format *format, size_t n)
{
	if (format_plan(format->text, strlen(format->text), &format->plan) != FORMAT_OK ||
	    format->plan.has_errno)
		return span_parser_fail(p, at, "this is not a format");
	if (format->plan.n != n)
		return span_parser_fail(p, at, "the format wants %u argument%s, and has %zu",
					format->plan.n, format->plan.n == 1 ? "" : "s", n);
	for (size_t i = 0; i < n; i++) {
		uint8_t kind = format->plan.arg[i].kind;

		if (kind != FORMAT_INT32 && kind != FORMAT_INT64 && kind != FORMAT_STRING)
			return span_parser_fail(p, at,
						"conversion %zu of the format is for what no "
						"argument can be: only integers, pointers and "
						"strings are",
						i + 1);
	}
	return 0;
}

int span_parser_format(struct span_parser *p, struct span_format *format)
{
	const struct span_token at = p->token;
	size_t n = 0;
	int err = span_parser_text(p, &format->text);

	while (!err && span_token_is(&p->token, ",")) {
		span_parser_take(p);
		if (n == SPAN_ARGS_MAX)
			return span_parser_fail(p, &p->token, "more than %d arguments",
						SPAN_ARGS_MAX);
		err = span_parser_argument(p, &format->arg[n++]);
	}
	return err ? err : check_format(p, &at, format, n);
}
