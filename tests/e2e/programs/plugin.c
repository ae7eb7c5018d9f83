/* SPDX-License-Identifier: BSD-2-Clause */
/* A plugin that brings the library with it, into a program that may not have had it. */
#include <flightrec.h>

void plugin_start(void);
void plugin_extend(uint64_t timeout_ns);
void plugin_end(void);
void plugin_log(void);
void plugin_log_to(flightrec *others);
void plugin_close(flightrec *others);

/* Two plugins that differ in nothing else stand at the same address in turn. */
#ifdef PLUGIN_B
#define PLUGIN_ENTRY "plugin %s", "B"
#else
#define PLUGIN_ENTRY "answer %d", 42
#endif

static flightrec rec;

void plugin_start(void)
{
	flightrec_begin(&rec, "plugin", FLIGHTREC_SEC(3600));
	flightrec_info(&rec, "from the plugin");
}

void plugin_extend(uint64_t timeout_ns)
{
	flightrec_extend(&rec, timeout_ns);
}

void plugin_end(void)
{
	flightrec_end(&rec);
}

void plugin_log(void)
{
	flightrec_info(flightrec_current(), PLUGIN_ENTRY);
}

void plugin_log_to(flightrec *others)
{
	flightrec_info(others, PLUGIN_ENTRY);
}

void plugin_close(flightrec *others)
{
	flightrec_end(others);
}
