/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.h - tracepoints shpt:*, what happens to a region and when
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM shpt

#if !defined(SHPT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SHPT_TRACE_H

#include <linux/mm_types.h>
#include <linux/tracepoint.h>

/* A chunk of a guest. The process is the current one, but for unlinks. */
DECLARE_EVENT_CLASS(shpt_chunk_event,
		    TP_PROTO(u64 region, unsigned long addr),
		    TP_ARGS(region, addr),
		    TP_STRUCT__entry(__field(u64, region)
				     __field(unsigned long, addr)
		    ),
		    TP_fast_assign(__entry->region = region;
				   __entry->addr = addr;
		    ),
		    TP_printk("region=%llu addr=%#lx", __entry->region,
			      __entry->addr)
);

DEFINE_EVENT(shpt_chunk_event, link,
	     TP_PROTO(u64 region, unsigned long addr),
	     TP_ARGS(region, addr)
);

DEFINE_EVENT(shpt_chunk_event, unlink,
	     TP_PROTO(u64 region, unsigned long addr),
	     TP_ARGS(region, addr)
);

/* A fault in the host, for a guest or to populate; result is a VM_FAULT_*. */
TRACE_EVENT(host_fault,
	    TP_PROTO(u64 region, unsigned long pgoff, bool write,
		     vm_fault_t result),
	    TP_ARGS(region, pgoff, write, result),
	    TP_STRUCT__entry(__field(u64, region)
			     __field(unsigned long, pgoff)
			     __field(bool, write)
			     __field(unsigned int, result)
	    ),
	    TP_fast_assign(__entry->region = region;
			   __entry->pgoff = pgoff;
			   __entry->write = write;
			   __entry->result = (__force unsigned int)result;
	    ),
	    TP_printk("region=%llu pgoff=%#lx %s result=%#x", __entry->region,
		      __entry->pgoff, __entry->write ? "write" : "read",
		      __entry->result)
);

/* The host's tables changed, and so many CPUs were made to forget. */
TRACE_EVENT(flush,
	    TP_PROTO(u64 region, unsigned int cpus),
	    TP_ARGS(region, cpus),
	    TP_STRUCT__entry(__field(u64, region)
			     __field(unsigned int, cpus)
	    ),
	    TP_fast_assign(__entry->region = region;
			   __entry->cpus = cpus;
	    ),
	    TP_printk("region=%llu cpus=%u", __entry->region, __entry->cpus)
);

/* A host that had links has ended: nobody can walk its tables any more. */
TRACE_EVENT(retire,
	    TP_PROTO(u64 region, unsigned int access, int node),
	    TP_ARGS(region, access, node),
	    TP_STRUCT__entry(__field(u64, region)
			     __field(unsigned int, access)
			     __field(int, node)
	    ),
	    TP_fast_assign(__entry->region = region;
			   __entry->access = access;
			   __entry->node = node;
	    ),
	    TP_printk("region=%llu access=%u node=%d", __entry->region,
		      __entry->access, __entry->node)
);

#endif /* SHPT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
