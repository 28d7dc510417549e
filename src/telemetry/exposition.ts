import { collectDefaultMetrics, Registry, type Metric } from 'prom-client';
import type { Family, Labels } from './family.ts';

/** The metrics as text. */
export type Exposition = {
  readonly contentType: string;
  add(families: readonly Family[]): void;
  text(): Promise<string>;
};

type Sample = { readonly metricName?: string; readonly labels: Labels; readonly value: number };

/**
 * Prometheus' text of the families, and of what Node tells of itself. prom-client asks each metric for its samples when it
 * is read, and so it is handed these: its own histograms look their labels up in a hash for each value, which takes longer
 * than all else that is done to observe a call.
 */
export function createExposition(): Exposition {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    contentType: registry.contentType,
    add(families) {
      for (const family of families) registry.registerMetric(metricOf(family) as unknown as Metric);
    },
    text: () => registry.metrics(),
  };
}

function metricOf(family: Family) {
  const { name, help, type } = family;
  return { name, get: async () => ({ name, help, type, values: [...samplesOf(family)] }) };
}

function* samplesOf(family: Family): Generator<Sample> {
  if (family.type !== 'histogram') {
    for (const [labels, value] of family.read()) yield { labels, value };
    return;
  }
  const { name, bounds } = family;
  for (const [labels, values] of family.read()) {
    const { upTo, count, sum } = values.read();
    const bucket = (le: string, value: number) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le },
      value,
    });
    for (const [i, bound] of bounds.entries()) yield bucket(String(bound), upTo[i]!);
    yield bucket('+Inf', count);
    yield { metricName: `${name}_sum`, labels, value: sum };
    yield { metricName: `${name}_count`, labels, value: count };
  }
}
