// SPDX-License-Identifier: GPL-2.0-or-later
/* pg_shpt.c - the functions for SQL; what they return pg_shpt--0.1.sql tells */
#include "pg_shpt.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#if PG_VERSION_NUM < 130000
#error "pg_shpt is for PostgreSQL 13 and later"
#endif

PG_MODULE_MAGIC;

/* A row that is being filled, column by column. */
#define MAX_COLUMNS 10

struct row {
	int n;
	Datum values[MAX_COLUMNS];
	bool nulls[MAX_COLUMNS];
};

static void add_datum(struct row *row, bool known, Datum value)
{
	Assert(row->n < MAX_COLUMNS);
	row->nulls[row->n] = !known;
	row->values[row->n++] = value;
}

static void add_number(struct row *row, bool known, int64 value)
{
	add_datum(row, known, Int64GetDatum(value));
}

static void add_text(struct row *row, const char *text)
{
	add_datum(row, *text, CStringGetTextDatum(text));
}

static void add_fact(struct row *row, uint64 id, const char *name)
{
	int64 value = 0;
	bool known = id && region_fact(id, name, &value);

	add_number(row, known, value);
}

static void add_hosts(struct row *row, uint64 id)
{
	char *json = id ? region_hosts(id) : NULL;

	add_datum(row, json,
		  json ? DirectFunctionCall1(jsonb_in, CStringGetDatum(json)) :
			 (Datum)0);
}

static Datum make_tuple(FunctionCallInfo fcinfo, struct row *row)
{
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (desc->natts != row->n)
		elog(ERROR, "pg_shpt.so and the extension's SQL differ: run "
			    "ALTER EXTENSION pg_shpt UPDATE");
	return HeapTupleGetDatum(
		heap_form_tuple(BlessTupleDesc(desc), row->values, row->nulls));
}

/* The library rounds to chunks; pg_shpt_process does not. */
static void add_linked_bytes(struct row *row, const struct memory *memory)
{
	struct linked linked = { .bytes = memory->linked_bytes };
	bool known = memory->region_id ?
			     linked_memory(MyProcPid, memory, &linked) :
			     memory->linked_known;

	add_number(row, known, linked.bytes);
}

/* Tables that are shared are the hosts', and so no process's. */
static int64 all_page_table_bytes(void)
{
	int64 sum = 0, bytes;
	pid_t *pids;
	int n = server_processes(&pids);

	for (int i = 0; i < n; i++)
		if (page_table_bytes(pids[i], &bytes))
			sum += bytes;
	return sum;
}

/* Now, and without sharing. Of hugetlb the kernel does not tell what it
 * shares. */
static void add_page_tables(struct row *row, const struct memory *memory)
{
	int64 sum = all_page_table_bytes(), shared = 0, saved = 0;
	bool known = !memory->region_id ||
		     (region_fact(memory->region_id, "table_bytes", &shared) &&
		      region_fact(memory->region_id, "saved_bytes", &saved));

	add_number(row, known, sum + shared);
	add_number(row, known && strcmp(memory->backend, "hugetlb") != 0,
		   sum + shared + saved);
}

PG_FUNCTION_INFO_V1(pg_shpt_region);
Datum pg_shpt_region(PG_FUNCTION_ARGS)
{
	struct row row = { 0 };
	struct memory memory;

	find_memory(&memory);
	add_text(&row, memory.backend);
	add_text(&row, memory.why);
	add_number(&row, memory.region_id, memory.region_id);
	add_number(&row, true, memory.length);
	add_linked_bytes(&row, &memory);
	add_page_tables(&row, &memory);
	add_fact(&row, memory.region_id, "guests");
	add_hosts(&row, memory.region_id);
	add_fact(&row, memory.region_id, "faults_served");
	PG_RETURN_DATUM(make_tuple(fcinfo, &row));
}

struct processes {
	struct memory memory;
	pid_t *pids;
};

static bool add_process(struct row *row, pid_t pid, const struct memory *memory)
{
	struct linked linked;
	int64 bytes;
	bool known;

	if (!page_table_bytes(pid, &bytes))
		return false;
	known = linked_memory(pid, memory, &linked);
	add_datum(row, true, Int32GetDatum(pid));
	add_number(row, known, linked.chunks);
	add_number(row, known, linked.bytes);
	add_number(row, true, bytes);
	return true;
}

PG_FUNCTION_INFO_V1(pg_shpt_process);
Datum pg_shpt_process(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	struct processes *all;

	if (SRF_IS_FIRSTCALL()) {
		MemoryContext before;

		context = SRF_FIRSTCALL_INIT();
		before = MemoryContextSwitchTo(context->multi_call_memory_ctx);
		all = palloc(sizeof(*all));
		find_memory(&all->memory);
		context->max_calls = server_processes(&all->pids);
		context->user_fctx = all;
		MemoryContextSwitchTo(before);
	}
	context = SRF_PERCALL_SETUP();
	all = context->user_fctx;
	while (context->call_cntr < context->max_calls) {
		pid_t pid = all->pids[context->call_cntr];
		struct row row = { 0 };

		CHECK_FOR_INTERRUPTS();
		if (add_process(&row, pid, &all->memory))
			SRF_RETURN_NEXT(context, make_tuple(fcinfo, &row));
		context->call_cntr++;
	}
	SRF_RETURN_DONE(context);
}

PG_FUNCTION_INFO_V1(pg_shpt_populate);
Datum pg_shpt_populate(PG_FUNCTION_ARGS)
{
	struct memory memory;

	(void)fcinfo;
	find_memory(&memory);
	populate_memory(&memory);
	if (strcmp(memory.backend, "shpt") != 0)
		ereport(NOTICE,
			(errmsg("the memory is populated, but the page tables are this session's only"),
			 *memory.why ? errdetail("%s", memory.why) : 0));
	PG_RETURN_INT64(memory.length);
}
