import { statfsSync } from 'node:fs';
import { totalmem } from 'node:os';

/** What a machine has for Postgres: in bytes, what this process may use of it. */
export type Machine = { readonly memory: number; readonly disk: number };

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** The machine, or the container, that this process runs in; `directory` is on the disk that counts. */
export function machineOf(directory: string): Machine {
  const { blocks, bsize } = statfsSync(directory);
  // Without a limit it is 0, or more than there is.
  const limit = process.constrainedMemory() || Infinity;
  return { memory: Math.min(totalmem(), limit), disk: blocks * bsize };
}

/**
 * Postgres' settings for a ledger on such a machine, which it shares with the service: what is written often stays in
 * memory, and the log has room to be written evenly. Nothing here lets a commit be lost: fsync, full_page_writes and
 * synchronous_commit are as Postgres has them, on. What each is worth: docs/operating.md.
 */
export function settingsFor({ memory, disk }: Machine): Readonly<Record<string, string>> {
  const buffers = within(memory / 8, 128 * MIB, 2 * GIB);
  return {
    shared_buffers: megabytes(buffers),
    // What the kernel keeps of the files besides; it is only told to the planner.
    effective_cache_size: megabytes(Math.max(memory / 2, buffers)),
    // A page goes to the log whole when it is first changed after a checkpoint: the fewer checkpoints, the less log. A
    // crash has to be recovered from in less than a start waits (server.ts), so there are not as few as there could be.
    checkpoint_timeout: '15min',
    max_wal_size: megabytes(within(disk / 20, 1 * GIB, 2 * GIB)),
    wal_buffers: '16MB',
    // Statements are short and asked often; compiling one takes longer than running it.
    jit: 'off',
  };
}

const within = (wanted: number, least: number, most: number): number =>
  Math.min(Math.max(wanted, least), most);

const megabytes = (bytes: number): string => `${Math.floor(bytes / MIB)}MB`;
