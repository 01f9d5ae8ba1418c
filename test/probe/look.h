/* What can be opened. Each writes one member of the report. */
#pragma once

void look_at_descriptors(void);
/* Nodes below /dev, and two that a container may make but not open. */
void look_at_devices(void);
void look_at_masks(void);
/* Opens files of /proc and /sys for writing and closes them again. Of the processes, only our own. */
void look_for_writable(void);
