/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The trace events of kfunctrace.ko: perf, trace-cmd, bpftrace and libtraceevent read them as they
 * read any other. Names and order of the fields are an interface that scripts depend on
 * (Documentation/events.rst): fields are added at the end, and none is renamed.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kfunc

#if !defined(KFUNCTRACE_KFUNC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KFUNCTRACE_KFUNC_TRACE_H

#include <linux/tracepoint.h>

/* Who calls what. (A parameter named prog would hide one of 6.1's own.) */
DECLARE_EVENT_CLASS(kfunc_site,
	TP_PROTO(const char *kfunc, u32 prog_id, const char *program),
	TP_ARGS(kfunc, prog_id, program),
	TP_STRUCT__entry(
		__string(kfunc, kfunc)
		__string(prog, program)
		__field(u32, prog_id)
	),
	TP_fast_assign(
		compat_assign_str(kfunc, kfunc);
		compat_assign_str(prog, program);
		__entry->prog_id = prog_id;
	),
	TP_printk("kfunc=%s prog=%s prog_id=%u", __get_str(kfunc), __get_str(prog),
		  __entry->prog_id)
);

DEFINE_EVENT(kfunc_site, kfunc_call,
	TP_PROTO(const char *kfunc, u32 prog_id, const char *program),
	TP_ARGS(kfunc, prog_id, program)
);

/* What becomes of an object. count is -1 where it is not known, and so is duration_ns. */
DECLARE_EVENT_CLASS(kfunc_object,
	TP_PROTO(const char *kfunc, u32 prog_id, const char *program, const char *type,
		 const void *object, s64 count, s64 duration_ns),
	TP_ARGS(kfunc, prog_id, program, type, object, count, duration_ns),
	TP_STRUCT__entry(
		__string(kfunc, kfunc)
		__string(prog, program)
		__string(type, type)
		__field(u32, prog_id)
		__field(const void *, object)
		__field(s64, count)
		__field(s64, duration_ns)
	),
	TP_fast_assign(
		compat_assign_str(kfunc, kfunc);
		compat_assign_str(prog, program);
		compat_assign_str(type, type);
		__entry->prog_id = prog_id;
		__entry->object = object;
		__entry->count = count;
		__entry->duration_ns = duration_ns;
	),
	TP_printk("kfunc=%s prog=%s prog_id=%u type=%s object=%p count=%lld duration_ns=%lld",
		  __get_str(kfunc), __get_str(prog), __entry->prog_id, __get_str(type),
		  __entry->object, __entry->count, __entry->duration_ns)
);

#define KFUNC_OBJECT_EVENT(name)                                                               \
DEFINE_EVENT(kfunc_object, name,                                                               \
	TP_PROTO(const char *kfunc, u32 prog_id, const char *program, const char *type,           \
		 const void *object, s64 count, s64 duration_ns),                              \
	TP_ARGS(kfunc, prog_id, program, type, object, count, duration_ns)                        \
)

KFUNC_OBJECT_EVENT(kfunc_acquire);
KFUNC_OBJECT_EVENT(kfunc_release);
KFUNC_OBJECT_EVENT(kfunc_refcount_zero);
/* Found by a scan: its object is dead, and it is held all the same since duration_ns. */
KFUNC_OBJECT_EVENT(kfunc_stale);

TRACE_EVENT(kfunc_deprecated,
	TP_PROTO(const char *kfunc, u32 prog_id, const char *program, const char *replacement),
	TP_ARGS(kfunc, prog_id, program, replacement),
	TP_STRUCT__entry(
		__string(kfunc, kfunc)
		__string(prog, program)
		__string(replacement, replacement)
		__field(u32, prog_id)
	),
	TP_fast_assign(
		compat_assign_str(kfunc, kfunc);
		compat_assign_str(prog, program);
		compat_assign_str(replacement, replacement);
		__entry->prog_id = prog_id;
	),
	TP_printk("kfunc=%s prog=%s prog_id=%u replacement=%s", __get_str(kfunc),
		  __get_str(prog), __entry->prog_id, __get_str(replacement))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE kfunc_trace
#include <trace/define_trace.h>
