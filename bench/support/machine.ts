import { cpus, totalmem } from 'node:os';

/** What the figures were taken on. `load`: how many others wanted a CPU in the minute before. */
export function machine(load: number): string {
  const all = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  const idle = load < 0.5 ? 'idle before' : `**not idle: load ${load.toFixed(1)} in the minute before**`;
  return `${all.length} × ${all[0]?.model.trim() ?? 'unknown CPU'}, ${gib} GiB, Node ${process.versions.node}, ${idle}`;
}
