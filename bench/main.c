// SPDX-License-Identifier: GPL-2.0-or-later
/* main.c - shpt-bench: finds the scenario and runs it */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

const struct scenario *const scenarios[] = {
	&scenario_workers,
	&scenario_attach,
	&scenario_memory,
	&scenario_forkstorm,
	&scenario_exitstorm,
	&scenario_bystander,
	&scenario_random,
	&scenario_invalidate,
	&scenario_edges,
	&scenario_numa,
#ifdef HAVE_PMEM
	&scenario_pmem,
#endif
	NULL,
};

/* What has a command line of its own. */
static const struct verb {
	const char *name;
	const char *title;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "map", "what libshpt_map() costs more than mmap(2)", map_main },
	{ "report", "a page with tables and pictures of results", report_main },
	{ "compare", "what changed from some results to others", compare_main },
};

static void print_help(void)
{
	puts("Usage: shpt-bench SCENARIO [OPTION...]\n"
	     "       shpt-bench report [OPTION...] RESULTS\n"
	     "       shpt-bench compare [OPTION...] A B\n");
	for (size_t i = 0; scenarios[i]; i++)
		printf("  %-14s %s\n", scenarios[i]->name, scenarios[i]->title);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		printf("  %-14s %s\n", verbs[i].name, verbs[i].title);
	puts("  -h, --help     print this text\n"
	     "  -V, --version  print the version\n\n"
	     "shpt-bench SCENARIO --help tells more.");
}

static const struct scenario *find_scenario(const char *name)
{
	for (size_t i = 0; scenarios[i]; i++)
		if (!strcmp(name, scenarios[i]->name))
			return scenarios[i];
	return NULL;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

static bool is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

static int run_scenario(struct run *run, int argc, char **argv)
{
	int status = options_parse(run, argc, argv);
	json_t *machine;

	if (status >= 0)
		return status;
	machine = machine_facts();
	run_passes(run);
	results_sum_up();
	if (!is_stdout(run->json) && !is_stdout(run->csv))
		print_tables(run, machine);
	if (run->json)
		write_json(run, run->json, machine);
	if (run->csv)
		write_csv(run, run->csv, machine);
	json_decref(machine);
	return results.n && !results.wrong ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	struct run run = { .scenario = find_scenario(command) };
	const struct verb *verb = find_verb(command);
	int status = EXIT_SUCCESS;

	/* What getopt(3) begins its messages with. */
	if (run.scenario || verb)
		argv[1] = argv[0];
	if (run.scenario) {
		status = run_scenario(&run, argc - 1, argv + 1);
	} else if (verb) {
		status = verb->run(argc - 1, argv + 1);
	} else if (!strcmp(command, "--help") || !strcmp(command, "-h")) {
		print_help();
	} else if (!strcmp(command, "--version") || !strcmp(command, "-V")) {
		puts("shpt-bench " VERSION);
	} else if (argc > 1) {
		usage("unknown scenario '%s'", command);
	} else {
		usage("which scenario?");
	}
	if (fflush(stdout) || ferror(stdout))
		die("cannot write the results: %s", strerror(errno));
	return status;
}
