/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the parser share. */
#ifndef FLIGHTREC_SPAN_PARSER_H
#define FLIGHTREC_SPAN_PARSER_H

#include "collector/span/span_lexer.h"
#include "collector/span/span_set.h"

struct span_parser {
	struct span_lexer lexer;
	struct span_token token; /* the next one */
	struct span_set *set;
	struct span_error *error;
};

void span_parser_take(struct span_parser *parser);

/* Say what is wrong, and return -EINVAL. */
__attribute__((format(printf, 3, 4))) int
span_parser_fail(struct span_parser *parser, const struct span_token *at, const char *format, ...);
int span_parser_expected(struct span_parser *parser, const char *what);
/* Likewise, with the one of @words (NULL-terminated) that was probably meant. */
int span_parser_meant(struct span_parser *parser, const char *what, const char *const *words);

/* Take a string, an argument, a format. They return 0, -EINVAL or -ENOMEM. */
int span_parser_text(struct span_parser *parser, char **to);
int span_parser_argument(struct span_parser *parser, uint8_t *number);
int span_parser_format(struct span_parser *parser, struct span_format *format);

/* What a span that could not be parsed to its end has. */
void span_free(struct span *span);

#endif /* FLIGHTREC_SPAN_PARSER_H */
