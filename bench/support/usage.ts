import { readdirSync, readFileSync } from 'node:fs';

/** What Linux says a process has used. */

/** Of `/proc/<pid>/stat`; 100 on every Linux there is. */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU a process has used so far, in its own code and in the kernel; 0 once it is gone. */
export function cpuSeconds(pid: number): number {
  const [user = 0, system = 0] = statOf(pid).slice(11, 13).map(Number);
  return (user + system) / TICKS_PER_SECOND;
}

/** The same of a process and its children, such as a Postgres with its backends: those that live, and those that ended. */
export function treeCpuSeconds(pid: number): number {
  const [user = 0, system = 0] = statOf(pid).slice(13, 15).map(Number);
  const living = [pid, ...childrenOf(pid)].reduce((sum, one) => sum + cpuSeconds(one), 0);
  return living + (user + system) / TICKS_PER_SECOND;
}

/** Memory in use, in MiB. */
export function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib ?? 0) / 1024;
}

const childrenOf = (pid: number): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => statOf(one)[1] === String(pid));

/** The fields after the name, which may itself contain spaces: state, parent, … */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
