// SPDX-License-Identifier: BSD-2-Clause
#include "collector/span/span_lexer.h"

#include <string.h>

void span_lexer_begin(struct span_lexer *lexer, const char *text, size_t size)
{
	*lexer = (struct span_lexer){.at = text, .end = text + size, .line_start = text, .line = 1};
}

static void skip_blanks(struct span_lexer *lexer)
{
	while (lexer->at < lexer->end) {
		char c = *lexer->at;

		if (c == '\n') {
			lexer->line++;
			lexer->line_start = lexer->at + 1;
		} else if (c == '#') {
			const char *newline =
				memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));

			lexer->at = newline ? newline : lexer->end;
			continue;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
		lexer->at++;
	}
}

static bool is_operator(char c)
{
	return c == '=' || c == '!' || c == '<' || c == '>';
}

static bool begins(const struct span_lexer *lexer, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(lexer->end - lexer->at) >= length && memcmp(lexer->at, word, length) == 0;
}

/* Lists of system calls have their commas inside; names of functions may have anything else. */
static const char *word_end(const struct span_lexer *lexer)
{
	bool is_event = begins(lexer, "usdt:") || begins(lexer, "uprobe:");
	bool is_list = begins(lexer, "syscall:");
	const char *at = lexer->at;

	for (; at < lexer->end; at++) {
		unsigned char c = (unsigned char)*at;

		if (c <= ' ' || c == 0x7f || c == '#' || c == '"')
			break;
		if (c == ',' && !(is_list && at + 1 < lexer->end && at[1] > ' ') && !is_event)
			break;
		if ((c == '{' || c == '}' || is_operator((char)c)) && !is_event)
			break;
	}
	return at;
}

/* Returns NULL if it does not end on its line. */
static const char *string_end(const struct span_lexer *lexer)
{
	for (const char *at = lexer->at + 1; at < lexer->end && *at != '\n'; at++) {
		if (*at == '"')
			return at;
		if (*at == '\\')
			at++;
	}
	return NULL;
}

struct span_token span_lexer_next(struct span_lexer *lexer)
{
	struct span_token token = {.kind = SPAN_TOKEN_END};
	const char *end;

	skip_blanks(lexer);
	token.text = lexer->at;
	token.line = lexer->line;
	token.column = (unsigned int)(lexer->at - lexer->line_start) + 1;
	if (lexer->at == lexer->end)
		return token;
	if (*lexer->at == '"') {
		end = string_end(lexer);
		token.kind = end ? SPAN_TOKEN_STRING : SPAN_TOKEN_BAD;
		token.text++;
		end = end ? end : token.text;
		token.size = (size_t)(end - token.text);
		lexer->at = token.kind == SPAN_TOKEN_STRING ? end + 1 : lexer->end;
		return token;
	}
	token.kind = SPAN_TOKEN_MARK;
	end = lexer->at;
	while (end < lexer->end && is_operator(*end))
		end++;
	if (end == lexer->at && strchr("{},", *end) && *end) {
		end++;
	} else if (end == lexer->at) {
		end = word_end(lexer);
		token.kind = end > lexer->at ? SPAN_TOKEN_WORD : SPAN_TOKEN_BAD;
		end += end == lexer->at;
	}
	token.size = (size_t)(end - lexer->at);
	lexer->at = end;
	return token;
}

bool span_token_is(const struct span_token *token, const char *text)
{
	return (token->kind == SPAN_TOKEN_WORD || token->kind == SPAN_TOKEN_MARK) &&
	       token->size == strlen(text) && memcmp(token->text, text, token->size) == 0;
}

int span_token_unquote(const struct span_token *token, char *out, size_t room)
{
	size_t length = 0;

	for (size_t i = 0; i < token->size; i++) {
		char c = token->text[i];

		if (c == '\\') {
			static const char from[] = "\"\\nt", to[] = "\"\\\n\t";
			const char *escape = ++i < token->size && token->text[i]
						     ? strchr(from, token->text[i])
						     : NULL;

			if (!escape)
				return -1;
			c = to[escape - from];
		}
		if (!c || length + 1 >= room)
			return -1;
		out[length++] = c;
	}
	out[length] = '\0';
	return (int)length;
}
