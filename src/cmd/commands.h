/* The commands of mprof, each in a file of its own. */
#ifndef MP_CMD_COMMANDS_H
#define MP_CMD_COMMANDS_H

#include "cmd/shared/command.h"

extern const struct mp_command mp_command_run, mp_command_attach, mp_command_rm,
    mp_command_clean, mp_command_list, mp_command_plot, mp_command_peak, mp_command_heap,
    mp_command_detach, mp_command_top, mp_command_snapshot, mp_command_mark,
    mp_command_report, mp_command_lines, mp_command_flamegraph, mp_command_table,
    mp_command_export, mp_command_objects, mp_command_tree, mp_command_stats,
    mp_command_diff, mp_command_leaks, mp_command_merge, mp_command_help;

#endif
