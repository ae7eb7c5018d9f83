// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/call_sites.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "collector/kernel/tracker.h"

/* Call sites are static objects, so a process with more than this must be inventing them. */
#define SITES_MAX 16384
/* How many call sites are kept that were at the same address in turn. The oldest is dropped. */
#define DESCRIPTIONS_MAX 16

struct description {
	struct description *older;
	uint64_t from_ns;
	size_t bytes;
	struct call_site_info info; /* strings are in text */
	char text[];
};

struct call_site {
	uint64_t address;
	struct description *newest;
	UT_hash_handle hh;
};

static void free_description(struct call_sites *sites, struct call_site_budget *budget,
			     struct description *description)
{
	sites->bytes -= description->bytes;
	budget->used -= description->bytes;
	free(description);
}

void call_sites_clear(struct call_sites *sites, struct call_site_budget *budget)
{
	struct call_site *site, *next;

	HASH_ITER(hh, sites->known, site, next)
	{
		HASH_DEL(sites->known, site);
		while (site->newest) {
			struct description *description = site->newest;

			site->newest = description->older;
			free_description(sites, budget, description);
		}
		free(site);
	}
}

/* A size includes the NUL, as from bpf_probe_read_user_str(); 0 means it could not be read. */
static const char *copy_string(char **to, const char *from, size_t size)
{
	char *copy = *to;

	if (!size)
		return NULL;
	memcpy(copy, from, size);
	copy[size - 1] = '\0';
	*to += size;
	return copy;
}

static struct description *new_description(struct call_sites *sites,
					   struct call_site_budget *budget,
					   const struct site_record *record)
{
	size_t text = (size_t)record->format_size + record->file_size + record->function_size;
	/* Includes what a new address costs, to be on the safe side. */
	size_t bytes = sizeof(struct description) + text + sizeof(struct call_site);
	struct description *description;
	char *to;

	if (sites->bytes + bytes > budget->limit - budget->used)
		return NULL;
	description = malloc(sizeof(*description) + text);
	if (!description)
		return NULL;
	sites->bytes += bytes;
	budget->used += bytes;
	*description = (struct description){.from_ns = record->from_ns, .bytes = bytes};
	to = description->text;
	description->info.line = record->line;
	description->info.format = copy_string(&to, record->format, record->format_size);
	description->info.format_size = strlen(description->info.format);
	description->info.file = copy_string(&to, record->file, record->file_size);
	description->info.function = copy_string(&to, record->function, record->function_size);
	return description;
}

static bool same_string(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_info(const struct call_site_info *a, const struct call_site_info *b)
{
	return a->line == b->line && same_string(a->format, b->format) &&
	       same_string(a->file, b->file) && same_string(a->function, b->function);
}

void call_site_describe(const struct site_record *record, struct call_site_info *info)
{
	*info = (struct call_site_info){
		.format = record->format_size ? record->format : NULL,
		.format_size = record->format_size ? strlen(record->format) : 0,
		.file = record->file_size ? record->file : NULL,
		.function = record->function_size ? record->function : NULL,
		.line = record->line,
	};
}

static struct call_site *find_site(const struct call_sites *sites, uint64_t address)
{
	struct call_site *site;

	HASH_FIND(hh, sites->known, &address, sizeof(address), site);
	return site;
}

static struct call_site *get_site(struct call_sites *sites, uint64_t address)
{
	struct call_site *site = find_site(sites, address);

	if (site || HASH_COUNT(sites->known) >= SITES_MAX)
		return site;
	site = calloc(1, sizeof(*site));
	if (!site)
		return NULL;
	site->address = address;
	HASH_ADD(hh, sites->known, address, sizeof(site->address), site);
	return site;
}

static void forget_site(struct call_sites *sites, struct call_site *site)
{
	HASH_DEL(sites->known, site);
	free(site);
}

static void drop_oldest(struct call_sites *sites, struct call_site_budget *budget,
			struct call_site *site)
{
	struct description **link = &site->newest;
	size_t n = 1;

	for (; (*link)->older; n++)
		link = &(*link)->older;
	if (n <= DESCRIPTIONS_MAX)
		return;
	free_description(sites, budget, *link);
	*link = NULL;
}

int call_sites_add(struct call_sites *sites, struct call_site_budget *budget,
		   const struct site_record *record)
{
	struct description *description, **link;
	struct call_site_info info;
	struct call_site *site;

	if (!record->format_size)
		return -EINVAL;
	call_site_describe(record, &info);
	site = get_site(sites, record->site);
	if (!site)
		return -ENOSPC;
	/* Rings are drained one after another, so an older description may arrive later. */
	for (link = &site->newest; *link && (*link)->from_ns > record->from_ns;)
		link = &(*link)->older;
	if (*link && same_info(&(*link)->info, &info))
		return 0;
	description = new_description(sites, budget, record);
	if (!description) {
		if (!site->newest)
			forget_site(sites, site);
		return -ENOSPC;
	}
	description->older = *link;
	if (*link && (*link)->from_ns == record->from_ns) {
		description->older = (*link)->older;
		free_description(sites, budget, *link);
	}
	*link = description;
	drop_oldest(sites, budget, site);
	return 0;
}

int call_sites_find(const struct call_sites *sites, uint64_t address, uint64_t time_ns,
		    struct call_site_info *info)
{
	struct call_site *site = find_site(sites, address);
	struct description *description = site ? site->newest : NULL;

	*info = (struct call_site_info){0};
	while (description && description->from_ns > time_ns)
		description = description->older;
	if (!description)
		return -ENOENT;
	*info = description->info;
	return 0;
}
