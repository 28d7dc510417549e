import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

/**
 * Imported into a service (`node --import`) of any checkout: on the first SIGUSR2 it begins to sample what is taken from
 * the heap and by whom, on the second it writes that to the file BENCH_HEAP_SAMPLES names. Objects that are collected
 * meanwhile are counted, or only what stays would be seen.
 */

/** One sample in so many bytes. */
const INTERVAL = 16_384;

const session = new Session();
let sampling = false;
process.on('SIGUSR2', () => void (sampling ? write() : begin()));

async function begin(): Promise<void> {
  sampling = true;
  session.connect();
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: INTERVAL,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
}

async function write(): Promise<void> {
  const { profile } = await session.post('HeapProfiler.stopSampling');
  const path = process.env['BENCH_HEAP_SAMPLES']!;
  // Whole or not there: who waits for it reads it at once.
  writeFileSync(`${path}.unfinished`, JSON.stringify(profile));
  renameSync(`${path}.unfinished`, path);
}
