// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: it looks at a process, as tests/e2e/cases/spans.sh has it do. */
#include "collector/span_survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/span_file.h"
#include "collector/target/elf_notes.h"
#include "collector/target/mapping_open.h"
#include "collector/target/mappings.h"

/* What of a probe's name is shown. */
#define NAME_MAX_ 160

struct surveying {
	const struct span_survey *survey;
	const struct span_set *set;
	struct span_file file;
	char last[NAME_MAX_];
};

static size_t count_words(const char *text)
{
	size_t n = 0;

	while (*(text += strspn(text, " "))) {
		n++;
		text += strcspn(text, " ");
	}
	return n;
}

/* Those of one probe mostly stand one after another. */
static int on_note(void *arg, const struct probe_note *note)
{
	struct surveying *s = arg;
	char name[NAME_MAX_];

	snprintf(name, sizeof(name), "%s:%s", note->provider, note->name);
	if (strcmp(name, s->last) != 0)
		s->survey->probe(s->survey->arg, s->file.path, name, count_words(note->arguments));
	memcpy(s->last, name, sizeof(name));
	return 0;
}

static void survey_span(struct surveying *s, size_t i)
{
	struct span_problem problem = {""}, missing = {""};
	const struct span_problems problems = {&problem, &missing};
	struct span_sites sites = {0};
	int err = span_file_all(&s->file, s->set, i, &sites, &problems);

	s->survey->span(s->survey->arg, &s->set->span[i], s->file.path, err ? problem.text : NULL);
	free(sites.site);
}

static void survey_file(struct surveying *s)
{
	struct elf_file elf;

	if (elf_file_open(&elf, s->file.fd))
		return;
	s->last[0] = '\0';
	elf_notes_each(&elf, on_note, s);
	elf_file_close(&elf);
	for (size_t i = 0; i < s->set->n_spans; i++) {
		if (span_file_wanted(&s->set->span[i], s->file.path))
			survey_span(s, i);
	}
	elf_frames_free(&s->file.frames);
}

int span_survey(pid_t pid, const struct span_set *set, const struct span_survey *survey)
{
	struct surveying s = {.survey = survey, .set = set};
	struct mappings mappings;
	int err = mappings_read(pid, &mappings);

	for (size_t i = 0; !err && i < mappings.files; i++) {
		s.file = (struct span_file){.fd = mapping_open(pid, &mappings, &mappings.file[i]),
					    .path = mappings.file[i].path};
		if (s.file.fd < 0)
			continue;
		survey_file(&s);
		close(s.file.fd);
	}
	mappings_free(&mappings);
	return err;
}
