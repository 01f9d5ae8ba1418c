/** Whether a caught error says that a disk, or somebody's share of it, has no room. */
export const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
