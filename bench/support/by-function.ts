import { relative } from 'node:path';

/** A profile as weights of functions: microseconds of CPU, or bytes of heap. */

export type CallFrame = {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
};
export type Weighed = { readonly frame: CallFrame; readonly weight: number };

const SHOWN = 25;

/** Prints the heaviest functions, then the heaviest packages and folders. `say` tells what a weight is. */
export function printByFunction(
  checkout: string,
  title: string,
  weighed: readonly Weighed[],
  say: (weight: number) => string,
): void {
  const functions = new Map<string, number>();
  const places = new Map<string, number>();
  for (const { frame, weight } of weighed) {
    const place = placeOf(checkout, frame.url);
    const label = `${frame.functionName || '(anonymous)'}  ${place === '' ? '' : `${place}:${frame.lineNumber + 1}`}`;
    add(functions, label, weight);
    add(places, groupOf(place), weight);
  }
  const all = weighed.reduce((sum, { weight }) => sum + weight, 0);
  for (const [by, weights] of [
    ['function', functions],
    ['place', places],
  ] as const) {
    console.log(`\n${title} by ${by}, ${say(all)} in all`);
    for (const [label, weight] of [...weights].toSorted((a, b) => b[1] - a[1]).slice(0, SHOWN))
      console.log(`${((weight / all) * 100).toFixed(1).padStart(5)} %  ${say(weight)}  ${label}`);
  }
}

const add = (weights: Map<string, number>, label: string, weight: number) =>
  weights.set(label, (weights.get(label) ?? 0) + weight);

function placeOf(checkout: string, url: string): string {
  return url.startsWith('file://') ? relative(checkout, url.slice('file://'.length)) : url;
}

/** The package, or the folder of our own source; what has no place is the engine's own. */
function groupOf(place: string): string {
  const found = /^(?:.*node_modules\/((?:@[^/]+\/)?[^/]+)|(src\/[^/]+)|(gen)\/|(node:[^/]+))/.exec(place);
  return found?.[1] ?? found?.[2] ?? found?.[3] ?? found?.[4] ?? (place === '' ? '(engine)' : place);
}
