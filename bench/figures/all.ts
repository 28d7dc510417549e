import type { Figure } from '../support/figure.ts';
import { cost } from './cost.ts';
import { deep } from './deep.ts';
import { instances } from './instances.ts';
import { lanes } from './lanes.ts';
import { late } from './late.ts';
import { latency } from './latency.ts';
import { locked } from './locked.ts';
import { overload } from './overload.ts';
import { reads } from './reads.ts';
import { start } from './start.ts';
import { telemetry } from './telemetry.ts';
import { unary } from './unary.ts';
import { watches } from './watches.ts';
import { writes } from './writes.ts';

/** In the order of the table. */
export const figures: readonly Figure[] = [
  reads,
  late,
  writes,
  unary,
  latency,
  lanes,
  cost,
  overload,
  locked,
  deep,
  instances,
  watches,
  start,
  telemetry,
];
